"""Ticks under bars: what orders meet, what the bars are, and that skipping what nothing waits for changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.backtest.ticks import NS, Ticks, Way
from alphapanda_desktop.domain.barbuilder import NSE_OPEN_S
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Tick
from alphapanda_desktop.domain.strategy import Context, Parameters
from tests.backtest.history import INFY, MONDAY, NONE, Act, buy, fills, protect, scripted, sell

START = int(MONDAY.timestamp())


def some(*prices: float, every_s: float = 20.0, start: int = START) -> Ticks:
    """Ticks at these prices, three a minute unless told, ten shares each."""
    times = start * NS + (np.arange(len(prices)) * every_s * NS).astype(np.int64)
    return Ticks(INFY, times, np.array(prices, np.float64), np.full(len(prices), 10, np.int64))


def a_day(count: int = 6_000, seed: int = 3) -> Ticks:
    """A random walk over one session, some seconds with several ticks, some minutes with none."""
    dice = np.random.default_rng(seed)
    times = np.sort(START * NS + dice.integers(0, 22_500, count) * NS + dice.integers(0, NS, count))
    hole = (times > (START + 3_000) * NS) & (times < (START + 3_200) * NS)
    prices = np.round((2_000 + dice.integers(-2, 3, count).cumsum()) * 0.05, 2)
    return Ticks(INFY, times[~hole], prices[~hole], dice.integers(1, 50, count)[~hole])


def play(script: dict[int, Act], ticks: Ticks, **kept: Any) -> Result:
    series = ticks.bars(60)
    setup: dict[str, Any] = {"slippage": NONE, **kept}
    return backtest(Setup(strategy=scripted(script), params=Parameters(), series=[series], ticks=[ticks], **setup))


def test_bars_are_those_that_the_live_series_makes_of_the_same_ticks() -> None:
    ticks, live = a_day(), BarSeries(Interval.MINUTE, open_s=NSE_OPEN_S)
    total = ticks.quantity.cumsum()
    for at_ns, price, traded in zip(ticks.time_ns.tolist(), ticks.price.tolist(), total.tolist(), strict=True):
        live.add(Tick(1, Mode.FULL, price, at_ns, volume_traded=traded, exchange_epoch_s=at_ns // NS))
    bars = ticks.bars(60)
    assert bars.start_s.tolist() == live.start_s.tolist()
    for name in ("open", "high", "low", "close"):
        assert getattr(bars, name).tolist() == getattr(live, name).tolist()
    assert bars.volume.tolist()[1:] == live.volume.tolist()[1:]  # a first total tells nothing of what was before it


def test_an_order_asked_for_at_a_close_takes_the_next_tick() -> None:
    result = play({0: buy()}, some(100, 101, 102, 103, 104, 105))
    assert fills(result) == [(1, 103.0, 1)]


def test_a_limit_fills_at_the_first_tick_that_comes_through_it() -> None:
    result = play({0: buy(price=99)}, some(100, 100, 100, 101, 99, 98.5, 90, 80, 70))
    assert fills(result) == [(1, 99.0, 1)]
    assert [fill.at_s - START for fill in result.executions] == [100]


def test_a_stop_that_the_program_watches_exits_at_the_tick_that_reaches_it() -> None:
    result = play({0: buy(), 1: protect(98)}, some(100, 100, 100, 100, 101, 100, 99, 97.5, 96))
    assert fills(result) == [(1, 100.0, 1), (-1, 97.5, 2)]


def test_what_the_open_high_low_close_of_a_bar_cannot_tell_the_ticks_do() -> None:
    """High before low: on the way that is assumed the stop would be first."""
    prices = (100, 100, 100, 100, 106, 94)
    script: dict[int, Act] = {
        0: lambda ctx, one: (ctx.buy(one, 1, reason="in"), ctx.sell(one, 1, reason="out", price=105))
    }
    assert fills(play(script, some(*prices), product="MIS"))[-1] == (-1, 105.0, 1)


class Listening(scripted({})):
    """Buys on the tick after the price has fallen, sells on the one after it has risen."""

    name = "listening"
    told: ClassVar[list[tuple[float, int | None]]] = []

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        type(self).told = []
        self.before = 0.0

    def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
        self.told.append((tick.last_price, tick.volume_traded))
        held = ctx.position(instrument).quantity
        if tick.last_price < self.before and not held and not ctx.working(instrument):
            ctx.buy(instrument, 1, reason="fallen")
        if tick.last_price > self.before and held and not ctx.working(instrument):
            ctx.sell(instrument, 1, reason="risen")
        self.before = tick.last_price


def test_a_strategy_that_hears_ticks_gets_each_once_and_its_orders_meet_the_next_one() -> None:
    ticks = some(100, 99, 98, 97, 98, 99, 100)
    result = backtest(
        Setup(strategy=Listening, params=Parameters(), series=[ticks.bars(60)], ticks=[ticks], slippage=NONE)
    )
    assert Listening.told == [(price, 10 * n + 10) for n, price in enumerate(ticks.price.tolist())]
    assert fills(result) == [(1, 98.0, 0), (-1, 99.0, 1)]
    assert len(Listening.seen) == 3


class Always(scripted({})):
    """Rests, protects and exits at random, the same each time."""

    name = "always"

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self.dice = np.random.default_rng(5)

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        act, close = int(self.dice.integers(0, 7)), bar.close
        if act == 0:
            ctx.buy(instrument, 1, reason="market")
        elif act == 1:
            ctx.sell(instrument, 1, reason="market", product="MIS")
        elif act == 2:
            ctx.buy(instrument, 1, reason="limit", price=close - 0.3)
        elif act == 3:
            ctx.sell(instrument, 1, reason="limit", price=close + 0.3, product="MIS")
        elif act == 4:
            ctx.buy(instrument, 1, reason="stop", trigger_price=close + 0.2)
        elif act == 5:
            held = ctx.position(instrument).quantity
            ctx.protect(instrument, close - 0.2 if held > 0 else close + 0.2, reason="guard")
        else:
            ctx.exit(instrument, reason="out")


@pytest.mark.parametrize("seed", range(4))
def test_ticks_that_nothing_waits_for_are_passed_without_a_difference(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = a_day(seed=seed)
    setup = Setup(strategy=Always, params=Parameters(), series=[ticks.bars(60)], ticks=[ticks], slippage=NONE)
    quick = backtest(setup)
    monkeypatch.setattr(Way, "next_at", lambda _self, first, *_: first)
    slow = backtest(setup)
    assert len(quick.executions) > 50
    assert quick.executions == slow.executions
    assert quick.cash == slow.cash


class Deaf(Always):
    """The same, heard tick by tick: the loop of those who listen must fill as the other does."""

    def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
        assert ctx.last_price(instrument) == tick.last_price


@pytest.mark.parametrize("seed", range(3))
def test_listening_to_ticks_alone_changes_no_fill(seed: int) -> None:
    ticks = a_day(seed=seed)
    setup = Setup(strategy=Always, params=Parameters(), series=[ticks.bars(60)], ticks=[ticks], slippage=NONE)
    assert backtest(replace(setup, strategy=Deaf)).executions == backtest(setup).executions


def test_mis_is_squared_off_at_the_tick_of_its_minute() -> None:
    late = START + 6 * 3600 + 3 * 60  # 15:18
    result = play({0: sell(product="MIS")}, some(100, 100, 100, 101, 102, 103, every_s=25, start=late))
    assert fills(result) == [(-1, 101.0, 1), (1, 103.0, 2)]
    assert result.executions[-1].at_s == late + 125


def test_bars_of_other_ticks_are_refused() -> None:
    ticks = a_day()
    with pytest.raises(BadData, match="not those of the ticks"):
        Way(some(1, 2, 3), ticks.bars(60))


def test_ticks_before_the_open_make_no_bars() -> None:
    early = some(99, 99, 99, start=START - 300)
    both = Ticks(
        INFY, *(np.concatenate([getattr(early, n), getattr(a_day(), n)]) for n in ("time_ns", "price", "quantity"))
    )
    assert len(both.within_hours()) == len(a_day())
    made: Series = both.within_hours().bars(60)
    assert made.start_s[0] == START


def test_a_tick_that_goes_back_in_time_is_told_with_its_row() -> None:
    ticks = some(100, 101, 102)
    ticks.time_ns[2] = 0
    with pytest.raises(BadData, match="tick 3"):
        ticks.checked()
