"""The fast tier over ticks and the exact tier over the same ticks: the same fills, and the differences by name."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.ticks import Ticks
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.replaying.csvticks import ColumnTicks
from alphapanda_desktop.replaying.models import Models
from alphapanda_desktop.replaying.outcome import result_of
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import INFY, NONE
from tests.replaying.test_tiers import told
from tests.replaying.ticks import OPEN_NS, SECOND, replay

CROSSING = {"fast": 2, "slow": 4, "cool_down": 0, "stop_loss": 0.12, "lots": 5, "allow_short": True}


def a_market(count: int, seed: int, gaps_s: tuple[int, int] = (0, 2)) -> Ticks:
    """A walk on ticks, so many seconds at least and at most from one to the next."""
    dice = np.random.default_rng(seed)
    at_ns = OPEN_NS + np.cumsum(dice.integers(gaps_s[0], gaps_s[1] + 1, count)) * SECOND
    price = ((20_000 + np.cumsum(dice.integers(-6, 7, count))) * 0.05).round(2)
    return Ticks(INFY, at_ns, price, dice.integers(1, 50, count).astype(np.int64))


def both(
    kind: type[Strategy], ticks: Ticks, params: Parameters, *, slippage: Slippage = NONE, latency_s: float = 0.0
) -> tuple[Result, Result]:
    """What the fast tier and the exact tier make of it."""
    fast = backtest(Setup(strategy=kind, params=params, series=[ticks.bars(60)], ticks=[ticks], slippage=slippage))
    which = np.zeros(len(ticks), np.intp)
    recording = Recording([ColumnTicks([INFY], which, ticks.time_ns, ticks.price, np.cumsum(ticks.quantity))])
    models = Models(slippage=slippage, latency_s=latency_s)
    return fast, result_of(replay(kind, recording, params, models=models))


def every_41st(act: Any) -> type[Strategy]:
    class Ticky(Strategy):
        name = "ticky"

        def __init__(self, params: Parameters) -> None:
            super().__init__(params)
            self.heard = 0

        def on_bar(self, ctx: Any, instrument: Any, bar: Any) -> None:
            """Only ticks matter."""

        def on_tick(self, ctx: Any, instrument: Any, tick: Any) -> None:
            self.heard += 1
            if self.heard % 41 == 0 and not ctx.working(instrument):
                act(ctx, instrument, ctx.position(instrument).quantity, tick.last_price)

    return Ticky


def at_market(ctx: Any, instrument: Any, held: int, last: float) -> None:
    ctx.exit(instrument, reason="out") if held else ctx.buy(instrument, 5, reason="in")


def with_limits(ctx: Any, instrument: Any, held: int, last: float) -> None:
    if held:
        ctx.sell(instrument, held, reason="out", price=last + 0.4)
    else:
        ctx.buy(instrument, 5, reason="in", price=last - 0.4)


def with_stops(ctx: Any, instrument: Any, held: int, last: float) -> None:
    if held:
        ctx.sell(instrument, held, reason="out", trigger_price=last - 0.4)
    else:
        ctx.buy(instrument, 5, reason="in", trigger_price=last + 0.4)


@pytest.mark.parametrize(("seed", "slippage"), [(1, NONE), (3, Slippage(1))])
def test_a_bar_strategy_and_its_stops_fill_the_same(seed: int, slippage: Slippage) -> None:
    kind = SHIPPED["ma_cross"]
    fast, exact = both(kind, a_market(2_000, seed), kind.Params(**CROSSING), slippage=slippage)
    assert told(exact) == told(fast) and len(fast.executions) > 4
    assert exact.cash == fast.cash and any("crossed the stop" in fill.reason for fill in fast.executions)


@pytest.mark.parametrize("act", [with_limits, with_stops])
def test_limits_and_stops_that_a_tick_asks_for_fill_the_same(act: Any) -> None:
    fast, exact = both(every_41st(act), a_market(1_800, 4), Parameters(), slippage=Slippage(1))
    assert told(exact) == told(fast) and len(fast.executions) > 3


def at_random(seed: int) -> type[Strategy]:
    """Limits, stops, stop limits, cancellations and watched stops, none within reach of the next tick."""

    class Random(Strategy):
        name = "random"

        def __init__(self, params: Parameters) -> None:
            super().__init__(params)
            self.dice = random.Random(seed)
            self.heard = 0

        def on_bar(self, ctx: Any, instrument: Any, bar: Any) -> None:
            """Only ticks matter."""

        def on_tick(self, ctx: Any, instrument: Any, tick: Any) -> None:
            self.heard += 1
            if self.heard % 23 == 0:
                self.act(ctx, instrument, tick.last_price)

        def act(self, ctx: Any, instrument: Any, last: float) -> None:
            what = self.dice.choice(("limit", "stop", "stop limit", "cancel", "protect"))
            sign, away = self.dice.choice((-1, 1)), self.dice.choice((0.35, 0.5, 1.0))
            quantity, order = self.dice.choice((1, 5, 7)), ctx.buy if sign > 0 else ctx.sell
            held, working = ctx.position(instrument).quantity, ctx.working(instrument)
            if what == "limit":
                order(instrument, quantity, reason=what, price=last - sign * away)
            elif what == "stop":
                order(instrument, quantity, reason=what, trigger_price=last + sign * away)
            elif what == "stop limit":
                beyond = last + sign * (away + 0.1)
                order(instrument, quantity, reason=what, trigger_price=last + sign * away, price=beyond)
            elif what == "cancel" and working:
                ctx.cancel(working[0].tag)
            elif what == "protect" and held:
                ctx.protect(instrument, last - away if held > 0 else last + away, reason=what)

    return Random


@pytest.mark.parametrize("seed", range(4))
def test_whatever_rests_when_the_next_tick_comes_fills_the_same(seed: int) -> None:
    ticks = a_market(800, seed, gaps_s=(1, 1))
    fast, exact = both(at_random(seed), ticks, Parameters(), slippage=Slippage(seed % 2))
    assert told(exact) == told(fast) and len(fast.executions) > 5
    assert (exact.cash, exact.charged) == (fast.cash, fast.charged)


def test_a_market_order_that_a_tick_asks_for_meets_the_next_one_as_after_a_latency_up_to_it() -> None:
    ticks = a_market(700, 5, gaps_s=(1, 1))
    fast, exact = both(every_41st(at_market), ticks, Parameters(), latency_s=1.5)
    assert [fill[:4] for fill in told(exact)] == [fill[:4] for fill in told(fast)] and len(fast.executions) > 5
    _, at_once = both(every_41st(at_market), ticks, Parameters())
    prices = dict(zip((ticks.time_ns // SECOND).tolist(), ticks.price.tolist(), strict=True))
    assert [fill.price for fill in at_once.executions] == [prices[fill.at_s] for fill in at_once.executions]
    assert [fill.price for fill in at_once.executions] != [fill.price for fill in fast.executions]


def test_where_no_tick_comes_for_long_the_clock_closes_the_bar_and_the_order_meets_the_last_price() -> None:
    kind = SHIPPED["ma_cross"]
    ticks = a_market(240, 2, gaps_s=(7, 7))
    fast, exact = both(kind, ticks, kind.Params(**CROSSING | {"stop_loss": 0.0}))
    assert [fill[2] for fill in told(exact)] == [fill[2] for fill in told(fast)] and len(fast.executions) > 2
    assert told(exact) != told(fast)  # the fast tier waits for the next tick, whenever that comes


def test_a_stop_that_the_program_watches_goes_before_an_order_that_the_same_tick_fills() -> None:
    class Guarded(Strategy):
        name = "guarded"

        def __init__(self, params: Parameters) -> None:
            super().__init__(params)
            self.heard = 0

        def on_bar(self, ctx: Any, instrument: Any, bar: Any) -> None:
            """Only ticks matter."""

        def on_tick(self, ctx: Any, instrument: Any, tick: Any) -> None:
            self.heard += 1
            if self.heard == 5:
                ctx.sell(instrument, 5, reason="in")
            elif self.heard == 10:
                ctx.buy(instrument, 5, reason="near", trigger_price=101.0)
                ctx.buy(instrument, 1, reason="far", trigger_price=105.0)
                ctx.protect(instrument, 101.0, reason="watched")

    price = np.array([100.0] * 20 + [101.5] * 10)
    at_ns = OPEN_NS + np.arange(30) * SECOND
    ticks = Ticks(INFY, at_ns, price, np.full(30, 10, np.int64))
    fast, exact = both(Guarded, ticks, Parameters())
    ended = [next(work for work in result.working if work.reason == "far").at_s for result in (fast, exact)]
    crossed_s = OPEN_NS // SECOND + 20
    assert ended[0] > crossed_s == ended[1]  # what would close twice is withdrawn by the program, not by the fill
    assert [sum(fill.sign * fill.quantity for fill in result.executions) for result in (fast, exact)] == [0, 0]
