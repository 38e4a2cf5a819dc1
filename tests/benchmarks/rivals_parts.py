"""What both environments share: numpy and Qt, no pytest, nothing of ours or of a rival's."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIZE = (1600, 900)


def serve(turn: Callable[[str], object], ready: object = None) -> None:
    """The other end of `race.Rival`: say ready, then answer each line with what `turn` measured."""
    print(json.dumps(ready if ready is not None else {}), flush=True)
    for line in sys.stdin:
        print(json.dumps(turn(line.strip())), flush=True)


def random_walk(count: int, seed: int = 7) -> dict[str, Any]:
    """Minute candles from 2015 on: `start_s`, `open`, `high`, `low`, `close`, `volume` as columns."""
    random = np.random.default_rng(seed)
    close = np.round(20_000 + random.normal(0, 3, count).cumsum(), 2)
    opens = np.concatenate(([close[0]], close[:-1]))
    high = np.maximum(opens, close) + random.random(count).round(2)
    low = np.minimum(opens, close) - random.random(count).round(2)
    start = 1_420_084_800 + 60 * np.arange(count, dtype=np.int64)
    volume = random.integers(1, 900, count)
    return {"start_s": start, "open": opens, "high": high, "low": low, "close": close, "volume": volume}


class Painted:
    """Counts the paints of a widget, and lets Qt work until there was one."""

    def __init__(self, app: Any, widget: Any) -> None:
        from PySide6.QtCore import QEvent, QObject

        class Watcher(QObject):
            count = 0

            def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
                self.count += event.type() == QEvent.Type.Paint
                return False

        self._app = app
        self._watcher = Watcher(widget)
        widget.installEventFilter(self._watcher)

    def await_one(self, patience_s: float = 60.0) -> None:
        """Come back when it has painted once more, and all that follows from it is done."""
        from PySide6.QtCore import QEventLoop

        before, deadline = self._watcher.count, time.monotonic() + patience_s
        self._app.processEvents()
        while self._watcher.count == before:
            if time.monotonic() > deadline:
                raise TimeoutError("it does not paint")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
        self._app.processEvents()


def cpu_ms(work: Callable[[int], object], painted: Painted, count: int) -> float:
    """CPU milliseconds of one piece of work and the paint that shows it, all threads, the mean of `count`."""
    began = time.process_time()
    for number in range(count):
        work(number)
        painted.await_one()
    return (time.process_time() - began) / count * 1000
