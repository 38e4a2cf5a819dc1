"""Backtests against rivals, with rules, matching and charges on: an EMA cross that is always in the market.

All play the same bars with the same few lines of averages (`rivals_backtest.Cross`). What ours fills is held against
plain numpy first; how often each rival fills is said where it differs from what the crossings ask for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.backtest.ticks import NS, Ticks
from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from tests.backtest.history import FUTURE, MONDAY, NONE, walk
from tests.benchmarks.race import QUICK, Board, Rival, figure, rounds
from tests.benchmarks.rivals_backtest import FAST, SLOW, WARM, Cross

BARS = 100_000 if QUICK else 1_000_000
TICKS = 1_000_000 if QUICK else 10_000_000
RIVALS_TICKS = 100_000 if QUICK else 500_000
"""A million of VeighNa's ticks are two gigabytes."""

TICKS_A_DAY = 45_000


class Turning(Strategy):
    """Long while the fast average is above the slow one, else short."""

    name = "turning"

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self.cross = Cross()

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        wanted = self.cross.turned(bar.close)
        if wanted:
            held = ctx.position(instrument).quantity
            if wanted > 0 and held < 1:
                ctx.buy(instrument, 1 - held, reason="above")
            elif wanted < 0 and held > -1:
                ctx.sell(instrument, 1 + held, reason="below")


class Hearing(Turning):
    """The same, called for each tick as well."""

    name = "hearing"

    def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
        self.last = tick.last_price


def setup(series: Series, ticks: Ticks | None = None, strategy: type[Strategy] = Turning) -> Setup:
    kept: Any = {"product": "NRML", "cash": 1e9, "slippage": NONE, "ticks": [ticks] if ticks is not None else []}
    return Setup(strategy=strategy, params=Parameters(), series=[series], **kept)


def history(count: int) -> Series:
    return walk(count, 5, instrument=replace(FUTURE, lot_size=1))


def tick_history(count: int) -> Ticks:
    """Two ticks a second from open to close, on a random walk."""
    dice = np.random.default_rng(7)
    days = np.arange(-(-count // TICKS_A_DAY))
    opens = int(MONDAY.timestamp()) + (days // 5 * 7 + days % 5) * 86_400
    times = (opens[:, None] * NS + np.arange(TICKS_A_DAY) * (22_500 * NS // TICKS_A_DAY)).ravel()[:count]
    price = np.round((400_000 + dice.integers(-2, 3, count).cumsum()) * 0.05, 2)
    return Ticks(replace(FUTURE, lot_size=1), times, price, dice.integers(1, 9, count))


def ema(close: np.ndarray, period: int) -> np.ndarray:
    line, value = np.empty(len(close)), close[0]
    for row, price in enumerate(close):
        value += (price - value) * (2 / (period + 1))
        line[row] = value
    return line


def turns_by_numpy(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Bars at whose close the averages have crossed, and after each bar which is above."""
    above = ema(series.close, FAST) > ema(series.close, SLOW)
    turned = np.flatnonzero(above != np.concatenate([[False], above[:-1]]))
    return turned[turned >= WARM], above


def fills_by_numpy(series: Series) -> list[tuple[int, float, int]]:
    """Turns on the open after each crossing that the exchange's hours allow to be answered."""
    turned, above = turns_by_numpy(series)
    numbers, of_bar = np.unique(series.days, return_inverse=True)
    sessions = [session_on("NFO", date(1970, 1, 1) + timedelta(days=int(number))) for number in numbers]
    hours = np.array([(s.open.timestamp(), s.close.timestamp()) if s else (0.0, 0.0) for s in sessions])[of_bar]
    ends, held, fills = series.start_s + 60, 0, []
    same_day = np.append(np.diff(series.days) == 0, False)  # else it ends with the day, unfilled
    inside = (hours[:, 0] <= ends) & (ends < hours[:, 1]) & same_day
    for bar in turned[inside[turned]]:
        wanted = 1 if above[bar] else -1
        if wanted != held:
            fills.append((wanted - held, float(series.open[bar + 1]), int(bar) + 1))
            held = wanted
    return fills


def seconds_of(series: Series, times: int) -> tuple[float, Result]:
    return best_of(lambda: backtest(setup(series)), times)


def best_of(work: Callable[[], Result], times: int) -> tuple[float, Result]:
    """CPU seconds of the quickest, and what came of the last."""
    best, result = float("inf"), None
    for _ in range(times):
        began = time.process_time()
        result = work()
        best = min(best, time.process_time() - began)
    assert result is not None
    return best, result


def filled(result: Result) -> list[tuple[int, float, int]]:
    return [(fill.sign * fill.quantity, fill.price, fill.bar) for fill in result.executions]


@pytest.fixture(scope="module")
def bars() -> Series:
    return history(BARS)


@pytest.fixture(scope="module")
def bar_file(bars: Series, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "bars.npz"
    np.savez(path, **{name: getattr(bars, name) for name in ("start_s", "open", "high", "low", "close", "volume")})
    return path


@pytest.fixture(scope="module")
def ticks() -> Ticks:
    return tick_history(TICKS)


@pytest.fixture(scope="module")
def tick_file(ticks: Ticks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("ticks") / "ticks.npz"
    part = ticks[:RIVALS_TICKS]
    np.savez(path, time_ns=part.time_ns, price=part.price, quantity=part.quantity)
    yield path
    path.unlink()


def against(
    board: Board, key: str, rival: Rival, ours: Callable[[], Result], sizes: tuple[int, int], times: int
) -> Any:
    """Turn and turn about, ours before and after each of the rival's; a row of microseconds an event."""
    spent: tuple[list[float], list[float]] = ([], [])
    told = None
    spent[0].append(best_of(ours, 1)[0])
    for _ in range(times):
        told = rival.turn()
        spent[1].append(told["s"])
        spent[0].append(best_of(ours, 1)[0])
    mine, its = ([one / size * 1e6 for one in some] for some, size in zip(spent, sizes, strict=True))
    fills = len(ours().executions)
    board.figure(key, mine, its, f"{fills:,} fills, the rival {told['fills']:,}; CPU time")
    return told


@pytest.mark.parametrize(
    ("key", "engine", "times"),
    [
        pytest.param("bars-veighna", "veighna", 7, marks=figure("bars-veighna")),
        pytest.param("bars-backtesting", "backtesting", 3, marks=figure("bars-backtesting")),
        pytest.param("bars-nautilus", "nautilus", 2, marks=figure("bars-nautilus")),
        pytest.param("bars-backtrader", "backtrader", 1, marks=figure("bars-backtrader")),
    ],
)
def test_a_million_bars(board: Board, bars: Series, bar_file: Path, key: str, engine: str, times: int) -> None:
    result = backtest(setup(bars))
    assert filled(result) == fills_by_numpy(bars)
    with Rival("rivals_backtest.py", engine, str(bar_file)) as rival:
        told = against(board, key, rival, lambda: backtest(setup(bars)), (BARS, BARS), rounds(times, 1))
    # It has no hours: the crossing after which a day has no bar left is answered on the next day.
    assert abs(told["fills"] - len(turns_by_numpy(bars)[0])) <= 1


@figure("bars-backtesting")
def test_a_million_bars_beside_plain_lines(board: Board, bars: Series, bar_file: Path) -> None:
    """The same rival without indicators of its own, which spares it a quarter."""
    with Rival("rivals_backtest.py", "backtesting-plain", str(bar_file)) as rival:
        mine, its = [], []
        for _ in range(rounds(3, 1)):
            mine.append(seconds_of(bars, 1)[0] / BARS * 1e6)
            its.append(rival.turn()["s"] / BARS * 1e6)
    board.race("EMA cross, a bar; backtesting.py without indicators of its own, µs", mine, its, 1 / 7)


@figure("bars-growth")
def test_ten_times_the_bars(board: Board, bars: Series) -> None:
    small = bars[: BARS // 10]
    few, many = [], []
    for _ in range(rounds(7)):
        few.append(best_of(lambda: backtest(setup(small)), 3)[0] / len(small) * 1e6)
        many.append(seconds_of(bars, 1)[0] / BARS * 1e6)
    board.figure("bars-growth", min(many), min(few), f"{1 / min(many):.2f} million bars a second")


def turned_on(ticks: Ticks) -> list[tuple[int, float, int]]:
    """What plain numpy fills on the bars of these ticks: at the first tick of a bar, which is its open."""
    return fills_by_numpy(ticks.bars(60))


@pytest.mark.parametrize(
    ("key", "engine", "times"),
    [
        pytest.param("ticks-veighna", "veighna-ticks", 5, marks=figure("ticks-veighna")),
        pytest.param("ticks-nautilus", "nautilus-ticks", 2, marks=figure("ticks-nautilus")),
    ],
)
def test_ten_million_ticks(board: Board, ticks: Ticks, tick_file: Path, key: str, engine: str, times: int) -> None:
    assert filled(backtest(setup(ticks.bars(60), ticks))) == turned_on(ticks)
    with Rival("rivals_backtest.py", engine, str(tick_file)) as rival:
        sizes = TICKS, RIVALS_TICKS
        against(board, key, rival, lambda: backtest(setup(ticks.bars(60), ticks)), sizes, rounds(times, 1))


@figure("ticks-heard")
def test_a_strategy_that_hears_every_tick(board: Board, ticks: Ticks, tick_file: Path) -> None:
    part = ticks[:RIVALS_TICKS]
    assert filled(backtest(setup(part.bars(60), part, Hearing))) == turned_on(part)
    with Rival("rivals_backtest.py", "veighna-ticks", str(tick_file)) as rival:
        sizes = RIVALS_TICKS, RIVALS_TICKS
        against(board, "ticks-heard", rival, lambda: backtest(setup(part.bars(60), part, Hearing)), sizes, rounds(5, 1))


@figure("ticks-growth")
def test_ten_times_the_ticks(board: Board, ticks: Ticks) -> None:
    small = ticks[: TICKS // 10]
    few, many = [], []
    for _ in range(rounds(7)):
        few.append(best_of(lambda: backtest(setup(small.bars(60), small)), 3)[0] / len(small) * 1e6)
        many.append(best_of(lambda: backtest(setup(ticks.bars(60), ticks)), 1)[0] / TICKS * 1e6)
    board.figure("ticks-growth", min(many), min(few), f"{1 / min(many):.1f} million ticks a second")
