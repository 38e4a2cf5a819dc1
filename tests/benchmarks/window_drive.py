"""Our window with 500 rows and four charts, fed frames of 100 full packets as the ticker feeds them, in one process.

Each turn is SECONDS of market at 10,000 ticks/s; it answers with CPU seconds of all threads for one second of market
and with how long it took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication, QGridLayout, QMainWindow, QWidget

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.ports import Clock, LinkReport, LinkState
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.loop import AppLoop
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.watchlist import Watchlist
from tests.benchmarks.rivals_parts import SIZE, serve
from tests.fakes import FakeFeed, FakeHistory, a_session, an_instrument
from tests.ui.fakes_market import walk

ROWS, CHARTS, PER_FRAME, PER_S = 500, 4, 100, 10_000


def shares(count: int) -> list[Instrument]:
    """So many shares of NSE."""
    return [an_instrument(f"SHARE{n}", token=(5_000 + n) << 8 | 1) for n in range(count)]


class Frames:
    """Frames of full packets of `size` of the shares, their prices wandering."""

    def __init__(self, count: int, size: int) -> None:
        self._random = np.random.default_rng(3)
        self._token = (np.arange(count, dtype=np.uint32) + 5_000) << 8 | 1
        self._price = self._random.integers(100_000, 200_000, count).astype(np.uint32)
        self._volume = np.zeros(count, np.uint32)
        self._size = size
        self._frame = np.zeros(2 + size * 186, np.uint8)
        self._frame[:2] = size >> 8, size & 255
        self._packets = self._frame[2:].reshape(size, 186)
        self._packets[:, 1] = 184

    def some(self, at_s: int) -> bytes:
        """A frame of any of them, sent at that epoch second."""
        return self.of(self._random.permutation(len(self._token))[: self._size], at_s)

    def of(self, rows: Any, at_s: int) -> bytes:
        """A frame of these rows of them."""
        self._price[rows] += self._random.integers(-3, 4, self._size).astype(np.uint32) * 5
        self._volume[rows] += 7
        words = np.zeros((self._size, 46), ">u4")
        price = self._price[rows]
        words[:, 0], words[:, 1], words[:, 4] = self._token[rows], price, self._volume[rows]
        words[:, 7:11] = price[:, None]
        words[:, [11, 15]] = at_s
        words[:, 16::3], words[:, 17::3], words[:, 18::3] = 75, price[:, None] + np.arange(-25, 25, 5), 3 << 16
        self._packets[:, 2:] = words.view(np.uint8).reshape(self._size, 184)
        return self._frame.tobytes()


class Stage:
    """The window over a market in our hands: all instruments in the watchlist, the first four charted."""

    def __init__(self, scope: Scope, instruments: list[Instrument], clock: Clock) -> None:
        self.clock = clock
        self.charted = instruments[:CHARTS]
        history = FakeHistory()
        for instrument in self.charted:
            bars = walk(self.clock.now_ns() // 1_000_000_000, Interval.MINUTE, 1_500.0, 3)
            history.rows[instrument.instrument_token, Interval.MINUTE] = bars
        session, master = a_session(self.clock.now()), InstrumentMaster(instruments)
        self.market = Market(session, FakeFeed(), history, master, self.clock)
        self.market.take_link(LinkReport(LinkState.UP))
        self.sink = MarketSink(self.market)
        self.edge = edge = Edge(scope, FrameClock(), lambda *_: None)
        keys = [instrument.key for instrument in instruments]
        self.window = QMainWindow()
        whole = QWidget(self.window)
        grid = QGridLayout(whole)
        self.watchlist = Watchlist(edge, self.market, lambda _: None, keys)
        grid.addWidget(self.watchlist, 0, 0, 2, 1)
        self.charts = [ChartView(edge, self.market) for _ in range(CHARTS)]
        for number, chart in enumerate(self.charts):
            grid.addWidget(chart, number // 2, 1 + number % 2)
        self.window.setCentralWidget(whole)
        self.window.resize(*SIZE)
        self.window.show()
        for chart, instrument in zip(self.charts, self.charted, strict=True):
            chart.show_instrument(instrument)

    def deliver(self, frame: bytes) -> None:
        batch = put_frame(self.market.table, frame, self.clock.now_ns())
        more = bool(len(batch.rows)) and self.sink.batch(batch)
        while more:
            more = self.sink.more()


async def measure(seconds: float) -> dict[str, Any]:
    async with Scope("window", lambda name, error: print(name, repr(error), file=sys.stderr)) as scope:
        stage, frames = Stage(scope, shares(ROWS), SystemClock()), Frames(ROWS, PER_FRAME)
        await asyncio.sleep(0.5)  # history is loaded and painted
        for _ in range(20):
            stage.deliver(frames.some(int(time.time())))
        await asyncio.sleep(0.3)
        began, cpu = time.monotonic(), time.process_time()
        for number in range(int(seconds * PER_S / PER_FRAME)):
            await asyncio.sleep(max(0.0, began + number * PER_FRAME / PER_S - time.monotonic()))
            stage.deliver(frames.some(int(time.time())))
        await asyncio.sleep(0.05)  # what the last frame brought is painted too
        used, took = time.process_time() - cpu, time.monotonic() - began
        ticked = sum(stage.market.latest(share.instrument_token) is not None for share in shares(ROWS))
        bars = sum(len(stage.market.live_series(share, Interval.MINUTE)) for share in stage.charted)
        stage.window.close()
        stage.window.deleteLater()
    return {"cpu_s": used / seconds, "took_s": took, "ticked": ticked, "bars": bars}


def main(seconds: float) -> None:
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    loop = AppLoop(app, reentrant=True)
    asyncio.set_event_loop(loop)
    serve(lambda _: loop.run_until_complete(measure(seconds)))


if __name__ == "__main__":
    main(float(sys.argv[1]))
