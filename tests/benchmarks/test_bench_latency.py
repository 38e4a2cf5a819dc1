"""Tick to paint and tick to order, in the whole program over the practice exchange: numbers, without a rival."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.race import Board, figure, percentile

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("latency_drive.py")
NAMES = {
    "paint_ms": "tick received to chart painted",
    "decision_ms": "tick that closed a bar to strategy's decision",
    "alone_ms": "that tick to broker.place, one order",
    "together_ms": "that tick to broker.place, six orders at once",
}


@figure("gc-pause")
def test_latencies_of_the_whole_program(board: Board, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CHILD), str(tmp_path)],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    longest_ms, generation = max(found["gc_ms"], default=(0.0, 0))
    said = f"the longest of {len(found['gc_ms'])} in a minute, CPU time, generation {generation}"
    board.figure("gc-pause", longest_ms, detail=said)
    counts = {key: len(found[key]) for key in NAMES}
    assert counts["paint_ms"] > 50 and counts["alone_ms"] > 3 and counts["together_ms"] > 10, counts
    for key, name in NAMES.items():
        values = found[key]
        assert min(values) >= 0
        board.note(f"{name}, median of {len(values)}, ms", percentile(values, 0.5))
        if len(values) < 100:
            board.note(f"{name}, worst of {len(values)}, ms", max(values))
        else:
            board.note(f"{name}, 99th percentile of {len(values)}, ms", percentile(values, 0.99))
    board.note("ticks a second meanwhile", found["ticks_per_s"])
