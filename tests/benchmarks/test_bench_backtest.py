"""Backtests: bars a second with rules, matching and charges on, and that ten times the data cost ten times as much.

An EMA cross that is always in the market, over bars of a minute; its fills are held against plain numpy first.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from tests.backtest.history import FUTURE, NONE, walk
from tests.benchmarks.race import Board

FAST, SLOW, WARM = 20, 100, 100


class Turning(Strategy):
    """Long while the fast average is above the slow one, else short."""

    name = "turning"

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self.fast = self.slow = 0.0
        self.bars = 0
        self.up = False

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        close = bar.close
        if not self.bars:
            self.fast = self.slow = close
        self.bars += 1
        self.fast += (close - self.fast) * (2 / (FAST + 1))
        self.slow += (close - self.slow) * (2 / (SLOW + 1))
        up = self.fast > self.slow
        if up is not self.up:
            self.up = up
            if self.bars > WARM:
                held = ctx.position(instrument).quantity
                if up and held < 1:
                    ctx.buy(instrument, 1 - held, reason="above")
                elif not up and held > -1:
                    ctx.sell(instrument, 1 + held, reason="below")


def setup(series: Series) -> Setup:
    kept: Any = {"product": "NRML", "cash": 1e9, "slippage": NONE}
    return Setup(strategy=Turning, params=Parameters(), series=[series], **kept)


def history(count: int) -> Series:
    return walk(count, 5, instrument=replace(FUTURE, lot_size=1))


def ema(close: np.ndarray, period: int) -> np.ndarray:
    line, value = np.empty(len(close)), close[0]
    for row, price in enumerate(close):
        value += (price - value) * (2 / (period + 1))
        line[row] = value
    return line


def fills_by_numpy(series: Series) -> list[tuple[int, float, int]]:
    """Turns on the open after each crossing that the exchange's hours allow to be answered."""
    above = ema(series.close, FAST) > ema(series.close, SLOW)
    turned = np.flatnonzero(above != np.concatenate([[False], above[:-1]]))
    numbers, of_bar = np.unique(series.days, return_inverse=True)
    sessions = [session_on("NFO", date(1970, 1, 1) + timedelta(days=int(number))) for number in numbers]
    hours = np.array([(s.open.timestamp(), s.close.timestamp()) if s else (0.0, 0.0) for s in sessions])[of_bar]
    ends, held, fills = series.start_s + 60, 0, []
    same_day = np.append(np.diff(series.days) == 0, False)  # else it ends with the day, unfilled
    inside = (hours[:, 0] <= ends) & (ends < hours[:, 1]) & same_day
    for bar in turned[(turned >= WARM) & inside[turned]]:
        wanted = 1 if above[bar] else -1
        if wanted != held:
            fills.append((wanted - held, float(series.open[bar + 1]), int(bar) + 1))
            held = wanted
    return fills


def seconds_of(series: Series, times: int) -> tuple[float, Result]:
    best, result = float("inf"), None
    for _ in range(times):
        began = time.process_time()
        result = backtest(setup(series))
        best = min(best, time.process_time() - began)
    assert result is not None
    return best, result


def test_a_million_bars(board: Board) -> None:
    small, large = history(100_000), history(1_000_000)
    seconds_of(small, 1)
    few, _ = seconds_of(small, 5)
    many, result = seconds_of(large, 3)
    ours = [(fill.sign * fill.quantity, fill.price, fill.bar) for fill in result.executions]
    assert ours == fills_by_numpy(large)
    board.note(f"backtest, 1,000,000 bars, {len(ours):,} fills, thousand bars a second", 1_000 / many)
    board.limit("backtest, time per bar at ten times the bars", (many / 1_000_000) / (few / 100_000), 1.1)
