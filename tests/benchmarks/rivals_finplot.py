"""finplot with COUNT candles of which the last VISIBLE are seen; runs in the rivals' environment.

Turns: `last` an update of the last bar as finplot's own live examples do it, `pan` a step of its arrow keys. Each
answers with CPU milliseconds of one, its paint included.
"""

from __future__ import annotations

import sys
from typing import Any

import finplot
import pandas as pd
from PySide6.QtWidgets import QApplication
from rivals_parts import SIZE, Painted, cpu_ms, random_walk, serve


def main(count: int, visible: int) -> None:
    app = QApplication([])
    walk = random_walk(count)
    frame = pd.DataFrame({name: walk[name] for name in ("open", "close", "high", "low")})
    frame.index = pd.to_datetime(walk["start_s"], unit="s")
    plot = finplot.create_plot("rival", init_zoom_periods=visible, maximize=False)
    candles = finplot.candlestick_ochl(frame, ax=plot)
    finplot.show(qt_exec=False)
    window = finplot.windows[0]
    window.resize(*SIZE)
    painted = Painted(app, window.viewport())
    window.viewport().update()
    painted.await_one()
    view, last = plot.vb, float(walk["close"][-1])

    def tick(number: int) -> None:
        frame.iloc[-1, 1] = last + number % 5 * 0.05
        candles.update_data(frame)

    def pan(number: int) -> None:
        view.pan_x(steps=-3 if number % 2 == 0 else 3)

    def turn(word: str) -> Any:
        work, times = {"last": (tick, 8), "pan": (pan, 16)}[word]
        return cpu_ms(work, painted, times)

    for word in ("last", "pan"):
        turn(word)  # what is built at the first time stays out
    x0, x1 = view.viewRange()[0]
    serve(turn, {"seen": x1 - x0})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
