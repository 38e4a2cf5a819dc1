"""The fast tier and the exact tier over the same prices: the same orders, fills and charges where both can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.statistics import statistics_of
from alphapanda_desktop.replaying.models import Models
from alphapanda_desktop.replaying.outcome import result_of
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import FUTURE, INFY, MONDAY, NONE, walk
from tests.replaying.ticks import of_bars, replay

ONE_TICK = Slippage(1)


def told(result: Result) -> list[tuple[int, str, int, float, str, int, str]]:
    return [
        (fill.bar, fill.key, fill.sign * fill.quantity, fill.price, fill.product, fill.charges, fill.reason)
        for fill in result.executions
    ]


def both(
    series: Any, product: Any, slippage: Slippage, *, every_price: bool = False, **params: Any
) -> tuple[Result, Result]:
    """What the fast tier and the exact tier make of it."""
    kind = SHIPPED["ma_cross"]
    values = kind.Params(**{"fast": 3, "slow": 8, "cool_down": 0, "stop_loss": 0.0, "lots": 5} | params)
    fast = backtest(Setup(strategy=kind, params=values, series=[series], product=product, slippage=slippage))
    exact = result_of(
        replay(
            kind, of_bars(series, every_price=every_price), values, product=product, models=Models(slippage=slippage)
        )
    )
    return fast, exact


@pytest.mark.parametrize(
    ("instrument", "product", "slippage", "seed"),
    [
        (INFY, "MIS", NONE, 21),
        (INFY, "MIS", ONE_TICK, 22),
        (INFY, "CNC", NONE, 23),
        (replace(FUTURE, lot_size=1), "NRML", ONE_TICK, 24),
    ],
)
def test_market_orders_of_a_bar_strategy_fill_the_same_in_both_tiers(
    instrument: Any, product: Any, slippage: Slippage, seed: int
) -> None:
    series = walk(150, seed, instrument=instrument)
    fast, exact = both(series, product, slippage, allow_short=product != "CNC")
    assert told(exact) == told(fast) and len(fast.executions) > 8
    assert (exact.cash, exact.charged) == (fast.cash, fast.charged)


def test_stops_fill_the_same_where_no_price_is_left_out() -> None:
    fast, exact = both(walk(120, 21), "MIS", NONE, every_price=True, allow_short=True, stop_loss=0.05)
    assert told(exact) == told(fast)
    assert sum("crossed the stop" in fill.reason for fill in fast.executions) >= 2


def test_a_stop_fills_at_the_tick_that_crossed_it_and_in_the_fast_tier_at_its_trigger() -> None:
    fast, exact = both(walk(120, 21), "MIS", NONE, allow_short=True, stop_loss=0.05)
    pairs = list(zip(told(fast), told(exact), strict=True))
    stops = [(one, other) for one, other in pairs if "crossed the stop" in one[6]]
    assert [one for one, _ in pairs if "crossed the stop" not in one[6]] == [
        other for _, other in pairs if "crossed the stop" not in other[6]
    ]
    assert any(one[3] != other[3] for one, other in stops)
    for (_, _, signed, trigger, *_), (_, _, _, crossing, *_) in stops:
        assert (crossing - trigger) * signed >= 0  # never better than the trigger


def test_figures_of_two_days_are_the_same_in_both_tiers() -> None:
    fast, exact = both(walk(110, 25, per_day=60), "CNC", NONE, allow_short=False)
    assert statistics_of(exact) == statistics_of(fast) and statistics_of(fast).days == 2


def test_a_position_of_the_day_is_squared_off_the_same_in_both_tiers() -> None:
    series = walk(90, 21, start=MONDAY.replace(hour=14, minute=0))
    fast, exact = both(series, "MIS", NONE, allow_short=True)
    assert told(exact) == told(fast)
    assert told(fast)[-1][6] == "squared off by the broker"


def test_bars_made_of_the_ticks_are_the_bars() -> None:
    series = walk(60, 26)
    _, exact = both(series, "CNC", NONE)
    (made,) = exact.series
    for name in ("start_s", "open", "high", "low", "close"):
        assert (getattr(made, name) == getattr(series, name)).all(), name
