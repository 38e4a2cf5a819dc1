"""A table of 40 rows that are all seen, with 50,000 changed cells a second: our watchlist, or a QTableWidget.

Arguments: "ours" or "rival", seconds of a turn. Each change is a tick's price, change, per cent, volume and bid: five
cells, ten thousand ticks a second in frames of 40. Prints the processor's seconds for a second of market, less what the
same window and the same timer take where nothing comes: that is the harness, and the same on both sides.
A side that cannot keep up is told by `behind_s`.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QTableWidget, QTableWidgetItem

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.watchlist import Watchlist
from tests.benchmarks.packets_drive import full_frame, tokens
from tests.benchmarks.rivals_parts import serve
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, an_instrument

ROWS, TICKS_PER_S, CELLS, PER_FRAME = 40, 10_000, 5, 40
STEP_MS = 4
FRAMES = 64


def frames() -> list[bytes]:
    """Frames in which every price, volume and bid differs from the one before."""
    made = []
    for number in range(FRAMES):
        frame = bytearray(full_frame(ROWS, move=number * 37 % 91))
        np.ndarray((ROWS,), ">u4", frame, 20, (186,))[:] = 5_000_000 + number * 20_000
        made.append(bytes(frame))
    return made


class Ours:
    def __init__(self) -> None:
        instruments = [an_instrument(f"S{token}", token=token) for token in tokens(ROWS)]
        clock, master = FakeClock(), InstrumentMaster(instruments)
        self.market = Market(a_session(), FakeFeed(), FakeHistory(), master, clock)
        self.market.take_link(LinkReport(LinkState.UP))
        self.edge = Edge(Scope("ui", lambda *_: None), FrameClock(), lambda *_: None)
        self.widget = Watchlist(self.edge, self.market, lambda _: None, [i.key for i in instruments])
        self.frames = frames()

    def take(self, number: int) -> None:
        self.market.take_batch(put_frame(self.market.table, self.frames[number % FRAMES], number))


class Theirs:
    """As a trader's own window does it: an item for each cell, its words and colour set on each change."""

    def __init__(self) -> None:
        self.widget = QTableWidget(ROWS, CELLS + 1)
        self.up, self.down = QColor("#26a69a"), QColor("#ef5350")
        self.items = [[QTableWidgetItem("") for _ in range(CELLS)] for _ in range(ROWS)]
        for row, items in enumerate(self.items):
            self.widget.setItem(row, 0, QTableWidgetItem(f"S{row}"))
            for column, item in enumerate(items):
                self.widget.setItem(row, column + 1, item)
        self.ticks = [self._ticks(frame) for frame in frames()]

    def _ticks(self, frame: bytes) -> list[tuple[float, float, float, int, float]]:
        words = np.ndarray((ROWS, 46), ">i4", frame, 4, (186, 4))
        last, close = words[:, 1] / 100, words[:, 10] / 100 - 7
        return list(zip(last.tolist(), (last - close).tolist(), ((last / close - 1) * 100).tolist(),
                        words[:, 4].tolist(), (words[:, 17] / 100).tolist(), strict=True))  # fmt: skip

    def take(self, number: int) -> None:
        for items, tick in zip(self.items, self.ticks[number % FRAMES], strict=True):
            last, change, per_cent, volume, bid = tick
            texts = (f"{last:,.2f}", f"{change:+.2f}", f"{per_cent:+.2f} %", f"{volume:,}", f"{bid:,.2f}")
            colour = self.up if change > 0 else self.down
            for item, text in zip(items, texts, strict=True):
                item.setText(text)
                item.setForeground(colour)


def main(side: str, seconds: float) -> None:
    app = QApplication([])
    stage = Ours() if side == "ours" else Theirs()
    stage.widget.resize(900, 1_000)
    stage.widget.show()
    number = [0]

    def run(take: bool) -> tuple[float, float]:
        wanted, began, cpu = int(seconds * TICKS_PER_S / PER_FRAME), time.monotonic(), time.process_time()
        first, at, over = number[0], number[0], 0.0

        def step() -> None:
            nonlocal at, over
            due = min(wanted, int((time.monotonic() - began) * TICKS_PER_S / PER_FRAME))
            ends = time.monotonic() + 0.02
            while at - first < due and time.monotonic() < ends:
                if take:
                    stage.take(at)
                at += 1
            if at - first >= wanted:
                over = time.monotonic() - began
                app.quit()

        timer = QTimer()
        timer.timeout.connect(step)
        timer.start(STEP_MS)
        app.exec()
        timer.stop()
        number[0] = at
        return time.process_time() - cpu, over

    def turn(_word: str) -> dict[str, float]:
        idle_s, _ = run(take=False)
        used_s, over = run(take=True)
        cells = int(seconds * TICKS_PER_S / PER_FRAME) * PER_FRAME * CELLS
        return {"cpu_s": (used_s - idle_s) / seconds, "behind_s": over - seconds, "cells_per_s": cells / seconds}

    serve(turn)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
