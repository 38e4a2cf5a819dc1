"""The whole window: what a second of a busy market costs against VeighNa's parts, and whether an hour makes it grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.benchmarks.race import HERE, QUICK, Board, Rival, figure, rounds


@figure("window-cpu")
def test_a_second_at_ten_thousand_ticks(board: Board) -> None:
    seconds = "1" if QUICK else "3"
    with (
        Rival("rivals_veighna_window.py", seconds) as rival,
        Rival("window_drive.py", seconds, rivals=False) as ours,
    ):
        ours.turn()  # imports and first paints
        turns = [(ours.turn(), rival.turn()) for _ in range(rounds(4, 1))]
    assert all(turn["ticked"] == 500 and turn["bars"] > 3_000 for turn, _ in turns)
    lag = max(turn["took_s"] for _, turn in turns) / float(seconds)
    board.figure(
        "window-cpu",
        [turn["cpu_s"] for turn, _ in turns],
        [turn["cpu_s"] for _, turn in turns],
        f"VeighNa needs {lag:.1f} s for a second of this" if lag > 1.1 else "",
    )


@figure("memory-hour")
def test_an_hour_of_nine_thousand_instruments(board: Board) -> None:
    seconds, first = (600, 120) if QUICK else (3_600, 300)
    done = subprocess.run(
        [sys.executable, str(HERE / "memory_drive.py"), str(seconds), str(first)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["ticks"] == seconds * 5 * 9_000
    board.figure("memory-hour", found["last_mb"], found["first_mb"], f"{found['ticks'] / 1e6:.0f} million ticks")
    board.note("longest a frame of 3,000 held the loop in that hour, CPU ms", found["longest_ms"])


def _environment() -> dict[str, str]:
    return {"QT_QPA_PLATFORM": "offscreen"} | os.environ | {"PYTHONPATH": str(HERE.parents[1])}
