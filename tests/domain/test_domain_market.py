"""Ticks under Kite's names, and what they derive."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import StrategyError, WrongName
from alphapanda_desktop.domain.market import RENAMED, Bar, Interval, Mode, Ohlc, Tick
from tests.fakes import a_tick


@pytest.mark.parametrize(("wrong", "right"), sorted(RENAMED.items()))
def test_a_name_of_another_system_is_answered_with_the_right_one(wrong: str, right: str) -> None:
    tick = a_tick(100)
    with pytest.raises(WrongName, match=f"no field '{wrong}': ticks carry '{right}'"):
        getattr(tick, wrong)
    assert hasattr(tick, right)
    assert not hasattr(tick, wrong)


def test_a_name_that_nobody_uses_is_refused_without_a_guess() -> None:
    with pytest.raises(StrategyError, match=r"no field 'colour'$"):
        _ = a_tick(100).colour  # type: ignore[attr-defined]  # the wrong name on purpose


def test_a_tick_has_no_silent_extra_fields() -> None:
    with pytest.raises(AttributeError):
        a_tick(100).volume = 5  # type: ignore[attr-defined]  # the wrong name on purpose


def test_ticks_travel_between_processes_and_can_be_copied() -> None:
    tick = a_tick(100, volume=7, bids=[(99.95, 50)], asks=[(100.05, 50)], close=98)
    assert pickle.loads(pickle.dumps(tick)) == copy.deepcopy(tick) == tick


def test_depth_is_five_levels_a_side_in_rupees() -> None:
    depth = a_tick(100, bids=[(99.95, 50), (99.9, 10)], asks=[(100.05, 20)]).depth
    assert depth is not None
    assert (len(depth.buy), len(depth.sell)) == (5, 5)
    assert depth.buy[0] == (99.95, 50, 1)
    assert depth.sell[1] == (0, 0, 0)


def test_a_divisor_of_currencies_reaches_the_depth() -> None:
    words = (1_000, 831_225_000, 3) + (0,) * 27
    depth = Tick(1, Mode.FULL, 83.1225, raw_depth=words, divisor=10_000_000).depth
    assert depth is not None
    assert depth.buy[0] == (83.1225, 1_000, 3)


@pytest.mark.parametrize(("close", "change"), [(80.0, 25.0), (125.0, -20.0), (0.0, 0.0)])
def test_change_is_per_cent_of_the_previous_close(close: float, change: float) -> None:
    assert Tick(1, Mode.QUOTE, 100, ohlc=Ohlc(1, 1, 1, close)).change == change


def test_what_a_mode_does_not_carry_is_none() -> None:
    tick = Tick(1, Mode.LTP, 100)
    words: list[Any] = [tick.change, tick.depth, tick.volume_traded, tick.exchange_timestamp, tick.last_trade_time]
    assert words == [None] * 5


def test_times_are_aware_utc() -> None:
    tick = Tick(1, Mode.FULL, 100, exchange_epoch_s=1_625_461_887, last_trade_epoch_s=1_625_461_887)
    assert tick.exchange_timestamp == tick.last_trade_time == datetime(2021, 7, 5, 5, 11, 27, tzinfo=UTC)


def test_bars_stand_on_the_exchanges_time_and_else_on_receipt() -> None:
    assert Tick(1, Mode.FULL, 1, received_ns=9, exchange_epoch_s=2).at_ns == 2_000_000_000
    assert Tick(1, Mode.LTP, 1, received_ns=9).at_ns == 9


@pytest.mark.parametrize("interval", Interval)
def test_intervals_have_a_length_and_a_label(interval: Interval) -> None:
    assert 86_400 % interval.seconds == 0
    assert interval.label


def test_interval_values_are_kites_names() -> None:
    assert [i.value for i in Interval] == ["minute", "3minute", "5minute", "15minute", "60minute", "day"]


def test_a_bar_is_closed_unless_said_otherwise() -> None:
    assert Bar(0, 1, 1, 1, 1, 0).closed
