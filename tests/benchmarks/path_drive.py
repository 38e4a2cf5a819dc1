"""Socket to strategy: frames of `path_server` to a callback for every tick, while a chart is panned at 60 Hz.

Arguments: "ours" or "rival", the server's port, frames to wait for, packets a frame, instruments, and of how many
instruments the strategy hears one. Prints milliseconds from the moment a frame was sent to the last callback of its
ticks, and the processor's seconds meanwhile.
The rival is KiteTicker in its thread with a queued Qt signal to the main thread; the chart is the same on both sides.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.bars import BarSeries, Table
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval, Mode, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.kite.ticker import Ticker
from alphapanda_desktop.loop import AppLoop
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.theme import DARK
from tests.benchmarks.packets_drive import tokens
from tests.fakes import FakeHistory, a_session, an_instrument

BARS = 20_000
PATIENCE_S = 25.0


class Chart:
    """A chart that moves by a part of a bar sixty times a second, on either side the same."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        close = 1_500 + rng.normal(0, 0.5, BARS).cumsum()
        start = np.arange(BARS, dtype=np.int64) * 60
        volume, none = rng.integers(1, 9_000, BARS), np.zeros(BARS, np.int64)
        series = BarSeries(Interval.MINUTE)
        series.load(Table(start, close, close + 1, close - 1, close, volume, none))
        self.plot = Plot(lambda: DARK)
        self.plot.resize(1200, 700)
        self.plot.show_source(CandleSource(series), an_instrument(), "1m")
        self.plot.show()
        self._steps = 0
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._step)
        self.timer.start(16)

    def _step(self) -> None:
        self._steps += 1
        self.plot.pan(-0.4 if self._steps % 400 < 200 else 0.4)
        self.plot.refresh()


class Strategy:
    """Hears every tick, keeps the last price, and takes the time at the last tick of each frame."""

    def __init__(self, frames: int, lasts: set[int], done: Callable[[], None]) -> None:
        self.took_ms: list[float] = []
        self.calls = 0
        self._left = frames
        self._lasts = lasts
        self.done = done
        self._prices: dict[int, float] = {}
        self._began_cpu = self._began_s = 0.0
        self._ended = 0.0, 0.0

    def heard(self, token: int, price: float, stamp: int) -> None:
        self.calls += 1
        self._prices[token] = price
        if token in self._lasts:
            if not self.took_ms:
                self._began_cpu, self._began_s = time.process_time(), time.monotonic()
            now = time.monotonic_ns() // 1000 & 0xFFFF_FFFF
            self.took_ms.append(((now - stamp) & 0xFFFF_FFFF) / 1000)
            self._left -= 1
            self._ended = time.process_time(), time.monotonic()
            if not self._left:
                self.done()

    def say(self) -> None:
        cpu, wall = (ended - began for ended, began in zip(self._ended, (self._began_cpu, self._began_s), strict=True))
        rest = self.took_ms[len(self.took_ms) // 10 :]  # the first tenth warms up
        found = {"took_ms": rest, "cpu_share": cpu / max(wall, 1e-9), "calls": self.calls}
        print(json.dumps(found | {"missing": self._left}), flush=True)


def lasts_of(size: int, count: int) -> set[int]:
    """The instrument that ends each of the frames."""
    names = tokens(count)
    return {names[min(first + size, count) - 1] for first in range(0, count, size)}


def heard_of(count: int, one_in: int) -> list[int]:
    """What the strategy hears: every so manieth, the last one included."""
    return tokens(count)[one_in - 1 :: one_in]


def ours(app: QApplication, port: int, frames: int, size: int, count: int, one_in: int) -> None:
    play(app, port, frames, size, count, one_in).say()
    os._exit(0)


def play(app: QApplication, port: int, frames: int, size: int, count: int, one_in: int) -> Strategy:
    """Hear so many frames by our own feed; who heard them."""
    loop = AppLoop(app, reentrant=True)
    strategy = Strategy(frames, lasts_of(size, count), lambda: None)
    asyncio.set_event_loop(loop)

    async def run() -> None:
        over = asyncio.Event()
        strategy.done = over.set
        clock = SystemClock()
        names = tokens(count)
        instruments = [an_instrument(f"S{token}", token=token) for token in names]
        feed = Ticker(a_session(clock.now()), clock, f"ws://127.0.0.1:{port}", order_of=_no_order)
        market = Market(a_session(clock.now()), feed, FakeHistory(), InstrumentMaster(instruments), clock)

        def on_tick(tick: Tick) -> None:
            strategy.heard(tick.instrument_token, tick.last_price, tick.volume_traded or 0)

        for token in heard_of(count, one_in):
            market.on_tick(token, on_tick)
        market.watch("strategy", instruments, Mode.FULL)
        task = loop.create_task(feed.run(MarketSink(market)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await over.wait()
        except TimeoutError:
            pass
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    chart = Chart()
    loop.run_until_complete(run())
    chart.timer.stop()
    return strategy


def _no_order(_data: Any) -> Order:
    raise ValueError("no order comes here")


class Bridge(QObject):
    """What brings the rival's ticks to the main thread."""

    ticks = Signal(object)


def rival(app: QApplication, port: int, frames: int, size: int, count: int, one_in: int) -> None:
    from kiteconnect import KiteTicker

    logging.getLogger("kiteconnect").setLevel(logging.CRITICAL)
    strategy = Strategy(frames, lasts_of(size, count), app.quit)
    bridge = Bridge()

    wanted = set(heard_of(count, one_in))

    def take(ticks: Sequence[dict[str, Any]]) -> None:
        for tick in ticks:
            if tick["instrument_token"] in wanted:
                strategy.heard(tick["instrument_token"], tick["last_price"], tick["volume_traded"])

    bridge.ticks.connect(take, Qt.ConnectionType.QueuedConnection)
    ticker = KiteTicker("key", "token", root=f"ws://127.0.0.1:{port}/")

    def connected(socket: Any, _response: Any) -> None:
        socket.subscribe(tokens(count))
        socket.set_mode(socket.MODE_FULL, tokens(count))

    ticker.on_connect = connected
    ticker.on_ticks = lambda _socket, ticks: bridge.ticks.emit(ticks)
    chart = Chart()
    ticker.connect(threaded=True)
    QTimer.singleShot(int(PATIENCE_S * 1000), app.quit)
    app.exec()
    chart.timer.stop()
    strategy.say()
    os._exit(0)  # its reactor cannot be stopped and started in one process


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    application.setQuitOnLastWindowClosed(False)
    {"ours": ours, "rival": rival}[sys.argv[1]](application, *(int(word) for word in sys.argv[2:]))
