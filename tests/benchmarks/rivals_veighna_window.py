"""VeighNa's event engine, tick table and four of its charts, fed ticks as its gateways feed them.

Each turn is SECONDS of market at 10,000 ticks/s of 500 instruments; it answers with CPU seconds of all threads for one
second of market, and with how long it took until the last tick was in the table. Charts are updated on each tick of
theirs, as VeighNa's own chart window does it.
"""

from __future__ import annotations

import sys
import threading
import time
from copy import copy
from datetime import datetime, timedelta
from random import Random
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QMainWindow, QWidget
from rivals_parts import SIZE, random_walk, serve
from vnpy.chart import CandleItem, ChartWidget, VolumeItem
from vnpy.event import Event, EventEngine
from vnpy.trader.constant import Exchange, Interval
from vnpy.trader.engine import MainEngine
from vnpy.trader.event import EVENT_TICK
from vnpy.trader.object import BarData, TickData
from vnpy.trader.ui.widget import TickMonitor
from vnpy.trader.utility import BarGenerator

ROWS, CHARTS, PER_BATCH, PER_S = 500, 4, 100, 10_000
HISTORY = 1_125
EVENT_DONE = "done"
PLACE = Exchange.SMART


class Chart(QObject):
    """One chart and what builds its bars."""

    ticked = Signal(Event)

    def __init__(self, engine: EventEngine, symbol: str) -> None:
        super().__init__()
        self.widget = ChartWidget()
        self.widget.add_plot("candle", hide_x_axis=True)
        self.widget.add_plot("volume", maximum_height=80)
        self.widget.add_item(CandleItem, "candle", "candle")
        self.widget.add_item(VolumeItem, "volume", "volume")
        self.widget.add_cursor()
        self.widget.update_history(history(symbol))
        self._bars = BarGenerator(lambda _bar: None)
        self._symbol = f"{symbol}.{PLACE.value}"
        self.ticked.connect(self._take)
        engine.register(EVENT_TICK + self._symbol, self.ticked.emit)

    def _take(self, event: Event) -> None:
        self._bars.update_tick(event.data)
        if self._bars.bar:
            bar = copy(self._bars.bar)
            bar.datetime = bar.datetime.replace(second=0, microsecond=0)
            self.widget.update_bar(bar)


def history(symbol: str) -> list[BarData]:
    walk = random_walk(HISTORY)
    start = datetime.now() - timedelta(minutes=HISTORY)  # noqa: DTZ005  # its ticks are compared with it
    columns = zip(*(walk[name].tolist() for name in ("open", "high", "low", "close", "volume")), strict=True)
    return [
        BarData("rival", symbol, PLACE, start.replace(second=0, microsecond=0) + timedelta(minutes=n), Interval.MINUTE,
                volume=volume, open_price=o / 10, high_price=h / 10, low_price=low / 10, close_price=c / 10)
        for n, (o, h, low, c, volume) in enumerate(columns)
    ]  # fmt: skip


class Done(QObject):
    """Comes through the same queue as the ticks, behind them."""

    came = Signal(Event)


def feed(engine: EventEngine, seconds: float, prices: list[float], random: Random) -> None:
    """What a gateway's thread does: an object and two events a tick."""
    began = time.monotonic()
    for number in range(int(seconds * PER_S / PER_BATCH)):
        time.sleep(max(0.0, began + number * PER_BATCH / PER_S - time.monotonic()))
        now = datetime.now()  # noqa: DTZ005  # as its gateways do
        for row in random.sample(range(ROWS), PER_BATCH):
            prices[row] = price = round(prices[row] + random.randint(-3, 3) * 0.05, 2)
            tick = TickData(
                "rival", f"SHARE{row}", PLACE, now, name=f"SHARE{row}", volume=number * 7, last_price=price,
                open_price=price, high_price=price, low_price=price, pre_close=price, bid_price_1=price - 0.05,
                bid_volume_1=75, ask_price_1=price + 0.05, ask_volume_1=75,
            )  # fmt: skip
            engine.put(Event(EVENT_TICK, tick))
            engine.put(Event(EVENT_TICK + tick.vt_symbol, tick))
    engine.put(Event(EVENT_DONE))


def main(seconds: float) -> None:
    app = QApplication([])
    engine = EventEngine()
    table = TickMonitor(MainEngine(engine), engine)
    charts = [Chart(engine, f"SHARE{n}") for n in range(CHARTS)]
    window, whole = QMainWindow(), QWidget()
    grid = QGridLayout(whole)
    grid.addWidget(table, 0, 0, 2, 1)
    for number, chart in enumerate(charts):
        grid.addWidget(chart.widget, number // 2, 1 + number % 2)
    window.setCentralWidget(whole)
    window.resize(*SIZE)
    window.show()
    done = Done()
    done.came.connect(lambda _: app.quit())
    engine.register(EVENT_DONE, done.came.emit)
    prices, random = [1_500.0] * ROWS, Random(3)

    def run(length: float) -> dict[str, Any]:
        began, cpu = time.monotonic(), time.process_time()
        thread = threading.Thread(target=feed, args=(engine, length, prices, random), daemon=True)
        thread.start()
        app.exec()
        thread.join()
        return {"cpu_s": (time.process_time() - cpu) / length, "took_s": time.monotonic() - began}

    run(0.25)  # the rows of the table are made
    serve(lambda _: run(seconds), {"rows": table.rowCount()})


if __name__ == "__main__":
    main(float(sys.argv[1]))
