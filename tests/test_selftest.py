"""The self-test tries what it names, says what fails, and fails with it; all of it is run by the package's test."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alphapanda_desktop import logs, selftest, tour

CRASH = """Fatal Python error: Segmentation fault

Thread 0x00007f01 (most recent call first):
  File "selectors.py", line 468 in select

Current thread 0x00007f02 (most recent call first):
  File "shell.py", line 12 in grab for canary-5151
  File "player.py", line 7 in step

Extension modules: numpy
"""
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", selftest.TRIALS)
def test_what_is_tried_works_here_and_says_what_it_found(name: str) -> None:
    assert selftest.TRIALS[name]()


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "LIBRARIES", ("json", "no_such_library"))
    tried = selftest._tried("libraries", selftest._libraries)
    assert not tried.ok and "no_such_library" in tried.detail


def test_without_a_screen_the_tour_fails_and_the_report_says_so(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    blind = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "alphapanda_desktop", "--self-test", str(out)],
        env=blind, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    report = json.loads(out.read_text(encoding="utf-8"))
    assert done.returncode == 1 and report["ok"] is False
    by_name = {check["name"]: check for check in report["checks"]}
    assert all(by_name[name]["ok"] for name in selftest.TRIALS)
    assert not by_name["first run ends"]["ok"]


def test_a_place_that_takes_no_report_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "TRIALS", {})
    monkeypatch.setattr(selftest, "_toured", lambda _screenshot: [])
    assert selftest.run(tmp_path / "nowhere" / "report.json", None) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_tour_that_crashed_tells_where_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / logs.CRASHES).write_text(CRASH, encoding="utf-8")
    monkeypatch.setattr(logs, "_secrets", {"canary-5151"})
    told = tour._last_error(tmp_path)
    assert told == (
        '; it crashed, Segmentation fault: File "shell.py", line 12 in grab for … | File "player.py", line 7 in step'
    )


def test_a_tour_makes_the_data_folder_that_it_is_given_or_says_why_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[bool] = []
    monkeypatch.setattr(tour, "_play_parts", lambda _out, folder: played.append(folder.is_dir()) or tour.Story())
    arguments = ["--out", str(tmp_path / "out")]
    assert tour.run(arguments, argparse.Namespace(data_dir=tmp_path / "new" / "data")) == 1  # nothing was played
    assert played == [True]
    (tmp_path / "file").touch()
    assert tour.run(arguments, argparse.Namespace(data_dir=tmp_path / "file")) == 1
    assert f"no profile can be made in {tmp_path / 'file'}" in capsys.readouterr().err
