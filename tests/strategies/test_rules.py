"""RSI, mean reversion, the opening range and the demo, each by what its page says."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphapanda_desktop.domain.indicators import bollinger, rsi
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.strategies.low_frequency_demo import LowFrequencyDemo
from alphapanda_desktop.strategies.mean_reversion import MeanReversion
from alphapanda_desktop.strategies.opening_range import OpeningRange
from alphapanda_desktop.strategies.rsi import Rsi
from tests.strategies.stage import INFY, OPEN, SBIN, Stage, made

OPEN_S = int(OPEN.timestamp())

# --- rsi ---------------------------------------------------------------------------------------------------------

QUICK = {"rsi_period": 2, "cool_down": 0, "stop_loss": 0.0}


def swings(count: int) -> list[float]:
    return [round(float(v), 2) for v in 100 + 5 * np.sin(np.arange(count) / 3.0)]


def test_a_market_that_stays_oversold_gives_one_entry_not_one_a_bar() -> None:
    """A.5.54: the earlier one fired on every tick while the RSI was below the level."""
    falling = swings(30) + [100 * 0.99**k for k in range(1, 60)]
    stage = Stage(made(Rsi, **QUICK, enter_on="breach"), [INFY])
    stage.closes_come(INFY, falling)
    level = rsi(falling, 2)
    assert (level[-50:] < 30).all()
    assert stage.sides().count("BUY") == sum((level[21:-1] >= 30) & (level[22:] < 30))
    assert stage.sides()[-1] == "BUY"


def test_it_enters_on_the_way_back_and_leaves_when_overbought() -> None:
    stage = Stage(made(Rsi, **QUICK), [INFY])
    for close in swings(200):
        before = len(stage.orders)
        stage.closes_come(INFY, [close])
        if len(stage.orders) > before:
            closes = stage.closes(INFY)
            then, now = float(rsi(closes[-22:-1], 2)[-1]), float(rsi(closes[-21:], 2)[-1])
            assert (then <= 30 < now) if stage.sides()[-1] == "BUY" else now >= 70
    assert stage.sides()[:4] == ["BUY", "SELL"] * 2


def test_the_bar_before_is_what_the_bar_before_saw() -> None:
    """A crossing is seen exactly once: "before" of a bar is bit for bit "now" of the last one."""
    stage = Stage(made(Rsi, rsi_period=5), [INFY])
    seen: list[tuple[float, float]] = []
    for close in swings(120):
        stage.closes_come(INFY, [close])
        closes = stage.closes(INFY, stage.strategy.lookback)
        if len(closes) == stage.strategy.lookback:
            seen.append((float(rsi(closes[:-1], 5)[-1]), float(rsi(closes[1:], 5)[-1])))
    assert len(seen) > 50
    assert all(now == before for (_, now), (before, _) in pairwise(seen))


@pytest.mark.parametrize("kind", [Rsi, MeanReversion])
def test_levels_that_meet_are_refused(kind: Any) -> None:
    low, high = ("oversold", "overbought") if kind is Rsi else ("rsi_oversold", "rsi_overbought")
    with pytest.raises(ValidationError, match="must lie below overbought"):
        made(kind, **{low: 50, high: 50})


# --- mean reversion ----------------------------------------------------------------------------------------------


def test_both_must_agree_and_the_average_ends_it() -> None:
    params = {"lookback": 20, "rsi_period": 5, "rsi_oversold": 25, "rsi_overbought": 75, "stop_loss": 0.0}
    stage = Stage(made(MeanReversion, **params, cool_down=0, allow_short=True), [INFY])
    rng = np.random.default_rng(11)
    closes = [round(float(v), 2) for v in 100 + np.cumsum(rng.normal(0, 0.4, 900)) * 0.3]
    for close in closes:
        before = stage.position(INFY).quantity
        stage.closes_come(INFY, [close])
        after = stage.position(INFY).quantity
        seen = stage.closes(INFY, stage.strategy.lookback)
        if before == after:
            continue
        upper, middle, lower = (line[-1] for line in bollinger(seen[-20:], 20, 2.0))
        index = rsi(seen, 5)[-1]
        if before == 0:
            assert (close < lower and index < 25) if after > 0 else (close > upper and index > 75)
        else:
            assert (close > middle) if before > 0 else (close < middle)
    assert len(stage.orders) >= 6


def test_a_fall_without_an_oversold_rsi_is_no_entry() -> None:
    params = {"rsi_oversold": 1, "rsi_period": 2, "lookback": 20}
    stage = Stage(made(MeanReversion, **params), [INFY])
    stage.closes_come(INFY, [100 + (k % 2) * 0.5 for k in range(60)] + [99.0])
    assert stage.orders == []
    assert "below the average" in str(stage.shown["signal"])


# --- low frequency -----------------------------------------------------------------------------------------------


def test_one_signal_per_interval_of_market_time() -> None:
    stage = Stage(made(LowFrequencyDemo, min_interval=300, side="BUY"), [INFY, SBIN])
    at: list[datetime] = []
    for _ in range(31):
        before = len(stage.of(INFY))
        stage.closes_come(INFY, [100.0])
        stage.closes_come(SBIN, [2000.0])
        if len(stage.of(INFY)) > before:
            at.append(stage.now)
    assert stage.sides(INFY) == stage.sides(SBIN) == ["BUY", "SELL"] * 3 + ["BUY"]
    assert {later - earlier for earlier, later in pairwise(at)} == {timedelta(minutes=5)}


def test_entries_of_a_day_are_counted_and_a_position_can_still_be_left() -> None:
    stage = Stage(made(LowFrequencyDemo, min_interval=60, max_daily_signals=2, side="BUY"), [INFY])
    stage.closes_come(INFY, [100.0] * 20)
    assert stage.sides() == ["BUY", "SELL"] * 2
    assert stage.shown["signal"] == "2 entries today, 2 allowed"
    stage.feed(INFY, Bar(OPEN_S + 86_400, 100, 100, 100, 100, 1))
    assert stage.sides()[-1] == "BUY"


def test_selling_first_is_shorting_and_must_be_allowed() -> None:
    with pytest.raises(ValidationError, match="allow_short is off"):
        made(LowFrequencyDemo, side="SELL")
    stage = Stage(made(LowFrequencyDemo, side="SELL", allow_short=True, min_interval=60), [INFY])
    stage.closes_come(INFY, [100.0, 100.0])
    assert stage.sides() == ["SELL", "BUY"]


# --- opening range -----------------------------------------------------------------------------------------------


def minute(number: int, close: float, high: float | None = None, low: float | None = None, day: int = 0) -> Bar:
    """The minute so many after 09:15."""
    top, bottom = high if high is not None else close, low if low is not None else close
    return Bar(OPEN_S + day * 86_400 + number * 60, close, top, bottom, close, 10)


def morning(day: int = 0) -> list[Bar]:
    """Five minutes between 99 and 101."""
    return [minute(k, 100.0, 101.0, 99.0, day) for k in range(5)]


def ranged(**params: Any) -> Stage:
    return Stage(made(OpeningRange, **{"minutes": 5, "buffer": 0, "stop_loss": 5.0, **params}), [INFY])


def test_the_close_that_leaves_the_range_is_bought_with_its_other_end_as_the_stop() -> None:
    stage = ranged()
    stage.feed(INFY, *morning(), minute(5, 101.0), minute(6, 101.2))
    assert (stage.sides(), stage.reasons) == (["BUY"], ["close 101.20 above the opening range's 101.00"])
    assert stage.asked == [(INFY.key, 99.0, 1)]
    stage.feed(INFY, minute(7, 100.0, 101.0, 98.9))
    assert stage.position(INFY).quantity == 0


def test_the_loss_allowed_is_the_stop_where_it_is_nearer() -> None:
    stage = ranged(stop_loss=1.0)
    stage.feed(INFY, *morning(), minute(5, 101.2))
    assert stage.asked == [(INFY.key, 100.2, 1)]


def test_nothing_is_entered_within_the_range_or_before_the_open() -> None:
    """A.20.5: the earlier runner took 09:05 for open."""
    stage = ranged()
    stage.feed(INFY, minute(-10, 105.0), minute(-9, 95.0))
    assert stage.shown["signal"] == "NSE opens at 09:15"
    stage.feed(INFY, *morning())
    assert stage.orders == []
    stage.feed(INFY, minute(5, 101.5))
    assert stage.shown["range_high"] == 101.0


def test_independence_day_is_no_session() -> None:
    """A.20.5: 15 August counted as open."""
    stage = ranged()
    start = int(datetime(2025, 8, 15, 9, 15, tzinfo=IST).timestamp())
    stage.feed(INFY, *(Bar(start + 60 * k, 100, 101, 99, 100, 1) for k in range(5)))
    stage.feed(INFY, Bar(start + 300, 110, 110, 110, 110, 1))
    assert stage.orders == []
    assert stage.shown["signal"] == "no session of NSE on 2025-08-15"


def test_a_day_whose_open_was_not_seen_has_no_range() -> None:
    stage = ranged()
    stage.feed(INFY, *(minute(k, 100.0, 101.0, 99.0) for k in range(2, 6)), minute(6, 110.0))
    assert stage.orders == []
    assert stage.shown["signal"] == "no bars of the open at 09:15: no range today"


def test_an_open_without_a_trade_is_not_an_open_that_was_not_seen() -> None:
    stage = ranged()
    stage.feed(INFY, minute(374, 100.0, day=-3), *(minute(k, 100.0, 101.0, 99.0) for k in range(1, 5)))
    stage.feed(INFY, minute(5, 101.5))
    assert stage.sides() == ["BUY"]


def test_each_day_has_its_own_range_and_entries() -> None:
    stage = ranged()
    stage.feed(INFY, *morning(), minute(5, 102.0), minute(6, 98.0), minute(7, 103.0))
    assert stage.sides() == ["BUY", "SELL"]
    assert str(stage.shown["signal"]).endswith("1 entries today, 1 allowed")
    stage.feed(INFY, *(bar._replace(high=111.0, low=109.0, close=110.0) for bar in morning(2)))
    stage.feed(INFY, minute(5, 112.0, day=2))
    assert stage.sides() == ["BUY", "SELL", "BUY"]
    assert stage.shown["range_high"] == 111.0


def test_bars_without_a_signal_use_up_no_entry() -> None:
    """Found on the INFY day of April 2021: with shorting on, each quiet bar counted as an entry."""
    stage = ranged(allow_short=True)
    stage.feed(INFY, *morning(), *(minute(k, 100.0) for k in range(5, 15)), minute(15, 98.0))
    assert stage.sides() == ["SELL"]


def test_it_is_out_before_the_close_and_enters_nothing_late() -> None:
    stage = ranged(stop_loss=0.0, latest_entry=60)
    stage.feed(INFY, *morning(), minute(5, 102.0), minute(358, 102.0), minute(359, 102.0))
    assert stage.sides() == ["BUY", "SELL"]
    assert stage.reasons[-1] == "15 min to the close at 15:30"
    late = ranged(latest_entry=60)
    late.feed(INFY, *morning(), minute(5, 100.0), minute(70, 105.0))
    assert late.orders == []
    assert "later than 60 min" in str(late.shown["signal"])


@given(st.lists(st.floats(95, 105), min_size=7, max_size=60))
def test_the_range_never_looks_past_its_minutes(closes: list[float]) -> None:
    stage = ranged(entries=10, allow_short=True)
    stage.feed(INFY, *(minute(k, round(close, 2)) for k, close in enumerate(closes)))
    if "range_high" in stage.shown:
        assert stage.shown["range_high"] == max(round(close, 2) for close in closes[:5])
