"""The account of a backtest: executions, charges, what is free; and the counts that the rules ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from alphapanda_desktop.backtest.gate import Seen
from alphapanda_desktop.backtest.lane import DayPlan, Lane
from alphapanda_desktop.backtest.orders import Execution, Refused, Working
from alphapanda_desktop.backtest.rates import ChargeBook
from alphapanda_desktop.domain.margins import margin
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.domain.squareoff import FEE


class Book:
    """Money is booked money: ten-thousandths of a rupee."""

    def __init__(self, lanes: Sequence[Lane], cash: float) -> None:
        self._lanes = lanes
        self._charges = ChargeBook()
        self.cash = to_money(cash)
        """Opening cash and what sales less purchases and charges have brought."""
        self.opening = self.cash
        self.charged = 0
        self.orders: list[Working] = []
        self.executions: list[Execution] = []
        self.refused: list[Refused] = []
        self._day = date.min
        self.today = 0
        self._today_of: dict[str, int] = {}
        self._day_began = self.cash
        self._peak = 0.0

    def begin(self, day: date) -> None:
        """Count anew where it is a new day."""
        if day != self._day:
            self._day, self.today = day, 0
            self._today_of.clear()
            self._day_began, self._peak = self.worth(), 0.0

    def count(self, work: Working) -> None:
        """One more order that was let out."""
        self.today += 1
        key = work.instrument.key
        self._today_of[key] = self._today_of.get(key, 0) + 1

    def worth(self) -> int:
        """Cash and what is held, at the last prices."""
        held = sum(to_money(lane.whole[0] * lane.last * lane.units) for lane in self._lanes if lane.whole[0])
        return self.cash + held

    def result_of_day(self) -> float:
        """Net rupees since the day began; the peak is kept as it is asked."""
        result = (self.worth() - self._day_began) / RUPEE
        self._peak = max(self._peak, result)
        return result

    def seen(self, lane: Lane, work: Working, *, with_result: bool) -> Seen:
        """What the rules ask for, before this order."""
        buying = selling = others = mine = 0
        if lane.resting or lane.coming:
            working = lane.working()
            others = mine = len(working)
            buying = sum(each.quantity for each in working if each.sign > 0)
            selling = sum(each.quantity for each in working if each.sign < 0)
        if len(self._lanes) > 1:
            others = sum(len(each.resting) + len(each.coming) for each in self._lanes)
        result = self.result_of_day() if with_result else None
        return Seen(
            lane.held(work.product), buying, selling, lane.whole[0], self.today, self._today_of.get(lane.key, 0),
            others, mine, lane.last, result, self._peak,
        )  # fmt: skip

    def opening_quantity(self, lane: Lane, work: Working) -> int:
        """How much of an order would enlarge the position, after the working orders ahead of it."""
        held = lane.held(work.product)
        ahead = 0
        if lane.resting or lane.coming:
            same = (each for each in lane.working() if each is not work and each.number < work.number)
            ahead = sum(each.quantity for each in same if (each.product, each.sign) == (work.product, work.sign))
        closable = max(0, -work.sign * held - ahead)
        return max(0, work.quantity - closable)

    def objection(self, lane: Lane, work: Working, plan: DayPlan, now_s: float) -> str:
        """Why the broker would not take it: holdings, the hour of an MIS order, funds; empty when nothing speaks
        against it. The words are those of paper trading.
        """
        opening = self.opening_quantity(lane, work)
        if not opening:
            return ""
        if work.product == "CNC" and work.sign < 0:
            return f"Insufficient holdings: {work.quantity} to be sold as CNC, {max(0, lane.held('CNC'))} held."
        if work.product == "MIS" and now_s >= plan.square_off_s:
            at = (int(plan.square_off_s) + 19_800) % 86_400 // 60
            shown = f"{at // 60:02d}:{at % 60:02d}"
            return f"MIS positions are squared off at {shown}: no new one can be opened after that."
        price = work.limit or work.price or lane.last
        needed = margin(lane.instrument, work.product, work.side, opening * lane.units, price)
        free = self.available(work)
        if needed > free:
            return f"Insufficient funds. Required margin is {needed:.2f} but available margin is {free:.2f}."
        return ""

    def available(self, but: Working | None = None) -> float:
        """Rupees that are free: opening cash and closed profit, less charges and what positions and orders tie up."""
        free = (self.opening - self.charged) / RUPEE
        for lane in self._lanes:
            for product, (quantity, cost, realised) in lane.lots.items():
                free += realised * lane.units
                if quantity:
                    side: Side = "BUY" if quantity > 0 else "SELL"
                    free -= margin(lane.instrument, product, side, abs(quantity) * lane.units, cost / quantity)
            if lane.resting or lane.coming:
                free -= self._tied_up(lane, (work for work in lane.working() if work is not but))
        return free

    def _tied_up(self, lane: Lane, orders: Iterable[Working]) -> float:
        return sum(
            margin(
                lane.instrument, work.product, work.side, opening * lane.units, work.limit or work.price or lane.last
            )
            for work in orders
            if (opening := self.opening_quantity(lane, work))
        )

    def fill(self, lane: Lane, work: Working, price: float, now_s: int, day: date) -> None:
        """Book an order's execution, whole, with what it costs."""
        instrument, quantity = lane.instrument, work.quantity
        cost = self._charges.total(instrument, work.product, work.side, quantity, price, day, lane.units)
        cost += FEE if work.square_off else 0
        lane.take(work.product, work.sign, quantity, price, day)
        self.cash -= work.sign * to_money(quantity * price * lane.units) + cost
        self.charged += cost
        work.filled, work.average_price, work.status, work.at_s = quantity, price, "COMPLETE", now_s
        told = now_s, lane.count, lane.key, work.sign, quantity, price, work.product, cost, work.tag, work.reason
        self.executions.append(_NEW(Execution, told))


_NEW: Final[Any] = tuple.__new__
"""Of a tuple that has the fields already: half the time of naming them."""
