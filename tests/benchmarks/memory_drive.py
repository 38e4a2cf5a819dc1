"""Our window with all 9,000 instruments subscribed, an hour of market at 5 ticks/s of each, as fast as it goes.

Arguments: how many seconds of market, and after how many memory is read first. Prints megabytes then and at the end,
resident, and how long the loop was held at most by a frame.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.loop import AppLoop
from alphapanda_desktop.trading.scope import Scope
from tests.benchmarks.window_drive import Frames, Stage, shares
from tests.fakes import FakeClock

COUNT, PER_FRAME, PER_S, WATCHED = 9_000, 3_000, 5, 500
BEATS_EVERY_S = 10
"""Seconds of market between two pictures: time runs a hundred times as fast, painting does not."""


def resident_mb() -> float:
    """Memory of this process that is in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not say")


async def measure(seconds: int, first: int) -> dict[str, Any]:
    clock, all_of_them = FakeClock(), shares(COUNT)
    async with Scope("window", lambda name, error: print(name, repr(error), file=sys.stderr)) as scope:
        stage, frames = Stage(scope, all_of_them[:WATCHED], clock), Frames(COUNT, PER_FRAME)
        stage.market.watch("everything", all_of_them, Mode.FULL)
        for share in all_of_them[:50]:
            stage.market.live_series(share, Interval.MINUTE)
        await asyncio.sleep(0.5)
        began_mb, longest_s, ticks = 0.0, 0.0, 0
        for second in range(seconds):
            at_s = clock.now_ns() // 1_000_000_000
            for _ in range(PER_S):
                for part in range(COUNT // PER_FRAME):
                    frame = frames.of(np.arange(part * PER_FRAME, (part + 1) * PER_FRAME), at_s)
                    began = time.thread_time()
                    stage.deliver(frame)
                    longest_s = max(longest_s, time.thread_time() - began)
                    ticks += PER_FRAME
                clock.advance(1 / PER_S)
            stage.market.advance()
            if second % BEATS_EVERY_S == 0:
                stage.edge.frames.beat()
                await asyncio.sleep(0.001)
            if second + 1 == first:
                gc.collect()
                began_mb = resident_mb()
        gc.collect()
        ended_mb = resident_mb()
        stage.window.close()
        stage.window.deleteLater()
    return {"first_mb": began_mb, "last_mb": ended_mb, "ticks": ticks, "longest_ms": longest_s * 1000}


def main(seconds: int, first: int) -> None:
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    loop = AppLoop(app, reentrant=True)
    asyncio.set_event_loop(loop)
    print(json.dumps(loop.run_until_complete(measure(seconds, first))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
