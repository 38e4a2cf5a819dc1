"""Unexpected errors are gathered by kind, and a run that crashed or was killed is told of once, at the next start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alphapanda_desktop import logs
from alphapanda_desktop.domain.market import period_of
from alphapanda_desktop.faults import MOST_FAULTS, FaultBook, crash_of_last_run

DIES = """
import os, signal, sys
from pathlib import Path
from alphapanda_desktop import logs
logs.set_up(Path(sys.argv[1]))
def open_the_gate():
    os.kill(os.getpid(), signal.SIGSEGV)
open_the_gate()
"""


def raised(work: object) -> BaseException:
    try:
        work()  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001  # whatever it is, is what is asked for
        return error
    raise AssertionError("nothing was raised")


def test_the_same_error_again_is_counted_and_another_is_new() -> None:
    book = FaultBook()
    assert [book.add(raised(lambda: int("x")), "draw"), book.add(raised(lambda: 1 / 0))] == [1, 1]
    again = raised(lambda: period_of("no period"))
    assert [book.add(again), book.add(raised(lambda: period_of("no period")))] == [1, 2]
    last = book.faults[-1]
    assert last.count == 2 and last.where.startswith("domain/market.py:") and "period_of" in last.where
    assert book.faults[0].doing == "draw" and "Traceback" in book.faults[0].trace


def test_endless_kinds_of_errors_are_counted_on_the_last_that_is_kept() -> None:
    book = FaultBook()
    for number in range(MOST_FAULTS + 10):
        kind = type(f"Kind{number}", (Exception,), {})
        book.add(kind("x"))
    assert len(book.faults) == MOST_FAULTS and book.faults[-1].count == 11


def test_a_secret_in_an_error_is_struck_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_secrets", set())
    logs.strike_out("s3cr3t-token")
    book = FaultBook()
    book.add(ValueError("bad s3cr3t-token"))
    assert "s3cr3t" not in book.faults[0].told() and "bad …" in book.faults[0].words


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV") or os.name == "nt", reason="there it has no such signal")
def test_a_real_crash_is_told_at_the_next_start_with_the_line_and_only_once(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGSEGV
    crash = crash_of_last_run(tmp_path, killed_pid=77)
    assert crash is not None and crash.words.startswith("Segmentation fault, in") and "open_the_gate" in crash.words
    assert "most recent call first" in crash.dump and crash.at is not None
    assert crash_of_last_run(tmp_path) is None


def test_a_run_that_was_killed_is_told_without_a_dump_and_a_closed_one_not_at_all(tmp_path: Path) -> None:
    crash = crash_of_last_run(tmp_path, killed_pid=4711)
    assert crash is not None and "4711" in crash.words and crash.dump == ""
    assert crash_of_last_run(tmp_path) is None
