"""A hop of the loop, idle and under a paint that fills every frame: our subclass against plain qasync, in turn."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import qasync
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.loop import AppLoop, _LocalExec
from tests.benchmarks.race import QUICK, Board, figure

HOPS = 2_000
PAINTED_HOPS = 60
ROUNDS = 3 if QUICK else 9
PAINT_S = 0.024


@contextmanager
def _both(app: Any) -> Iterator[tuple[Any, Any]]:
    ours, rival = AppLoop(app, reentrant=True), qasync.QEventLoop(_LocalExec(app))
    try:
        yield ours, rival
    finally:
        asyncio.set_event_loop(None)
        ours.close()
        rival.close()


def _hops_us(loop: Any, hops: int) -> list[float]:
    """Microseconds of each `call_soon` hop, in a chain."""
    took: list[float] = []

    async def chain() -> None:
        done: asyncio.Future[None] = loop.create_future()

        def hop(asked: float) -> None:
            now = time.perf_counter()
            took.append((now - asked) * 1e6)
            if len(took) < hops:
                loop.call_soon(hop, time.perf_counter())
            else:
                done.set_result(None)

        loop.call_soon(hop, time.perf_counter())
        await done

    asyncio.set_event_loop(loop)
    loop.run_until_complete(chain())
    return took


def _earliest_ms(loop: Any) -> float:
    """How many milliseconds early the earliest of some timers fires; below nought is early."""

    async def wait() -> float:
        worst = 1e9
        for delay_s in (0.0033, 0.0057, 0.0101, 0.25):
            began = loop.time()
            await asyncio.sleep(delay_s)
            worst = min(worst, loop.time() - began - delay_s)
        return worst * 1000

    asyncio.set_event_loop(loop)
    return float(loop.run_until_complete(wait()))


class _Slow(QWidget):
    """Paints for longer than a frame, and asks for the next paint at once."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        until = time.perf_counter() + PAINT_S
        painter = QPainter(self)
        while time.perf_counter() < until:
            painter.fillRect(self.rect(), 0)
        painter.end()
        self.update()


@figure("hop-idle", "timers-early")
def test_a_hop_of_an_idle_loop(board: Board, qapp: Any) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    early: tuple[list[float], list[float]] = ([], [])
    with _both(qapp) as loops:
        for number in range(ROUNDS + 1):
            for loop, noted, at in zip(loops, times, early, strict=True):
                hops_us = statistics.median(_hops_us(loop, HOPS))
                at.append(_earliest_ms(loop))
                if number:
                    noted.append(hops_us)
    board.figure("hop-idle", *times)
    board.figure("timers-early", max(0.0, -min(early[0])), detail=f"qasync's: {max(0.0, -min(early[1])):.1f} ms early")
    assert min(early[0]) >= 0, "a timer of ours fired early"


@figure("hop-paint")
def test_a_hop_under_a_paint_that_fills_every_frame(board: Board, qapp: Any) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    slow = _Slow()
    slow.resize(400, 300)
    slow.show()
    try:
        with _both(qapp) as loops:
            for _ in range(2 if QUICK else 5):
                for loop, noted in zip(loops, times, strict=True):
                    noted.append(statistics.median(_hops_us(loop, PAINTED_HOPS)))
    finally:
        slow.hide()
        slow.deleteLater()
    result = board.figure("hop-paint", *times)
    assert result.ours
