"""One walk for all the tests of its chapters: the program on a screen of its own, with hands at it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.display import a_screen

ROOT: Final = Path(__file__).resolve().parents[2]
LIMIT_S: Final = 590
"""More than a walk takes that ends itself as it is late, and less than the first test has, which waits for it."""


def walk(which: str, folder: Path) -> dict[str, str]:
    """What became of each chapter of that walk: nothing, or why it failed. Skips where there are no hands."""
    for tool in ("xdotool", "openbox"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on this machine: there are no hands to press keys and to click with")
    command = [sys.executable, "-m", "tests.e2e.walk_drive", which, str(folder), "-"]
    with a_screen() as display:
        given = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        ended = subprocess.run(
            command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    print(ended.stderr)
    assert ended.returncode == 0 and ended.stdout, ended.stderr[-3000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["code"] == 0, ended.stderr[-3000:]
    return dict(told["told"])


def came_true(chapter: str, told: dict[str, str]) -> None:
    """Fails with why a chapter failed."""
    assert chapter in told, "the walk ended before it came to this"
    assert not told[chapter], told[chapter]
