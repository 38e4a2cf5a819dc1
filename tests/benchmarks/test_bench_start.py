"""From spawn to first paint and to a desk that can be used: the program against an empty QMainWindow, in turn.

Both run with their bytecode cached, as installed programs do, whatever the environment says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.race import QUICK, ROOT, Board, figure

ROUNDS = 2 if QUICK else 5
CHILD = Path(__file__).with_name("first_paint.py")
USE = Path(__file__).with_name("start_drive.py")


def _child(script: Path, cache: Path, *what: str) -> str:
    """The last line that a child prints, spawned now."""
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), repr(time.time()), *what]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
    return done.stdout.strip().splitlines()[-1]


def _cache_all(cache: Path) -> None:
    """Bytecode of what is still being imported when the program is used, and of the exchange's process too."""
    names = ("sim.cli", "sim.server", "sim.exchange", "app", "venues.kite", "ui.desk", "ui.desksheets")
    modules = [*(f"alphapanda_desktop.{name}" for name in names), "kiteconnect"]
    env = dict(os.environ) | {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONPATH": str(ROOT)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], env=env, timeout=110, check=True)


@figure("first-paint")
def test_first_paint(board: Board, tmp_path: Path) -> None:
    ours: list[float] = []
    rival: list[float] = []
    for number in range(ROUNDS + 1):
        ours.append(float(_child(CHILD, tmp_path / "pyc", "ours", str(tmp_path / str(number)))))
        rival.append(float(_child(CHILD, tmp_path / "pyc", "bare")))
    board.figure("first-paint", ours[1:], rival[1:])
    assert min(*ours, *rival) > 0


@figure("usable")
def test_until_it_can_be_used(board: Board, tmp_path: Path) -> None:
    ours: list[float] = []
    rival: list[float] = []
    stalls: list[float] = []
    _cache_all(tmp_path / "pyc")
    for number in range(ROUNDS + 1):
        found = json.loads(_child(USE, tmp_path / "pyc", str(tmp_path / str(number))))
        rival.append(float(_child(CHILD, tmp_path / "pyc", "bare")))
        ours.append(found["usable_ms"])
        stalls.append(found["longest_stall_ms"])
    board.figure("usable", ours[1:], rival[1:], "without the login, which is a person's")
    board.limit("longest the loop was held until then, ms", max(stalls[1:]), 50.0)
    assert min(*ours, *rival) > 0
