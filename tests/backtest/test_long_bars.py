"""Bars of an hour or a day: where they end, what is decided then, and stops whose exits nobody takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.data import series_of
from alphapanda_desktop.backtest.engine import Setup
from alphapanda_desktop.backtest.report import monthly_returns
from alphapanda_desktop.backtest.scrutiny import look_ahead
from alphapanda_desktop.backtest.series import Series, ist
from alphapanda_desktop.backtest.statistics import equity_of
from alphapanda_desktop.backtest.tracing import traced
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import FUTURE, INFY, a_series, both, buy, fills, joined, play, protect, sell, walk

HALF_PAST_THREE = datetime(2024, 6, 3, 15, 30, tzinfo=IST)


def days_of_bars(count: int, **columns: Any) -> Series:
    """Bars of a day from Monday 3 June 2024 on, as a file without times of day tells them."""
    days = [date(2024, 6, 3) + timedelta(days=number) for number in range(count * 2)]
    texts = [str(day) for day in days if day.weekday() < 5][:count]
    rise = np.arange(100.0, 100.0 + count)
    prices = {"open": rise, "high": rise + 2, "low": rise - 2, "close": rise + 1, **columns}
    return series_of({"date": texts, **prices}, INFY)


def test_what_is_asked_for_at_a_days_end_meets_the_next_days_open_over_the_weekend_too() -> None:
    series = days_of_bars(10)
    result = play({4: buy(), 6: sell()}, series, product="CNC")  # the fifth bar is a Friday's
    assert fills(result) == [(1, series.open[5], 5), (-1, series.open[7], 7)]
    assert [ist(fill.at_s) for fill in result.executions] == ["2024-06-10 09:15", "2024-06-12 09:15"]
    assert not result.refused


def test_bars_of_a_day_made_of_minutes_are_traded_as_those_of_a_file() -> None:
    series = walk(375 * 10).longer(86_400)
    result = play({number: buy() if number % 2 == 0 else sell() for number in range(9)}, series, product="CNC")
    assert [bar for _, _, bar in fills(result)] == list(range(1, 10)) and not result.refused


def test_a_day_is_judged_on_its_own_date() -> None:
    result = play({17: buy()}, days_of_bars(22), product="CNC", cash=1_000.0)
    equity = equity_of(result)
    assert ist(int(equity.at_s[0])) == "2024-06-03 15:30"
    assert list(monthly_returns(equity, result.opening)) == [(2024, 6), (2024, 7)]
    held = [ist(int(at_s))[:10] for at_s in equity.at_s[equity.holding]]
    assert held[0] == "2024-06-27"


def test_a_position_of_the_day_ends_with_the_days_bar() -> None:
    series = days_of_bars(4)
    result = play({0: buy()}, series, product="MIS")
    assert fills(result) == [(1, series.open[1], 1), (-1, series.close[1], 1)]
    assert ist(result.executions[1].at_s) == "2024-06-04 15:20"


def test_two_instruments_are_decided_on_at_the_next_days_open() -> None:
    other = replace(days_of_bars(6), instrument=replace(INFY, tradingsymbol="SBIN", instrument_token=9))
    missing = np.arange(6) != 2
    names = ("start_s", "open", "high", "low", "close", "volume")
    holed = replace(other, **{name: getattr(other, name)[missing] for name in names})
    result = play({number: buy() for number in range(4)}, days_of_bars(6), holed, product="CNC")
    asked = [(work.instrument.tradingsymbol, ist(work.asked_s)[:10], work.status) for work in result.working]
    assert asked == [
        ("INFY", "2024-06-04", "COMPLETE"), ("SBIN", "2024-06-04", "COMPLETE"),
        ("INFY", "2024-06-05", "COMPLETE"), ("SBIN", "2024-06-05", "CANCELLED"),  # it did not trade on the fifth
    ]  # fmt: skip
    assert all(ist(fill.at_s).endswith("09:15") for fill in result.executions)


def test_the_look_ahead_check_finds_nothing_in_an_honest_strategy_on_bars_of_a_day() -> None:
    kind = SHIPPED["ma_cross"]
    params = kind.Params(fast=2, slow=5, cool_down=0, stop_loss=1.0)
    setup = Setup(strategy=kind, params=params, series=[walk(375 * 60).longer(86_400)], product="CNC")
    whole, result = traced(setup)
    assert result.executions
    assert [finding.severe for finding in look_ahead(setup, whole)] == [False]


def test_the_last_hours_bar_ends_when_the_exchange_closes() -> None:
    ends: list[datetime] = []
    series = walk(375 * 2).longer(3_600)
    play({number: lambda ctx, _: ends.append(ctx.now) for number in range(7)}, series)
    assert ends[6] == HALF_PAST_THREE
    assert ends[5] == HALF_PAST_THREE - timedelta(minutes=15)


@pytest.mark.parametrize("product", ["CNC", "MIS"])
def test_a_stop_in_the_last_hours_bar_fills_within_the_session(product: Any) -> None:
    bars = [(100.0, 101.0, 99.0, 100.0)] * 6 + [(100.0, 100.5, 90.0, 91.0), (91.0, 92.0, 90.0, 91.0)]
    series = a_series(*bars, seconds=3_600)
    result = play({4: both(buy(), protect(95.0))}, series, product=product)
    assert fills(result) == [(1, 100.0, 5), (-1, 95.0, 6)]
    assert result.executions[1].at_s < HALF_PAST_THREE.timestamp()


def test_a_stop_whose_exit_is_refused_does_not_hold_up_the_run() -> None:
    friday, sunday, monday = (datetime(2024, 6, day, 10, tzinfo=IST) for day in (7, 9, 10))
    calm, fall, later = [(100.0, 101.0, 99.0, 100.0)] * 3, [(100.0, 100.5, 90.0, 91.0)] * 2, [(92.0, 93.0, 91.0, 92.0)]
    series = joined(a_series(*calm, start=friday), a_series(*fall, start=sunday), a_series(*later, start=monday))
    result = play({0: both(buy(), protect(95.0))}, series, product="CNC")
    assert fills(result) == [(1, 100.0, 1), (-1, 92.0, 5)]
    assert {refused.rule for refused in result.refused} == {"session"}
    assert len(result.refused) <= 8  # at most one at each price that the bars are known to have shown


def test_a_future_of_the_longer_session_ends_at_its_own_time() -> None:
    start = datetime(2026, 8, 5, 9, 15, tzinfo=IST)
    ends: list[datetime] = []
    series = a_series(*[(100.0, 101.0, 99.0, 100.0)] * 7, instrument=FUTURE, start=start, seconds=3_600)
    play({6: lambda ctx, _: ends.append(ctx.now)}, series)
    assert ends == [datetime(2026, 8, 5, 15, 40, tzinfo=IST)]
