"""Recordings by hand, and their replay in few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from alphapanda_desktop.backtest.path import turns
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from alphapanda_desktop.domain.ticklog import Frame
from alphapanda_desktop.kite.packets import encode_frame, encode_packet
from alphapanda_desktop.replaying.csvticks import ColumnTicks
from alphapanda_desktop.replaying.exact import ExactSetup, Played, play
from alphapanda_desktop.replaying.source import Recording
from tests.backtest.history import INFY

OPEN = datetime(2024, 6, 3, 9, 15, tzinfo=IST)
SECOND = 1_000_000_000
OPEN_NS = int(OPEN.timestamp()) * SECOND


class FrameTicks:
    """Frames as they are: a part of a recording."""

    def __init__(self, instruments: Sequence[Instrument], frames: Sequence[Frame]) -> None:
        self.instruments = tuple(instruments)
        self.begin_ns, self.end_ns, self.count = frames[0][0], frames[-1][0], len(frames)
        self._frames = frames

    def frames(self, from_ns: int = 0) -> Any:
        return iter([frame for frame in self._frames if frame[0] >= from_ns])

    def damage(self) -> str:
        return ""

    def close(self) -> None: ...


def of_ticks(ticks: Sequence[tuple[float, Tick]], *instruments: Instrument) -> Recording:
    """Full packets, each at so many seconds after the open."""
    frames = []
    for seconds, tick in ticks:
        tick.exchange_epoch_s = tick.last_trade_epoch_s = int(OPEN.timestamp() + seconds)
        frames.append((OPEN_NS + int(seconds * SECOND), encode_frame([encode_packet(tick, Mode.FULL)])))
    return Recording([FrameTicks(instruments or (INFY,), frames)])


def of_prices(
    *prices: float, every_s: float = 1.0, instrument: Instrument = INFY, volume: Sequence[int] | None = None
) -> Recording:
    """A price every so often, from the open on."""
    count = len(prices)
    at_ns = OPEN_NS + (np.arange(count) * every_s * SECOND).astype(np.int64)
    traded = np.arange(1, count + 1) * 10 if volume is None else np.array(volume)
    return Recording([ColumnTicks([instrument], np.zeros(count, np.intp), at_ns, np.array(prices), traded)])


def of_bars(*several: Series, every_price: bool = False) -> Recording:
    """Four ticks a bar, the way that a backtest takes its price to go: a quarter of the bar apart from its start.

    With `every_price` no price on that way is left out: those between two ticks come right before the second one.
    """
    rows = []
    for which, series in enumerate(several):
        last = 0
        for bar in series.bars():
            for number, price in enumerate((bar.open, *turns(bar))):
                at_ns = bar.start_s * SECOND + number * series.seconds * SECOND // 4
                counted = series.instrument.ticks(price)
                way = range(last, counted, 1 if counted > last else -1)[1:] if every_price and number else ()
                rows += [(at_ns - len(way) + n, which, between * 0.05, bar.volume) for n, between in enumerate(way)]
                rows.append((at_ns, which, price, bar.volume))
                last = counted
    rows.sort(key=lambda row: row[0])
    at_ns, which, price, volume = (np.array(column) for column in zip(*rows, strict=True))
    return Recording([ColumnTicks([s.instrument for s in several], which, at_ns, price, np.cumsum(volume))])


Act = Callable[[Context, Instrument, Tick], Any]


def on_ticks(script: dict[int, Act]) -> type[Strategy]:
    """A strategy that does at its nth tick (from 0) what the script says."""

    class Scripted(Strategy):
        name = "scripted"
        heard = 0

        def on_bar(self, ctx: Context, instrument: Instrument, bar: Any) -> None:
            """Only ticks matter."""

        def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
            act = script.get(self.heard)
            self.heard += 1
            if act is not None:
                act(ctx, instrument, tick)

    return Scripted


def replay(strategy: type[Strategy], recording: Recording, params: Parameters | None = None, **kept: Any) -> Played:
    """Play it to one strategy on all that was recorded."""
    instruments = kept.pop("instruments", recording.instruments)
    params = params or strategy.Params()
    return play(ExactSetup(strategy=strategy, params=params, recording=recording, instruments=instruments, **kept))


def traded(played: Played) -> list[tuple[int, float]]:
    """Signed quantity and price of each fill."""
    return [(fill.sign * fill.quantity, fill.average_price) for fill in played.fills]
