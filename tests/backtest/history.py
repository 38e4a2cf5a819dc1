"""Bars by hand and strategies by script, for backtests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from tests.fakes import an_instrument

INFY = an_instrument()
FUTURE = an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT", lot_size=75, segment="NFO-FUT", name="NIFTY")
MONDAY = datetime(2024, 6, 3, 9, 15, tzinfo=IST)
NONE = Slippage(0)


def a_series(
    *bars: Sequence[float], instrument: Instrument = INFY, start: datetime = MONDAY, seconds: int = 60
) -> Series:
    """Bars of (open, high, low, close), one after the other from the start."""
    columns = np.array(bars, np.float64)
    first = int(start.timestamp())
    starts = first + seconds * np.arange(len(columns), dtype=np.int64)
    return Series(instrument, seconds, starts, *columns.T.copy(), np.full(len(columns), 100, np.int64))


def flat(count: int, price: float = 100.0) -> list[tuple[float, float, float, float]]:
    return [(price, price, price, price)] * count


def joined(*parts: Series) -> Series:
    """One series of several."""
    names = ("start_s", "open", "high", "low", "close", "volume")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def walk(
    count: int, seed: int = 1, *, instrument: Instrument = INFY, start: datetime = MONDAY, per_day: int = 375
) -> Series:
    """A random walk on ticks, a minute a bar, over trading days from Monday to Friday."""
    dice = np.random.default_rng(seed)
    days = np.arange(-(-count // per_day))
    first = int(start.timestamp()) + (days // 5 * 7 + days % 5) * 86_400
    starts = (first[:, None] + 60 * np.arange(per_day)).ravel()[:count]
    close = 20_000 + np.cumsum(dice.integers(-12, 13, count))
    opened = np.concatenate([[20_000], close[:-1]]) + dice.integers(-3, 4, count)
    high = np.maximum(opened, close) + dice.integers(0, 8, count)
    low = np.minimum(opened, close) - dice.integers(0, 8, count)
    prices = [np.round(ticks * 0.05, 2) for ticks in (opened, high, low, close)]
    return Series(instrument, 60, starts.astype(np.int64), *prices, np.full(count, 100, np.int64))


Act = Callable[[Context, Instrument], Any]


class Scripted(Strategy):
    """Does what the script says at the close of bar n (from 0), and keeps what it hears."""

    name = "scripted"
    script: ClassVar[dict[int, Act]] = {}
    heard: ClassVar[list[Order]] = []
    seen: ClassVar[list[Bar]] = []

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self.bars = -1
        type(self).heard, type(self).seen = [], []

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        self.bars += 1
        self.seen.append(bar)
        if self.bars in self.script:
            self.script[self.bars](ctx, instrument)

    def on_order(self, ctx: Context, order: Order) -> None:
        self.heard.append(order)


def scripted(script: dict[int, Act]) -> type[Scripted]:
    return type("Scripted", (Scripted,), {"script": script})


def play(script: dict[int, Act], *series: Series, **kept: Any) -> Result:
    """Play a script over bars, without slippage unless told."""
    setup = {"slippage": NONE, **kept}
    return backtest(Setup(strategy=scripted(script), params=Parameters(), series=series, **setup))


def fills(result: Result) -> list[tuple[int, float, int]]:
    """Signed quantity, price, bar of each execution."""
    return [(fill.sign * fill.quantity, fill.price, fill.bar) for fill in result.executions]


def buy(quantity: int = 1, **kept: Any) -> Act:
    return lambda ctx, instrument: ctx.buy(instrument, quantity, reason="script", **kept)


def sell(quantity: int = 1, **kept: Any) -> Act:
    return lambda ctx, instrument: ctx.sell(instrument, quantity, reason="script", **kept)


def both(*acts: Act) -> Act:
    return lambda ctx, instrument: [act(ctx, instrument) for act in acts]


def protect(trigger: float) -> Act:
    return lambda ctx, instrument: ctx.protect(instrument, trigger, reason="stop")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
