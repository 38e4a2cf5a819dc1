"""What a run that is over has left behind, and the three ways to see to it: hand over, adopt, flatten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from alphapanda_desktop.domain.coverage import WAITING
from alphapanda_desktop.domain.errors import AlphaPandaError, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, OrderRequest, Product
from alphapanda_desktop.domain.ports import Clock, Journal
from alphapanda_desktop.domain.runbook import Brought, average_as
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.endings import ended
from alphapanda_desktop.trading.exits import CANCEL_WAIT_S, OfRun, get_out
from alphapanda_desktop.trading.handed import HandedOver
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.restored import RestoredStops
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.stops import KeptStop, kept_by, name_of

if TYPE_CHECKING:
    from alphapanda_desktop.trading.runner import Runner


@dataclass(frozen=True, slots=True)
class Orphan:
    """One position or some orders that a run has left behind, of one instrument as one product.

    `quantity` is signed and 0 where only orders are left; `guarded` names the stops that watch it, in words.
    """

    key: str
    product: Product
    quantity: int
    average_price: float
    orders: tuple[Order, ...] = ()
    guarded: tuple[str, ...] = ()

    def __str__(self) -> str:
        held = f"{self.quantity} {self.key} {self.product} at {self.average_price:.2f}" if self.quantity else self.key
        working = f", {len(self.orders)} orders at work" if self.orders else ""
        return held + working + (f", {'; '.join(self.guarded)}" if self.guarded else ", guarded by nothing here")


class Orphans:
    """What the runs of one runner leave behind."""

    def __init__(
        self, runner: Runner, desk: Desk, market: Market, journal: Journal, clock: Clock, stops: RestoredStops
    ) -> None:
        self._stops = stops
        self._runner = runner
        self._desk = desk
        self._market = market
        self._journal = journal
        self._clock = clock

    def of(self, run: Run) -> list[Orphan]:
        """Position and working orders of a run that is over, by instrument and product."""
        if not run.state.over:
            return []
        found = [self._one(run, i, product) for i in run.instruments for product in _products(run, i.key)]
        return [orphan for orphan in found if orphan.quantity or orphan.orders]

    def _one(self, run: Run, instrument: Instrument, product: Product) -> Orphan:
        key = instrument.key
        _, average = average_as(key, product, run.brought, run.orders.values())
        stakes = [s for s in OfRun(self._desk, run).stakes() if s.key == key and s.where[2] == product]
        orders = tuple(order for order in run.working(key) if order.product == product)
        stops = [stop for stop in kept_by([run]) if stop.instrument.key == key and product in stop.products]
        return Orphan(key, product, sum(s.quantity for s in stakes), average, orders, tuple(map(str, stops)))

    async def hand_over(self, old: Run, new: Run) -> str:
        """Cancel what works, then make what is held the other run's; its stops watch it there."""
        orphans = self._given(old, new)
        instead = [kept for orphan in orphans if (kept := self._instead(old, orphan)) is not None]
        problems = await self._cancelled(old)
        if problems or not new.asking:
            for kept in instead:
                self._stops.lift(kept)
            why = f"an order still works: {'; '.join(problems)}" if problems else f"run {new.run_id} is {new.state}"
            raise StrategyError(f"not handed over, for {why}")
        moved = [orphan for orphan in self.of(old) if orphan.quantity]
        for orphan in moved:
            await self._move(old, new, orphan)
        ended = sum(len(orphan.orders) for orphan in orphans)
        words = ", ".join(f"{o.quantity} {o.key} {o.product}" for o in moved) or "no position"
        done = [f"{words} handed over to run {new.run_id}", f"{ended} working orders cancelled"]
        done += [f"the stop of {kept.instrument.key} at {kept.trigger:.2f} was at the broker and is watched by this "
                 "program only now" for kept in instead]  # fmt: skip
        return self._told([old, new], "; ".join(done))

    def _instead(self, old: Run, orphan: Orphan) -> KeptStop | None:
        """A stop of this program in the place of those at the broker that end with the old run: no moment without one.

        While both are there the position is sold once: what fires here withdraws the other first.
        """
        instrument = next(i for i in old.instruments if i.key == orphan.key)
        sign = 1 if orphan.quantity > 0 else -1
        resting = [o for o in orphan.orders if o.trigger_price > 0 and o.status in WAITING and o.sign == -sign]
        if not orphan.quantity or not resting or _stops_on(old, orphan):
            return None
        trigger = max(sign * order.trigger_price for order in resting) * sign
        return self._stops.guard(old, instrument, trigger, resting[0].transaction_type, "was a stop at the broker")

    def _given(self, old: Run, new: Run) -> list[Orphan]:
        orphans, keys = self.of(old), {i.key for i in new.instruments}
        if not orphans:
            raise StrategyError(f"run {old.run_id} has left nothing behind")
        if new.strategy.name != old.strategy.name:
            raise StrategyError(f"{old.strategy.name} hands over to its own kind only, not to {new.strategy.name}")
        if not new.asking:
            raise StrategyError(f"run {new.run_id} can take nothing over: it is {new.state}")
        foreign = [orphan.key for orphan in orphans if orphan.key not in keys]
        if foreign:
            raise StrategyError(f"run {new.run_id} does not trade {', '.join(foreign)}")
        return orphans

    async def _move(self, old: Run, new: Run, orphan: Orphan) -> None:
        await self._note(old, new.run_id, orphan)
        _shift(old, orphan, -1)
        _shift(new, orphan, 1)
        for stop in _stops_on(old, orphan):
            self._guard_on(new, stop)
            self._stops.lift(stop)  # only now: no moment without one
        if not new.asking:  # it ended in this very moment
            self._stops.keep_on(new, "the run ended as it took this over")

    def _guard_on(self, new: Run, stop: KeptStop) -> None:
        """Let the other run have the stop, unless its own is nearer: that guards what came as well."""
        own = next((s for s in kept_by([new]) if (s.instrument.key, s.side) == (stop.instrument.key, stop.side)), None)
        if own is not None and own.crossed(stop.trigger):
            new.note("info", f"{name_of(own.instrument)} at {own.trigger:.2f} guards what came as well")
            return
        host = self._runner.host_of(new.run_id)
        if host is not None:
            host.context.protect(stop.instrument, stop.trigger, reason=stop.reason)

    async def adopt(self, run: Run) -> str:
        """What is held becomes a person's own; orders work on, but stops of this program guard what runs hold."""
        orphans = self.of(run)
        if not orphans:
            raise StrategyError(f"run {run.run_id} has left nothing behind")
        for orphan in orphans:
            await self._note(run, "", orphan)
            _shift(run, orphan, -1)
        stops = list(dict.fromkeys(stop for orphan in orphans for stop in _stops_on(run, orphan)))
        for stop in stops:
            self._stops.lift(stop)
        bare = "".join(f"; {name_of(stop.instrument)} at {stop.trigger:.2f} ends with that" for stop in stops)
        return self._told([run], f"taken over by hand: {', '.join(_held(one) for one in orphans)}{bare}")

    async def flatten(self, run: Run) -> str:
        """Close what is held, as Exit on its row of the positions does."""
        if not run.state.over:
            raise StrategyError(f"run {run.run_id} is {run.state}: stop it first")

        async def submit(request: OrderRequest) -> list[Order]:
            return await self._desk.submit_sliced(replace(request, reason=f"flatten what {run.strategy.name} left"))

        outcome = await get_out(self._desk, OfRun(self._desk, run), self._market.master.by_key, submit)
        sent = f"{len(outcome.sent)} exits sent" if outcome.sent else "nothing to close"
        return self._told([run], "; ".join([sent, *outcome.problems]))

    async def _cancelled(self, run: Run) -> list[str]:
        """Cancel all that works for a run that is over; what works still, in words."""
        return await cancelled(self._desk, OfRun(self._desk, run).working())

    def _told(self, runs: Iterable[Run], words: str) -> str:
        for run in runs:
            run.note("info", words)
            self._runner.changed_run(run.run_id)
        return words

    async def _note(self, old: Run, to: str, orphan: Orphan) -> None:
        exchange, _, tradingsymbol = orphan.key.partition(":")
        lots = (orphan.product, orphan.quantity, orphan.average_price)
        one = HandedOver(old.run_id, to, exchange, tradingsymbol, *lots)
        await self._journal.note(one.event(self._clock.now()))
        self._desk.ledger.hand_over(one)


async def cancelled(desk: Desk, orders: Sequence[Order]) -> list[str]:
    """Cancel these orders and wait for their ends; those that work still, in words."""
    asked = {order.order_id: "" for order in orders if order.order_id}
    for order_id in asked:
        try:
            await desk.cancel(order_id)
        except AlphaPandaError as error:
            asked[order_id] = f" ({error})"
    await ended(desk, desk.books, list(asked), CANCEL_WAIT_S)
    rows = [desk.books.book.get(order_id) for order_id in asked]
    working = [f"{o.key} order {o.order_id} works still{asked[o.order_id]}" for o in rows if o is not None and o.live]
    return [*working, *(f"an order in {o.key} has no answer yet" for o in orders if not o.order_id and o.live)]


def _products(run: Run, key: str) -> list[Product]:
    working = [cast(Product, order.product) for order in run.working(key)]
    return sorted({*run.held_as(key), *working})


def _held(orphan: Orphan) -> str:
    held = f"{orphan.quantity} {orphan.key} {orphan.product}" if orphan.quantity else orphan.key
    return f"{held} with {len(orphan.orders)} orders at work" if orphan.orders else held


def _stops_on(run: Run, orphan: Orphan) -> list[KeptStop]:
    return [s for s in kept_by([run]) if s.instrument.key == orphan.key]


def _shift(run: Run, orphan: Orphan, sign: int) -> None:
    """Make a run hold more, or less, than its own orders say."""
    run.brought = shifted(run.brought, orphan.key, orphan.product, sign * orphan.quantity, orphan.average_price)


def shifted(brought: Brought, key: str, product: Product, quantity: int, price: float) -> Brought:
    """What a run did not trade itself, after so much more of it came at that price."""
    before, average = brought.get((key, product), (0, 0.0))
    after = before + quantity
    cost = before * average + quantity * price
    lots = dict(brought)
    lots[key, product] = (after, cost / after if after else 0.0)
    return lots
