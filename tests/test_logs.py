"""No secret reaches a log, no log call breaks its caller, and the watchdog names the line."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from alphapanda_desktop import logs
from alphapanda_desktop.stacks import Stacks


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The log as `set_up` makes it; its file's text by calling it."""
    monkeypatch.setattr(logs, "_secrets", set())
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    dumps = []
    monkeypatch.setattr(faulthandler, "enable", dumps.append)  # pytest has it
    path = logs.set_up(tmp_path / "logs")
    yield lambda: path.read_text(encoding="utf-8")
    dumps[0].close()
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


SECRET = "s3cr3t/token+xyz"


@pytest.mark.parametrize("how", ["message", "argument", "traceback", "stack", "encoded"])
def test_a_secret_is_struck_out(log, how):
    logs.strike_out(SECRET)
    logger = logging.getLogger("anyone")
    if how == "message":
        logger.warning("token " + SECRET)  # noqa: G003
    elif how == "argument":
        logger.warning("token %s in %r", SECRET, {"a": SECRET})
    elif how == "encoded":
        logger.warning("GET /?access_token=s3cr3t%2Ftoken%2Bxyz&x=1")
    elif how == "stack":
        logger.warning("here", stack_info=True)  # a stack shows its source lines, and with them s3cr3t/token+xyz
    else:
        try:
            raise ValueError(f"bad token {SECRET}")
        except ValueError:
            logger.exception("failed")
    text = log()
    assert "anyone" in text and "s3cr3t" not in text
    if how == "traceback":
        assert "ValueError: bad token …" in text


def test_one_secret_within_another_is_struck_out_whole(log):
    logs.strike_out("abcdefgh")
    logs.strike_out("abcdefghijkl")
    logging.getLogger("x").warning("abcdefghijkl")
    assert "…\n" in log() and "ijkl" not in log()


def test_what_is_too_short_to_be_a_secret_strikes_nothing(log):
    logs.strike_out("")
    logs.strike_out("a")
    logging.getLogger("x").warning("a banana")
    assert "a banana" in log()


def test_a_wrong_format_is_logged_and_raises_nothing(log):
    logs.strike_out(SECRET)
    logging.getLogger("x").warning("%d orders", SECRET)
    assert "'%d orders' with" in log() and "s3cr3t" not in log()


def test_the_log_is_its_owners_alone(log, tmp_path):
    assert (tmp_path / "logs" / "alphapanda.log").stat().st_mode & 0o077 == 0


def test_a_crash_in_any_thread_is_logged_and_told(log, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    told = []

    def tell(error):
        logging.getLogger("alphapanda").critical("not caught", exc_info=error)
        told.append(f"{type(error).__name__}: {error}")

    logs.catch_crashes(tell)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    try:
        raise KeyError("main")
    except KeyError:
        sys.excepthook(*sys.exc_info())
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert told == ["ZeroDivisionError: division by zero", "KeyError: 'main'"]
    assert "ZeroDivisionError" in log() and "KeyError: 'main'" in log()


@pytest.fixture
def only_long_stalls(monkeypatch):
    """No stall is noticed but those that last longer than other programs keep a thread from running."""
    monkeypatch.setattr(logs, "STALL_S", 0.5)


class Noticing(logs.Watchdog):
    """A watchdog that tells when it has looked, so that no time needs to be guessed."""

    def __init__(self):
        super().__init__()
        self.looks = 0

    def _look(self):
        stack = super()._look()
        self.looks += 1
        return stack


def hold_the_loop(watchdog):
    deadline, enough = time.monotonic() + 60, watchdog.looks + 3
    while watchdog.looks < enough and time.monotonic() < deadline:
        pass


def _until(condition, watchdog):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        watchdog.beat()
        time.sleep(0.001)
    assert condition()


@pytest.mark.usefixtures("only_long_stalls")
def test_the_watchdog_names_the_line_that_held_the_loop_once_with_a_count(log):
    watchdog = Noticing()
    watchdog.start()
    for count in (1, 2, 3):
        hold_the_loop(watchdog)
        _until(lambda count=count: sum(place.count for place in watchdog.places) == count, watchdog)
    watchdog.stop()
    (place,) = watchdog.places
    assert place.count == 3 and logs.STALL_S < place.worst_s <= place.total_s
    assert "hold_the_loop" in place.where and "test_logs.py:" in place.where
    assert log().count("the loop was held") == 1


def test_a_place_is_logged_again_at_each_tenfold_of_its_count(log):
    watchdog = logs.Watchdog()
    for _ in range(100):
        watchdog._note(0.06, "here", 0.05)
    lines = [line for line in log().splitlines() if "held" in line]
    assert ["for 60 ms (50 of work) at here" in lines[0], "10 times" in lines[1], "100 times" in lines[2]] == [True] * 3
    assert len(lines) == 3


@pytest.mark.usefixtures("only_long_stalls")
def test_a_real_stall_of_the_real_loop_is_named_with_its_callers(run, log):
    watchdog = Noticing()

    async def story():
        watchdog.start()
        try:
            await asyncio.sleep(0.005)
            watchdog.beat()
            asyncio.get_running_loop().call_soon(hold_the_loop, watchdog)
            await asyncio.sleep(0.01)
            while not watchdog.places:
                watchdog.beat()
                await asyncio.sleep(0.001)
        finally:
            watchdog.stop()

    run(story())
    where = watchdog.places[0].where
    assert "hold_the_loop" in where and "AppLoop" not in where


def test_of_many_lines_the_one_that_held_all_the_while_comes_first():
    seen = [["app.py:1 start", "shell.py:9 show", inner] for inner in ("a.py:1 f", "b.py:2 g", "b.py:2 g", "c.py:3 h")]
    assert logs.held_at(seen) == "shell.py:9 show < app.py:1 start, mostly in b.py:2 g"
    assert logs.held_at([seen[1], seen[2], ["app.py:2 later"]]) == "b.py:2 g < shell.py:9 show < app.py:1 start"
    assert logs.held_at([["app.py:1 start"]]) == "app.py:1 start"
    assert logs.held_at([["a.py:1 f"], ["b.py:2 g"], ["c.py:3 h"]]).startswith("one callback after another, mostly in ")


def test_places_are_bounded(log):
    watchdog = logs.Watchdog()
    for number in range(logs.MOST_PLACES + 50):
        watchdog._note(0.06, f"place {number}", 0.05)
    assert len(watchdog.places) == logs.MOST_PLACES + 1
    assert sum(place.count for place in watchdog.places) == logs.MOST_PLACES + 50


def test_a_thread_that_kept_the_interpreter_from_the_loop_is_named():
    gate, inside = threading.Event(), threading.Event()

    def busy():
        inside.set()
        while not gate.is_set():
            pass

    thread = threading.Thread(target=busy, name="imports")
    thread.start()
    inside.wait(60)
    try:
        stacks = Stacks()
        said = logs._others(stacks.look(), {threading.get_ident()})
        stacks.close()
    finally:
        gate.set()
        thread.join()
    assert said.startswith("thread 'imports' at ") and ".py:" in said
    assert logs._others({}, set()) == "Qt itself"


def test_a_full_log_makes_way_and_the_oldest_goes(log, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LOG_BYTES", 200)
    monkeypatch.setattr(logs, "LOGS_KEPT", 2)
    for number in range(20):
        logging.getLogger("anyone").warning("line %d %s", number, "x" * 60)
    files = sorted((tmp_path / "logs").glob("alphapanda.log*"))
    assert [file.name for file in files] == ["alphapanda.log", "alphapanda.log.1", "alphapanda.log.2"]
    numbers = [
        int(line.split("line ")[1].split()[0])
        for file in reversed(files)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert numbers == list(range(numbers[0], 20)) and numbers[0] > 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_breaks_off_nobody_who_logs_and_the_log_goes_on_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)  # what is printed about it is not looked at here
    handler = logs._Rotating("/dev/full", encoding="utf-8")
    handler.emit(logging.makeLogRecord({"msg": "first: its write fails"}))
    handler.emit(logging.makeLogRecord({"msg": "second: before it the first is written, and fails again"}))
    with (tmp_path / "freed.log").open("wb") as freed:
        os.dup2(freed.fileno(), handler.stream.fileno())
    handler.emit(logging.makeLogRecord({"msg": "third: there is room again"}))
    handler.close()
    assert "third: there is room again" in (tmp_path / "freed.log").read_text(encoding="utf-8")
