"""ma_cross over real bars, trade by trade against vectorised numpy that shares no code with engine or strategy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from alphapanda_desktop.backtest.data import series_of
from alphapanda_desktop.backtest.engine import Setup, backtest
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.strategy import Parameters
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import FUTURE, INFY
from tests.domain.parquet_columns import read_parquet

TICK = 0.05
NEVER = 1 << 30
SQUARE_OFF_S = {("MIS", "NSE"): 55_200, ("MIS", "NFO"): 55_500, ("CNC", "NSE"): NEVER, ("NRML", "NFO"): NEVER}
"""15:20 for shares, 15:25 for derivatives: seconds from midnight."""


def regular_days(path: Path, instrument: Any, seconds: int) -> Series:
    """The file's days that have every bar from 09:15 to 15:30: holidays' sessions and outages are another matter."""
    columns = {name: column for name, column in read_parquet(path).items() if name != "volume"}
    columns["start_s"] = columns.pop("ts") // 1_000_000_000
    series = series_of(columns, instrument)
    assert series.seconds == seconds
    per_day = 22_500 // seconds
    local = (series.start_s + 19_800) % 86_400
    inside = (local >= 33_300) & (local < 55_800)
    days, counts = np.unique(series.days[inside], return_counts=True)
    whole = inside & np.isin(series.days, days[counts == per_day])
    kept = {name: getattr(series, name)[whole] for name in ("start_s", "open", "high", "low", "close", "volume")}
    return replace(series, **kept)


def crossings(close: np.ndarray, fast: int, slow: int) -> np.ndarray:
    """Of each bar 1 where the fast average is above the slow one, -1 below, 0 equal or not known."""

    def mean(period: int) -> np.ndarray:
        return np.concatenate([np.full(period - 1, np.nan), sliding_window_view(close, period).mean(axis=1)])

    apart, slow_line = mean(fast) - mean(slow), mean(slow)
    return np.where(np.isnan(slow_line) | (np.abs(apart) <= 1e-9 * np.abs(slow_line)), 0, np.sign(apart)).astype(int)


def trades_by_numpy(series: Series, fast: int, slow: int, lots: int, square_off_s: int) -> list[tuple[int, float, int]]:
    """Long trades: in on the open after a crossing, out on the open after a close below, or at the square-off."""
    side = crossings(series.close, fast, slow)
    ends = (series.start_s + 19_800) % 86_400 + series.seconds
    asks = np.arange(len(side)) >= slow  # the look-back is one bar more than the slow average
    may_enter = ends < min(square_off_s, 55_800)
    enters = np.flatnonzero(asks & may_enter & (side > 0) & (np.concatenate([[0], side[:-1]]) <= 0)) + 1
    leaves = asks & (side < 0) & (ends < 55_800)
    leaves |= ends == square_off_s
    exits = np.flatnonzero(leaves) + 1
    exits = exits[exits < len(side)]
    fills, free_from = [], 0
    for entry in enters[enters < len(side)]:
        if entry < free_from:
            continue
        fills.append((lots, float(series.open[entry]) + TICK, int(entry)))
        later = np.searchsorted(exits, entry, side="right")
        if later == len(exits):
            break
        free_from = int(exits[later]) + 1
        fills.append((-lots, float(series.open[exits[later]]) - TICK, int(exits[later])))
    return fills


@pytest.mark.parametrize(
    ("file", "instrument", "seconds", "product", "fast", "slow"),
    [
        ("index_NIFTY_5min_2020-12_2025-12", FUTURE, 300, "NRML", 9, 21),
        ("index_NIFTY_5min_2020-12_2025-12", FUTURE, 300, "MIS", 5, 13),
        ("stock_INFY_1min_2024-04_2025-04", INFY, 60, "MIS", 9, 21),
        ("stock_INFY_1min_2024-04_2025-04", INFY, 60, "CNC", 20, 100),
    ],
)
def test_every_fill_is_the_one_that_vectorised_numpy_finds(
    file: str, instrument: Any, seconds: int, product: Any, fast: int, slow: int, real_data: Path
) -> None:
    series = regular_days(real_data / "candles" / f"{file}.parquet", instrument, seconds)
    kind = SHIPPED["ma_cross"]
    params: Parameters = kind.Params(fast=fast, slow=slow, cool_down=0, stop_loss=0, lots=1)
    result = backtest(Setup(strategy=kind, params=params, series=[series], product=product, cash=1e8))
    ours = [(fill.sign * fill.quantity, round(fill.price, 2), fill.bar) for fill in result.executions]
    theirs = trades_by_numpy(series, fast, slow, instrument.lot, SQUARE_OFF_S[product, instrument.exchange])
    assert len(ours) > 500
    assert ours == [(count, round(price, 2), bar) for count, price, bar in theirs]
