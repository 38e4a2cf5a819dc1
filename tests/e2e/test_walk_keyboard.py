"""A day without a mouse: the program on a screen of its own, driven through the X server by keys alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.display import a_screen
from tests.e2e.walk_keyboard import CHAPTERS

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 280


def _walk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of each chapter: nothing, or why it failed."""
    for tool in ("xdotool", "openbox"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on this machine: there are no hands to press keys with")
    folder = tmp_path_factory.mktemp("walk")
    command = [sys.executable, "-m", "tests.e2e.walk_drive", "keyboard", str(folder), "-"]
    with a_screen() as display:
        given = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        ended = subprocess.run(
            command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    assert ended.returncode == 0 and ended.stdout, ended.stderr[-3000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["code"] == 0, ended.stderr[-3000:]
    return dict(told["told"])


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same; a market that moves as it likes is walked a second time where a chapter failed, and that is printed."""
    told = _walk(tmp_path_factory)
    failed = [name for name in CHAPTERS if told.get(name, "never begun")]
    if failed:
        print("walked again because of", failed)
        again = _walk(tmp_path_factory)
        told |= {name: again[name] for name in failed if name in again}
    return told


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_by_keys_alone_a_person(chapter: str, walked: dict[str, str]) -> None:
    assert chapter in walked, "the walk ended before it came to this"
    assert not walked[chapter], walked[chapter]
