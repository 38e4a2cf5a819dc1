"""VeighNa's ChartWidget with COUNT candles and its volume pane, all of them seen; runs in the rivals' environment.

Turns: `repaint` a repaint of the view in which nothing has changed, `last` an update of the last bar. Each answers with
CPU milliseconds of one, its paint included.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

from PySide6.QtWidgets import QApplication
from rivals_parts import SIZE, Painted, cpu_ms, random_walk, serve
from vnpy.chart import CandleItem, ChartWidget, VolumeItem
from vnpy.trader.constant import Exchange, Interval
from vnpy.trader.object import BarData


def bars(count: int) -> list[BarData]:
    walk = random_walk(count)
    start = datetime(2015, 1, 1)  # noqa: DTZ001  # its chart sorts and prints these as they are
    columns = zip(*(walk[name].tolist() for name in ("open", "high", "low", "close", "volume")), strict=True)
    return [
        BarData("rival", "X", Exchange.NSE if hasattr(Exchange, "NSE") else Exchange.SMART,
                start + timedelta(minutes=n), Interval.MINUTE, volume=volume,
                open_price=opens, high_price=high, low_price=low, close_price=close)
        for n, (opens, high, low, close, volume) in enumerate(columns)
    ]  # fmt: skip


def main(count: int, visible: int) -> None:
    app = QApplication([])
    chart = ChartWidget()
    chart.add_plot("candle", hide_x_axis=True)
    chart.add_plot("volume", maximum_height=200)
    chart.add_item(CandleItem, "candle", "candle")
    chart.add_item(VolumeItem, "volume", "volume")
    chart.add_cursor()
    chart.resize(*SIZE)
    chart.show()
    history = bars(count)
    chart._bar_count = visible
    chart.update_history(history)
    painted = Painted(app, chart.viewport())
    chart.viewport().update()
    painted.await_one()

    def repaint(_number: int) -> None:
        chart.viewport().update()

    def tick(number: int) -> None:
        history[-1].close_price += 0.05 * (1 if number % 2 else -1)
        chart.update_bar(history[-1])

    def turn(word: str) -> Any:
        work, times = {"repaint": (repaint, 3), "last": (tick, 2)}[word]
        return cpu_ms(work, painted, times)

    turn("repaint")
    x0, x1 = next(iter(chart.get_all_plots())).getViewBox().viewRange()[0]
    serve(turn, {"seen": x1 - x0})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
