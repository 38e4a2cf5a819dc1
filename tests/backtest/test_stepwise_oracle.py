"""Orders of every kind, by lot, against a walk from tick to tick that shares nothing with the engine but the rules."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result
from alphapanda_desktop.backtest.orders import Working
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.series import Series, ends_of
from alphapanda_desktop.domain.risk import Limits, RiskLimits
from tests.backtest.history import FUTURE, Act, buy, play, sell, walk

TICK = 0.05
ANY = RiskLimits(desk=Limits(max_orders_per_day=10**6, max_position_quantity=10**6))
Fill = tuple[int, int, int]
"""Bar, signed quantity, price in ticks."""


def ticks(price: float) -> int:
    return round(price / TICK)


def by_lot(series: Series, seed: int) -> dict[int, Act]:
    """An order at every third bar or so: market, limit, stop with a limit, stop."""
    dice, script = random.Random(seed), dict[int, Act]()
    for bar, close in enumerate(series.close[:-1].tolist()):
        if dice.random() < 0.3:
            side, at = dice.choice([1, -1]), round(close + dice.randint(-25, 25) * TICK, 2)
            beyond = round(at + side * dice.randint(-5, 15) * TICK, 2)
            kinds = ({}, {"price": at}, {"trigger_price": at, "price": beyond}, {"trigger_price": at})
            script[bar] = (buy if side > 0 else sell)(dice.randint(1, 3), **dice.choice(kinds))
    return script


@dataclass(eq=False)
class Waiting:
    sign: int
    quantity: int
    limit: int
    trigger: int | None


class Walker:
    """Goes through every bar in steps of a tick, and asks at each what waits."""

    def __init__(self, series: Series, orders: list[Working], slip: int) -> None:
        self.series, self.slip = series, slip
        self.resting: list[Waiting] = []
        self.fills: list[Fill] = []
        self.bar = 0
        ends = ends_of(series)
        self.asked: dict[int, list[Working]] = {}
        for work in orders:
            self.asked.setdefault(int(np.searchsorted(ends, work.asked_s)) + 1, []).append(work)

    def walk(self) -> list[Fill]:
        """All fills, in the order of bar, quantity and price."""
        series = self.series
        for self.bar in range(len(series)):
            if self.bar and series.days[self.bar] != series.days[self.bar - 1]:
                self.resting.clear()
            price = ticks(series.open.item(self.bar))
            self.show(price)
            for work in self.asked.get(self.bar, []):
                self.come(self.waiting(work), price)
            for turn in self.turns():
                while price != turn:
                    price += 1 if turn > price else -1
                    self.show(price)
        return sorted(self.fills)

    def turns(self) -> tuple[int, int, int]:
        columns = (self.series.open, self.series.high, self.series.low, self.series.close)
        opened, high, low, close = (ticks(column.item(self.bar)) for column in columns)
        up, down = high - opened, opened - low
        return (low, high, close) if down < up or (down == up and close >= opened) else (high, low, close)

    def waiting(self, work: Working) -> Waiting:
        trigger = ticks(work.trigger) if work.trigger else None
        if work.price:
            return Waiting(work.sign, work.quantity, ticks(work.price), trigger)
        near = (work.trigger or self.series.close.item(self.bar - 1)) * (1 + 0.02 * work.sign) / TICK
        return Waiting(work.sign, work.quantity, floor(near + 1e-9) if work.sign > 0 else ceil(near - 1e-9), trigger)

    def come(self, order: Waiting, price: int) -> None:
        if order.trigger is not None and (price - order.trigger) * order.sign < 0:
            self.resting.append(order)
            return
        order.trigger, paid = None, price + order.sign * self.slip
        if (order.limit - paid) * order.sign >= 0:
            self.fills.append((self.bar, order.sign * order.quantity, paid))
        else:
            self.resting.append(order)

    def show(self, price: int) -> None:
        for order in list(self.resting):
            if order.trigger is not None:
                self.resting.remove(order)
                self.come(order, price)
            elif (order.limit - price) * order.sign > 0:
                self.resting.remove(order)
                self.fills.append((self.bar, order.sign * order.quantity, order.limit))


def of(result: Result) -> list[Fill]:
    return sorted((fill.bar, fill.sign * fill.quantity, ticks(fill.price)) for fill in result.executions)


@pytest.mark.parametrize("seconds", [60, 300, 3_600])
@pytest.mark.parametrize("slip", [0, 1])
def test_every_fill_is_the_one_that_a_walk_from_tick_to_tick_finds(seconds: int, slip: int) -> None:
    found = 0
    for seed in (1, 7, 20, 55):
        series = walk(600, seed, instrument=replace(FUTURE, lot_size=1)).longer(seconds)
        result = play(
            by_lot(series, seed), series, product="NRML", cash=1e9, slippage=Slippage(slip), limits=ANY
        )  # fmt: skip
        sent = [work for work in result.working if work.status != "REJECTED"]
        assert of(result) == Walker(series, sent, slip).walk()
        found += len(result.executions)
    assert found > {60: 300, 300: 60, 3_600: 5}[seconds]
