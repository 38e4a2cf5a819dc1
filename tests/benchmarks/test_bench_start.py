"""From spawn to first paint: the program against an empty QMainWindow, in turn."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.race import Board

ROUNDS = 5
CHILD = Path(__file__).with_name("first_paint.py")


def _first_paint_ms(*what: str) -> float:
    command = [sys.executable, str(CHILD), repr(time.time()), *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
    return float(done.stdout.split()[-1])


def test_first_paint(board: Board, tmp_path: Path) -> None:
    ours: list[float] = []
    rival: list[float] = []
    for number in range(ROUNDS + 1):
        ours.append(_first_paint_ms("ours", str(tmp_path / str(number))))
        rival.append(_first_paint_ms("bare"))
    result = board.race("spawn to first paint, bare QMainWindow, ms", ours[1:], rival[1:], 1.3)
    assert result.ours > 0 and min(rival) > 0
