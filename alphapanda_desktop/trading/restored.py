"""Stops that only this program watches, in the journal: they outlive their runs, and a crash or a restart.

Their runs are over by then, and their strategies know nothing of it; a stop closes what its run holds and the account
still holds, through the desk as every order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from alphapanda_desktop.domain.coverage import AppStop
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.orders import Order, OrderRequest, Side
from alphapanda_desktop.domain.ports import Clock, Event, Journal
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.why import Cause, tick_facts
from alphapanda_desktop.trading.books import Books, left_of, place_of
from alphapanda_desktop.trading.carried import MEMORY
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.exits import Stake, get_out
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.reconcile import journaled
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.shares import in_holdings, waits_for_better
from alphapanda_desktop.trading.stops import KeptStop, ends_words, name_of

KIND: Final = "app stop"
"""The journal's kind of event for a stop of this program that begins, moves or ends (`watched`)."""


class RestoredStops:
    """Journals the stops of all runs, and watches those of runs that are over: ended, failed, or of a former start."""

    def __init__(self, desk: Desk, market: Market, journal: Journal, clock: Clock, scope: Scope) -> None:
        self._desk = desk
        self._market = market
        self._journal = journal
        self._clock = clock
        self._scope = scope
        self._ends: dict[str, Callable[[], None]] = {}
        self._told: set[tuple[str, str]] = set()
        self._to_note: dict[str, Event | None] = {}
        """What is to be written of a stop once its last is on the disk: of one that moves fast, the newest alone."""

    def keep(self, kept: KeptStop) -> None:
        """Write down that a stop is watched, or is not any more."""
        if self._scope.closed:
            return
        name = f"{name_of(kept.instrument)} of {kept.run_id}"
        under_way = name in self._to_note
        self._to_note[name] = Event(KIND, self._clock.now(), kept.detail())
        if not under_way:
            self._scope.spawn(f"journal {name}", self._note(name))

    def give_up(self, run: Run, why: str) -> None:
        """The kill switch ends the run, and its stops with it; what they guarded is told."""
        for kept in _unlifted(run):
            kept.outlive()  # the run may be silenced already: what it guarded until now is to be told
            bare = "; ".join(_words(stop) for stop in kept.stops())
            kept.lift()
            self.keep(kept)
            if bare:
                self._desk.notice(f"{self._name(run)}: {why}. Nothing here guards any more: {bare}.")

    def keep_on(self, run: Run, why: str) -> None:
        """The run is over, by a person or by its failure: what it holds still is guarded on, and a person is told."""
        for kept in _unlifted(run):
            kept.outlive()
            if self._listens(run, kept):
                continue
            if kept.stops() or kept.entering or kept.handed_over:
                self._listen(run, kept)
                if not kept.handed_over:
                    self._tell_kept(run, kept, why)
            else:
                kept.lift()
                self.keep(kept)

    def guard(self, run: Run, instrument: Instrument, trigger: float, side: Side, reason: str) -> KeptStop:
        """Watch a stop for a run that is over, in the place of one that is withdrawn at the broker."""
        kept = KeptStop(run, instrument, trigger, side, reason)
        kept.outlive(lambda product: self._held(run, instrument, product))
        run.variables[name_of(instrument)] = kept
        self.keep(kept)
        self._ends.pop(_owner(run, kept), lambda: None)()  # a former one's ticks
        self._listen(run, kept)
        return kept

    def lift(self, kept: KeptStop) -> None:
        """Watch a stop of a run that is over no more."""
        kept.lift()
        self.keep(kept)

    def _tell_kept(self, run: Run, kept: KeptStop, why: str) -> None:
        guarded = "; ".join(_words(stop) for stop in kept.stops())
        told = f"{guarded}, is guarded on by this program alone" if guarded else f"{kept.instrument.key} may still fill"
        run.note("warning", f"{kept}, although the run is over")
        self._desk.notice(f"{self._name(run)}: {why}. {told}; Stop coverage can put the stop at the broker.")

    def _name(self, run: Run) -> str:
        return self._desk.name_of_run(run.run_id)

    async def recall(self, day: datetime, runs: Iterable[Run]) -> None:
        """Watch again what was watched when the program ended, for runs that hold something still."""
        by_id, last = {run.run_id: run for run in runs}, dict[tuple[str, str], Event]()
        for event in await self._journal.events(day - MEMORY, KIND):
            last[str(event.detail["run"]), str(event.detail["key"])] = event
        for (run_id, key), event in last.items():
            instrument, run = self._market.master.by_key(key), by_id.get(run_id)
            if instrument is not None and run is not None and event.detail["watched"]:
                self._watch(run, instrument, event)

    def close(self) -> None:
        """Watch no more; the journal still knows them."""
        for end in self._ends.values():
            end()
        self._ends.clear()

    def _watch(self, run: Run, instrument: Instrument, event: Event) -> None:
        side, trigger = cast(Side, event.detail["side"]), float(str(event.detail["trigger"]))
        kept = KeptStop(run, instrument, trigger, side, str(event.detail.get("reason", "")))
        kept.outlive(lambda product: self._held(run, instrument, product))
        if self._listens(run, kept) or not kept.stops():
            return
        run.variables[name_of(instrument)] = kept
        run.note("warning", f"{kept}, again since the program was started")
        self._listen(run, kept)

    def _listens(self, run: Run, kept: KeptStop) -> bool:
        return _owner(run, kept) in self._ends

    def _listen(self, run: Run, kept: KeptStop) -> None:
        token = kept.instrument.instrument_token
        self._market.watch(_owner(run, kept), [kept.instrument], Mode.FULL)
        self._ends[_owner(run, kept)] = self._market.on_tick(token, lambda tick: self._hear(run, kept, tick))

    def _held(self, run: Run, instrument: Instrument, product: str) -> int | None:
        if in_holdings(run, self._desk.books, instrument.key, product):
            return None
        return self._desk.books.held(instrument.exchange, instrument.tradingsymbol, product)

    def _hear(self, run: Run, kept: KeptStop, tick: Tick) -> None:
        if not self._desk.takes_exits or self._desk.trading_state is TradingState.HALTED:
            return  # nothing could leave; it fires when something can
        if self._market.trusted(tick.instrument_token) is None:
            return
        kept.hear(tick.last_price, self._clock.monotonic_s(), lambda why: self._fire(run, kept, tick, why))
        if not kept.active:
            if kept.closed_elsewhere:
                run.note("warning", ends_words(kept))
                self._desk.notice(f"{self._name(run)}: {ends_words(kept)}")
            self.keep(kept)
            run.variables.pop(name_of(kept.instrument), None)
            self._market.unwatch(_owner(run, kept))
            self._ends.pop(_owner(run, kept), lambda: None)()

    def _fire(self, run: Run, kept: KeptStop, tick: Tick, why: str) -> None:
        run.note("warning", f"{kept.instrument.key}: {why}")
        self._scope.spawn(
            f"{name_of(kept.instrument)} fires", self._out(run, kept, Cause(tick=tick_facts(tick), reason=why))
        )

    async def _out(self, run: Run, kept: KeptStop, cause: Cause) -> None:
        async def submit(request: OrderRequest) -> list[Order]:
            own = replace(request, strategy=run.run_id, reason=cause.reason)
            return await self._desk.submit_sliced(own, cause)

        outcome = await get_out(
            self._desk, _OfStop(run, kept, self._desk.books, self._targets), self._market.master.by_key, submit
        )
        for problem in outcome.problems:
            run.note("warning", problem)
            if (run.run_id, problem) not in self._told:  # it is tried again every few seconds, and told once
                self._told.add((run.run_id, problem))
                self._desk.notice(f"{self._name(run)}, {name_of(kept.instrument)}: {problem}")

    def _targets(self, run: Run, kept: KeptStop) -> list[Order]:
        """What a person left to rest, at a better price, on what the stop is to close."""
        tick, books = self._market.trusted(kept.instrument.instrument_token), self._desk.books
        last, found = tick.last_price if tick is not None else None, list[Order]()
        for stop in kept.stops():
            where = (kept.instrument.exchange, kept.instrument.tradingsymbol, stop.product)
            rows = [o for o in books.book.working() if place_of(o) == where and o.transaction_type == kept.side]
            theirs = [order for order in rows if books.run_of(order) != run.run_id]
            if stop.quantity > abs(books.held(*where)) - sum(map(left_of, theirs)):
                found += [order for order in theirs if not books.run_of(order) and waits_for_better(order, last)]
        return found

    async def _note(self, name: str) -> None:
        try:
            while (event := self._to_note[name]) is not None:
                self._to_note[name] = None
                error = await journaled(self._journal.note(event))
                if error is not None:
                    self._desk.notice(f"A stop that only this program watches could not be journaled: {error}")
        finally:
            del self._to_note[name]


def _owner(run: Run, kept: KeptStop) -> str:
    """Under which name a stop has its ticks."""
    return f"{name_of(kept.instrument)} of {run.run_id}"


def _unlifted(run: Run) -> list[KeptStop]:
    return [value for value in run.variables.values() if isinstance(value, KeptStop) and not value.lifted]


def _words(stop: AppStop) -> str:
    return f"{stop.quantity} {stop.key} {stop.product}, {stop.side} at {stop.trigger:.2f}"


class _OfStop:
    """What one stop guards, for closing."""

    note = ""

    def __init__(self, run: Run, kept: KeptStop, books: Books, targets: Callable[[Run, KeptStop], list[Order]]) -> None:
        self._targets = targets
        self._books = books
        self._run = run
        self._kept = kept
        self.name = name_of(kept.instrument)

    def stakes(self) -> list[Stake]:
        i, sign = self._kept.instrument, 1 if self._kept.side == "SELL" else -1
        return [
            Stake(
                (i.exchange, i.tradingsymbol, s.product),
                sign * s.quantity,
                self._run.run_id,
                in_holdings(self._run, self._books, i.key, s.product),
            )
            for s in self._kept.stops()
        ]

    def working(self) -> list[Order]:
        own = self._run.working(self._kept.instrument.key)
        return [o for o in own if o.transaction_type == self._kept.side] + self._targets(self._run, self._kept)
