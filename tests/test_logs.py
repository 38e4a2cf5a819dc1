"""No secret reaches a log, no log call breaks its caller, and the watchdog names the line."""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import time

import pytest

from alphapanda_desktop import logs


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
    logs.catch_crashes(told.append)
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


def hold_the_loop(watchdog):
    deadline = time.monotonic() + 10
    while not watchdog.seen.is_set() and time.monotonic() < deadline:
        pass


class Noticing(logs.Watchdog):
    """A watchdog that tells when it has looked, so that no time needs to be guessed."""

    def __init__(self):
        super().__init__()
        self.seen = threading.Event()

    def _where(self):
        where = super()._where()
        self.seen.set()
        return where


def test_the_watchdog_names_the_line_that_held_the_loop(log):
    watchdog = Noticing()
    watchdog.start()
    hold_the_loop(watchdog)
    watchdog.beat()
    deadline = time.monotonic() + 10
    while not watchdog.stalls and time.monotonic() < deadline:
        watchdog.beat()
    watchdog.stop()
    length_s, where = watchdog.stalls[0]
    assert length_s > logs.STALL_S and "hold_the_loop" in where and "test_logs.py:" in where
    assert "the loop was held for" in log()
