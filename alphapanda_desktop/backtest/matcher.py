"""Orders against bars: what is asked for, what leaves with the next price, what the price's way through a bar fills.

An order that a strategy asks for when a bar closes meets the next bar's open; one that is asked for within a bar (an
exit by a stop, an answer to a fill) meets the price at which the way stands then. Resting orders fill as
`domain.matching` says: a limit only when the price has come through it, a stop when its trigger is reached.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, cast

from alphapanda_desktop.backtest.book import Book
from alphapanda_desktop.backtest.gate import Gate
from alphapanda_desktop.backtest.lane import DayPlan, Lane, Stop
from alphapanda_desktop.backtest.orders import STOPS, Refused, Working
from alphapanda_desktop.backtest.path import Slippage, turns
from alphapanda_desktop.backtest.ticks import Way
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.matching import Quote, protection_price, resting, triggered
from alphapanda_desktop.domain.orders import AUTOMATIC, Order, OrderType, Product
from alphapanda_desktop.domain.squareoff import MAX_EQUITY_QUANTITY

MOST_AT_ONE_PRICE: Final = 200
"""Orders that may follow one another at one price, as answers to each other, before the run is ended."""


class Matcher:
    """Owns the moment: `now_s`, and everything that changes a lane. `heard(order)` is the strategy's on_order.

    `woken` is called once market time has come to `wake_s`, at the end of the bar in which that lies; who sets one of
    them with `wake` sets the other.
    """

    def __init__(self, lanes: Sequence[Lane], book: Book, gate: Gate, slippage: Slippage, product: Product) -> None:
        self._moment_s = 0
        self._moment_at = -1
        self._only = lanes[0] if len(lanes) == 1 else None
        self.wake_s = inf
        self.book = book
        self.heard: Callable[[Order], None] | None = None
        self.woken: Callable[[], None] | None = None
        self._lanes = lanes
        self._gate = gate
        self._slippage = slippage
        self._product = product
        for lane in lanes:
            lane.daily = gate.asks_results
        self._by_tag: dict[str, Working] = {}
        self._lane_of = {lane.key: lane for lane in lanes}
        self._asked = 0
        self._over = False
        self._news: deque[Order] = deque()
        self._telling = False

    @property
    def now_s(self) -> int:
        """Market time, epoch seconds; of one instrument alone it follows from how many bars have closed."""
        only = self._only
        return self._moment_s if only is None or only.count == self._moment_at else only.end_s

    @now_s.setter
    def now_s(self, at_s: int) -> None:
        self._moment_s = at_s
        if self._only is not None:
            self._moment_at = self._only.count

    def wake(self, at_s: float | None) -> None:
        """Have `woken` called when market time has come there; None wants no call."""
        self.wake_s = inf if at_s is None else at_s
        for lane in self._lanes:
            lane.due = 0

    def ring(self) -> None:
        """Call `woken` if its time has come; for the engine, once a bar has closed."""
        if self.woken is not None and self.now_s >= self.wake_s:
            self.wake(None)
            self.woken()

    # --- wishes -----------------------------------------------------------------------------------------------------

    def submit(
        self,
        lane: Lane,
        sign: int,
        quantity: int,
        reason: str,
        price: float | None = None,
        trigger: float | None = None,
        product: Product | None = None,
        *,
        closes: bool = False,
    ) -> str:
        """Ask for an order; its tag. What the rules refuse is told to the strategy at once, as rejected."""
        snap, self._asked = lane.instrument.snap, self._asked + 1
        work = Working(
            self._asked,
            lane.instrument,
            sign,
            quantity,
            product or self._product,
            _type(price, trigger),
            snap(price) if price else None,
            snap(trigger) if trigger else None,
            f"bt{self._asked:08d}",
            reason,
            self.now_s,
            closes,
        )
        self._by_tag[work.tag] = work
        self.book.orders.append(work)
        self._let_out(lane, work)
        return work.tag

    def _let_out(self, lane: Lane, work: Working) -> None:
        if self._over:
            self._refuse(lane, work, "the run is over", "Not sent: the run is over.")
            return
        now_s, gate, book = work.asked_s, self._gate, self.book
        plan = lane.plan(now_s)
        book.begin(plan.day)
        last_price, way = lane.last, 0
        if lane.resting or lane.coming:
            way = sum(each.quantity for each in lane.working() if each.sign == work.sign)
        sure = gate.surely_passes(
            work, now_s, plan, held=lane.held(work.product), way=way, today=book.today, last_price=last_price
        )
        if not sure:
            seen = book.seen(lane, work, with_result=gate.asks_results)
            refusal = gate.objection(work, seen, now_s, has_derivatives=lane.has_derivatives)
            if refusal is not None:
                self._refuse(lane, work, refusal.rule, refusal.text)
                return
        if work.order_type in ("MARKET", "SL-M"):  # Kite turns them into limits at their protection, as the book shows
            near = work.trigger or last_price
            work.limit = protection_price(work.side, near, AUTOMATIC, lane.instrument)
        else:
            work.limit = work.price or 0.0
        book.count(work)
        text = book.objection(lane, work, plan, now_s)
        if text:
            self._refuse(lane, work, "broker", text)
            return
        lane.coming.append(work)
        lane.due = 0

    def _refuse(self, lane: Lane, work: Working, rule: str, text: str) -> None:
        self.book.refused.append(Refused(self.now_s, lane.key, rule, text))
        self._end(lane, work, "REJECTED", text)

    def exit(self, lane: Lane, reason: str) -> str | None:
        """Withdraw what rests on the closing side and close what is held at the market; the tag, None if nothing is
        left to close.
        """
        tag: str | None = None
        for product, held in lane.held_as().items():
            sign = -1 if held > 0 else 1
            closers = [work for work in lane.working() if work.product == product and work.sign == sign]
            for work in closers:
                if work.order_type != "MARKET" and work.live:
                    self._withdraw(lane, work)
            left = abs(lane.held(product)) - sum(
                work.quantity
                for work in lane.working()
                if (work.product, work.sign, work.order_type) == (product, sign, "MARKET")
            )
            if left > 0:
                tag = self.submit(lane, sign, left, reason, product=product, closes=True)
        return tag

    def protect(self, lane: Lane, trigger: float | None, reason: str) -> None:
        """Watch a stop, or none any more. Raises ValueError for a trigger that is no price."""
        lane.due = 0
        if trigger is None:
            lane.stop = None
            return
        if not trigger > 0:
            raise ValueError(f"a stop needs a trigger above 0, {trigger} given for {lane.key}")
        net = lane.whole[0] or sum(work.sign * work.quantity for work in lane.working())
        if not net:
            return
        lane.stop = Stop(lane.instrument.snap(trigger), 1 if net > 0 else -1, reason, lane.whole[0] != 0)
        self._heed_stop(lane)

    def cancel(self, tag: str) -> None:
        """Take out an order that still works."""
        known = self._by_tag.get(tag)
        if known is not None and known.live:
            self._withdraw(self._lane_of[known.instrument.key], known)

    def _withdraw(self, lane: Lane, work: Working) -> None:
        self._end(lane, work, "CANCELLED", None)

    def _end(self, lane: Lane, work: Working, status: str, message: str | None) -> None:
        for waiting in (lane.resting, lane.coming):
            if work in waiting:
                waiting.remove(work)
        work.status, work.message, work.at_s = status, message, self.now_s
        lane.due = 0
        self._tell(lane, work)

    def _tell(self, lane: Lane, work: Working) -> None:
        if self.heard is not None and not work.square_off:
            self._news.append(work.order())
            if self._telling:
                self.tell()
        if lane.stop is not None and not work.live:
            self._retire_stop(lane)

    def tell(self) -> None:
        """Tell the strategy what became of its orders, one after the other: never while it is being called."""
        while self._news and self.heard is not None:
            self._telling = False
            self.heard(self._news.popleft())
        self._telling = True

    # --- a bar ------------------------------------------------------------------------------------------------------

    def meet(self, lane: Lane, bar: Bar) -> None:
        """Let a bar's prices, one after the other, meet what waits for them."""
        plan = self.begin(lane, bar)
        if lane.way is None:
            self._assume(lane, bar, plan)
        else:
            self._walk(lane, lane.way)
        self.end(lane, bar, plan)

    def begin(self, lane: Lane, bar: Bar) -> DayPlan:
        """A bar begins; what is of an earlier day ends. The day it is of."""
        self.tell()
        self.now_s = bar.start_s
        plan = lane.plan(bar.start_s)
        if lane.daily:
            self.book.begin(plan.day)
        if plan is not lane.begun:
            lane.begun = plan
            self._expire(lane, plan.begins_s)
        return plan

    def _assume(self, lane: Lane, bar: Bar, plan: DayPlan) -> None:
        """Go the way that is assumed for a bar of which no more than four prices are known."""
        self._reach(lane, bar.open, square_off=bar.start_s >= plan.square_off_s or lane.intraday_day != plan.day)
        if lane.resting or lane.stop is not None:
            lasts = lane.ends.item(lane.count) - bar.start_s
            for number, price in enumerate(turns(bar)):
                self.now_s = bar.start_s + lasts * number // 3
                self._go(lane, price)

    def _walk(self, lane: Lane, way: Way) -> None:
        """Go from tick to tick, past those that nothing waits for."""
        at, end = way.span(lane.count)
        while at < end:
            self.now_s = way.second(at)
            self._tick(lane, way.price.item(at))
            at += 1
            if not lane.coming and at < end:
                lane.schedule(self.wake_s)
                by_s = lane.plan(self.now_s).square_off_s if lane.held("MIS") else inf
                at = way.next_at(at, end, lane.watch_low, lane.watch_high, by_s)

    def tick(self, lane: Lane, price: float) -> None:
        """One tick of a bar whose ticks the strategy hears; it may meet what waits."""
        self.tell()
        self._tick(lane, price)
        self._telling = False
        lane.schedule(self.wake_s)

    def _tick(self, lane: Lane, price: float) -> None:
        plan = lane.plan(self.now_s)
        self._reach(lane, price, square_off=self.now_s >= plan.square_off_s or lane.intraday_day != plan.day)

    def end(self, lane: Lane, bar: Bar, plan: DayPlan) -> None:
        """A bar ends; what is of the day ends with the day's last one."""
        end_s = lane.ends.item(lane.count)
        lane.last = bar.close
        if end_s > plan.square_off_s and lane.held("MIS"):
            self.now_s = max(self.now_s, min(end_s - 1, int(plan.square_off_s)))
            self._reach(lane, bar.close, square_off=True)
        self.now_s = end_s
        if end_s >= plan.close_s and lane.resting:
            self._expire(lane, plan.ends_s)
        self._telling = False
        lane.schedule(self.wake_s)

    def _expire(self, lane: Lane, before_s: float) -> None:
        """End orders of an earlier day: they were good for it alone."""
        for work in [work for work in lane.working() if work.asked_s < before_s]:
            self._end(lane, work, "CANCELLED", "DAY order: its validity has ended.")

    def _reach(self, lane: Lane, price: float, *, square_off: bool) -> None:
        """The market shows this price, at once: a gap is not walked through."""
        lane.last = price
        if square_off and lane.held("MIS"):
            self._square_off(lane)
        waiting = sorted(lane.resting, key=_priority) if lane.resting else ()
        self._leave(lane)
        for work in waiting:  # and not what comes to rest only now: it has seen this price
            if work.status == "TRIGGER PENDING":
                if triggered(work.side, cast(float, work.trigger), price):
                    self._trigger(lane, work)
            elif work.live:
                self._rest(lane, work, price)
        if lane.stop is not None:
            self._heed_stop(lane)
            self._leave(lane)

    def _go(self, lane: Lane, price: float) -> None:
        """The market goes from the last price to this one, through all prices between."""
        refused: Stop | None = None
        up = price > lane.last  # of the whole way: what waits at its very end is still on it when something fills there
        while lane.resting or lane.stop is not None:
            nearest = self._nearest(lane, price, up, refused)
            if nearest is None:
                break
            at, what = nearest
            lane.last = at
            if isinstance(what, Stop):
                self._heed_stop(lane)
                refused = None if lane.stop is not what or self._closing(lane, what.sign) else what
            elif what.status == "TRIGGER PENDING":
                self._trigger(lane, what)
            else:
                self._rest(lane, what, price)
            self._leave(lane)
        lane.last = price

    def _nearest(
        self, lane: Lane, target: float, up: bool, refused: Stop | None
    ) -> tuple[float, Working | Stop] | None:
        """What the price comes to first on its way, and where; `refused` is a stop whose exit was not taken."""
        best, last = None, lane.last
        for work in sorted(lane.resting, key=_priority):
            if work.status == "TRIGGER PENDING":
                at = cast(float, work.trigger)
                waits = (work.sign > 0) == up and triggered(work.side, at, target)
            else:
                at, waits = work.limit, (work.sign < 0) == up and (target > work.limit if up else target < work.limit)
            at = max(at, last) if up else min(at, last)
            if waits and (best is None or abs(at - last) < abs(best[0] - last)):
                best = at, work
        stop: Stop | None = lane.stop
        if (
            stop is not None
            and stop is not refused
            and (stop.sign < 0) == up
            and stop.crossed(target)
            and lane.whole[0] * stop.sign > 0
        ):
            at = max(stop.trigger, last) if up else min(stop.trigger, last)
            if (best is None or abs(at - last) < abs(best[0] - last)) and not self._closing(lane, stop.sign):
                return at, stop
        return best

    def _leave(self, lane: Lane) -> None:
        """Orders on their way reach the market at its last price."""
        steps, now_s = 0, self._moment_s
        while lane.coming and lane.coming[0].asked_s <= now_s:
            steps += 1
            if steps > MOST_AT_ONE_PRICE:
                raise StrategyError(f"{steps} orders followed one another at one price of {lane.key}: it never ends")
            work = lane.coming.pop(0)
            if work.order_type in STOPS:
                work.status, work.at_s = "TRIGGER PENDING", self.now_s
                lane.resting.append(work)
                self._tell(lane, work)
                if work.live and triggered(work.side, cast(float, work.trigger), lane.last):
                    self._trigger(lane, work)
            else:
                self._arrive(lane, work)

    def _trigger(self, lane: Lane, work: Working) -> None:
        if work in lane.resting:
            lane.resting.remove(work)
        self._arrive(lane, work)

    def _arrive(self, lane: Lane, work: Working) -> None:
        """Take the market's price, worsened by slippage, if the limit allows it; else rest at the limit."""
        price = self._slippage.paid(lane.last, work.sign, lane.instrument)
        if price <= work.limit if work.sign > 0 else price >= work.limit:  # as `arriving` says where no depth is known
            self._fill(lane, work, price)
            return
        work.status, work.at_s = "OPEN", self.now_s
        lane.resting.append(work)
        self._tell(lane, work)

    def _rest(self, lane: Lane, work: Working, price: float) -> None:
        fills = resting(work.side, work.limit, work.quantity, Quote(price))
        if fills and work in lane.resting:
            lane.resting.remove(work)
            self._fill(lane, work, fills[0].price)

    def _fill(self, lane: Lane, work: Working, price: float) -> None:
        now_s = self._moment_s
        self.book.fill(lane, work, price, now_s, lane.plan(now_s).day)
        if lane.stop is not None and lane.whole[0] * lane.stop.sign > 0:
            lane.stop.held = True
        self._tell(lane, work)

    # --- stops that the program watches, and the broker's square-off --------------------------------------------------

    def _closing(self, lane: Lane, sign: int) -> bool:
        """Whether a market order is on its way that closes what a stop guards."""
        return any(work.sign == -sign and work.order_type == "MARKET" for work in lane.working())

    def _heed_stop(self, lane: Lane) -> None:
        """Exit where the last price has crossed what is guarded."""
        stop = lane.stop
        if stop is None or lane.whole[0] * stop.sign <= 0 or not stop.crossed(lane.last):
            return
        if not self._closing(lane, stop.sign):
            why = f"the price of {lane.last:.2f} crossed the stop at {stop.trigger:.2f}"
            self.exit(lane, f"{why}: {stop.reason}" if stop.reason else why)

    def _retire_stop(self, lane: Lane) -> None:
        """A stop ends with its position, or when nothing will make one any more."""
        stop = lane.stop
        if stop is None or lane.whole[0] * stop.sign > 0:
            return
        if stop.held or not any(work.sign == stop.sign for work in lane.working()):
            lane.stop = None

    def _square_off(self, lane: Lane) -> None:
        """Close what is held as MIS, as Zerodha does, at the last price; its working orders are cancelled first."""
        for work in [work for work in lane.working() if work.product == "MIS"]:
            self._end(lane, work, "CANCELLED", "The position of the day is squared off.")
        held = lane.held("MIS")
        for part in _parts(abs(held), lane.instrument.exchange in ("NSE", "BSE")):
            self._asked += 1
            sign = -1 if held > 0 else 1
            work = Working(
                self._asked, lane.instrument, sign, part, "MIS", "MARKET", None, None, f"sq{self._asked:08d}",
                "squared off by the broker", self.now_s, square_off=True,
            )  # fmt: skip
            self.book.orders.append(work)
            self._fill(lane, work, self._slippage.paid(lane.last, sign, lane.instrument))

    def finish(self) -> None:
        """Take no more orders, and cancel what works."""
        self.tell()
        self._over = True
        for lane in self._lanes:
            for work in lane.working():
                self._end(lane, work, "CANCELLED", "The backtest is over.")


def _parts(quantity: int, shares: bool) -> list[int]:
    most = MAX_EQUITY_QUANTITY if shares else quantity
    return [min(most, quantity - start) for start in range(0, quantity, most)] if quantity else []


def _priority(work: Working) -> tuple[float, int]:
    """Better price first, then older."""
    return (-work.sign * work.limit, work.number)


def _type(price: float | None, trigger: float | None) -> OrderType:
    if trigger:
        return "SL" if price else "SL-M"
    return "LIMIT" if price else "MARKET"
