"""The loop: the same twice, nothing of the future, no difference between its fast way and its plain one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Engine, Result, Setup, backtest
from alphapanda_desktop.backtest.lane import Lane
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.errors import BadData, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import FUTURE, INFY, MONDAY, NONE, a_series, buy, fills, flat, minutes, play, walk

BUSY = {"fast": 2, "slow": 5, "cool_down": 0, "stop_loss": 0.1, "target": 0.2, "allow_short": True}


def busy(*series: Series, **kept: Any) -> Setup:
    """A strategy that trades and is stopped out all the time."""
    kind = SHIPPED["ma_cross"]
    return Setup(strategy=kind, params=kind.Params(**BUSY), series=series, **kept)


def told(result: Result) -> tuple[object, ...]:
    orders = [replace(order, meta={}) for order in result.orders]
    return (orders, result.executions, result.refused, result.lines, result.cash, result.charged)


def test_the_same_run_twice_is_the_same_bit_for_bit() -> None:
    first, second = backtest(busy(walk(3_000))), backtest(busy(walk(3_000)))
    assert len(first.executions) > 100
    assert repr(told(first)) == repr(told(second))


@pytest.mark.parametrize("product", ["MIS", "NRML"])
def test_bars_in_which_nothing_can_happen_are_skipped_without_a_difference(
    product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = busy(walk(4_000, 3, instrument=INFY if product == "MIS" else replace(FUTURE, lot_size=1)), product=product)
    quick = backtest(setup)
    plainly = Lane.schedule

    def always(lane: Lane, wake_s: float) -> None:
        plainly(lane, wake_s)
        lane.due = 0

    monkeypatch.setattr(Lane, "schedule", always)
    assert told(backtest(setup)) == told(quick)


def test_the_loop_of_many_instruments_does_for_one_what_the_loop_of_one_does() -> None:
    setup = busy(walk(2_000, 5))
    alone, engine = backtest(setup), Engine(setup)
    engine._play_one = engine._play_together  # type: ignore[method-assign]
    together = engine.run()
    assert told(together) == told(alone)


def test_instruments_played_together_fill_as_each_does_alone() -> None:
    other = replace(INFY, instrument_token=779521, tradingsymbol="SBIN")
    one, two = walk(1_500, 1), walk(1_500, 2, instrument=other)
    together = backtest(busy(one, two, cash=1e8))
    for series in (one, two):
        alone = [fill._replace(tag="") for fill in backtest(busy(series, cash=1e8)).executions]
        assert [f._replace(tag="") for f in together.executions if f.key == series.instrument.key] == alone


def test_data_shifted_by_one_bar_give_other_fills() -> None:
    """If a decision could see its own fill's bar, the fills would move along with the data."""
    series = walk(2_000, 7)
    shifted = replace(
        series, **{name: getattr(series, name)[1:] for name in ("open", "high", "low", "close", "volume")},
        start_s=series.start_s[:-1],
    )  # fmt: skip
    here, there = fills(backtest(busy(series))), fills(backtest(busy(shifted)))
    assert [(count, price) for count, price, _ in here] != [(count, price) for count, price, _ in there]


@pytest.mark.parametrize("cut", [400, 777, 1_399])
def test_what_comes_later_changes_nothing_that_was_done_before(cut: int) -> None:
    series = walk(1_500, 11)
    other = walk(1_500, 12)
    names = ("open", "high", "low", "close")
    changed = replace(
        series, **{name: np.concatenate([getattr(series, name)[:cut], getattr(other, name)[cut:]]) for name in names}
    )
    before = [fill for fill in backtest(busy(series)).executions if fill.bar < cut]
    assert before and [fill for fill in backtest(busy(changed)).executions if fill.bar < cut] == before


class Peeking(Strategy):
    """Takes all that the context shows, writes into it, and compares."""

    name = "peeking"
    beyond = 0

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        closes = ctx.closes(instrument)
        known = [ctx.bars(instrument)[-1], ctx.bars(instrument, 1)[0]]
        later = closes.base is not None or closes[-1] != bar.close or ctx.last_price(instrument) != bar.close
        type(self).beyond += later or known != [bar, bar] or ctx.now.timestamp() != bar.start_s + 60
        closes[:] = 0.0


def test_a_strategy_is_shown_closed_bars_only_and_copies_of_them() -> None:
    Peeking.beyond = 0
    series = walk(300)
    close = series.close.copy()
    backtest(Setup(strategy=Peeking, params=Parameters(), series=[series]))
    assert Peeking.beyond == 0
    assert np.array_equal(series.close, close)


def test_the_first_decision_waits_for_the_look_back() -> None:
    class Looking(Strategy):
        counts: ClassVar[list[int]] = []
        lookback = 20  # type: ignore[assignment]

        def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
            self.counts.append(len(ctx.closes(instrument)))

    backtest(Setup(strategy=Looking, params=Parameters(), series=[walk(30)]))
    assert Looking.counts == list(range(20, 31))


def test_an_order_for_another_instrument_does_not_reach_back_in_time() -> None:
    other = replace(INFY, instrument_token=779521, tradingsymbol="SBIN")
    late = a_series(*flat(3, 50.0), instrument=other, start=MONDAY + minutes(3))

    class Cross(Strategy):
        def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
            if instrument == INFY and len(ctx.bars(INFY)) == 2:
                ctx.buy(other, 1, reason="pair")

    result = backtest(Setup(strategy=Cross, params=Parameters(), series=[a_series(*flat(6)), late], cash=1e6))
    (refused,) = result.refused
    assert refused.key == "NSE:SBIN" and "no fresh price" in refused.text


def test_a_strategy_that_answers_each_fill_with_an_order_is_ended() -> None:
    class Frenzy(Strategy):
        def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
            ctx.buy(instrument, 1, reason="first")

        def on_order(self, ctx: Context, order: Order) -> None:
            (ctx.sell if order.transaction_type == "BUY" else ctx.buy)(ctx.instruments[0], 1, reason="and again")

    with pytest.raises(StrategyError, match="followed one another"):
        backtest(Setup(strategy=Frenzy, params=Parameters(), series=[walk(10)]))


def test_a_backtest_can_be_ended_and_says_so() -> None:
    result = backtest(Setup(strategy=Strategy, params=Parameters(), series=[walk(70_000)]), lambda done, total: False)
    assert not result.complete


def test_bars_that_cannot_be_are_told_with_their_row() -> None:
    broken = a_series(*flat(3), (100.0, 99.0, 98.0, 98.5), *flat(2))
    with pytest.raises(BadData, match=r"bar 4, 2024-06-03 09:18: a high below another price"):
        play({0: buy()}, broken)


class Early(Strategy):
    """Buys the first instrument when it is started, and looks back on 20 bars."""

    name = "early"
    lookback = 20
    began: ClassVar[list[float]] = []

    def on_start(self, ctx: Context) -> None:
        self.began.append(ctx.now.timestamp())
        ctx.buy(ctx.instruments[0], 1, reason="start")

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        """Nothing more."""


def test_a_strategy_on_several_instruments_starts_when_its_look_back_is_full_as_on_one() -> None:
    first = walk(60)
    second = replace(walk(60, 2), instrument=replace(INFY, tradingsymbol="SBIN", instrument_token=9))
    Early.began.clear()
    results = [backtest(Setup(strategy=Early, params=Parameters(), series=series, slippage=NONE))
               for series in ([first], [first, second])]  # fmt: skip
    assert Early.began == [first.start_s[19]] * 2
    assert [fills(result) for result in results] == [[(1, first.open[19], 19)]] * 2
