"""Log set-up with secrets struck out, the crash handler, and the watchdog that names what held the loop."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import quote

STALL_S: Final = 0.05
"""Longer than this without a beat, and the loop was held."""

_secrets: set[str] = set()
log = logging.getLogger("alphapanda")


def strike_out(secret: str) -> None:
    """Never let this text reach a log from now on."""
    if len(secret) >= 6:
        _secrets.update((secret, quote(secret, safe="")))


class _Redact(logging.Filter):
    """Replaces known secrets in messages and tracebacks by dots."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = _text_of(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.msg, record.args = _struck(text), ()
        record.exc_text = record.exc_text and _struck(record.exc_text)
        record.stack_info = record.stack_info and _struck(record.stack_info)
        return True


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a wrong format must not break off the caller
        return f"{record.msg!r} with {record.args!r}"


def _struck(text: str) -> str:
    # In the order of their length: one secret may hold another.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def set_up(folder: Path, *, verbose: bool = False) -> Path:
    """Log to a rotating file in `folder`, and dump stacks there on a crash. The file's path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "alphapanda.log"
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=5, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_Redact())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    if verbose:
        console = logging.StreamHandler(sys.stderr)
        console.addFilter(_Redact())
        root.addHandler(console)
    path.chmod(0o600)
    faulthandler.enable((folder / "crash.log").open("a", encoding="utf-8"))
    return path


def catch_crashes(tell: Callable[[str], None]) -> None:
    """Log what nobody caught, in any thread, and tell the person in words."""

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("not caught", exc_info=(kind, error, trace))
        tell(f"{kind.__name__}: {error}")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            caught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = caught
    threading.excepthook = in_thread


class Watchdog:
    """Names the line that held the loop longer than `STALL_S`. `beat` is called by the loop all the time."""

    def __init__(self) -> None:
        self._beat = time.perf_counter()
        self._main = threading.get_ident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.stalls: list[tuple[float, str]] = []
        """Length in seconds and where, newest last; at most 200."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)

    def beat(self) -> None:
        """The loop is alive."""
        self._beat = time.perf_counter()

    def _watch(self) -> None:
        while not self._stop.wait(STALL_S / 2):
            began = self._beat
            if time.perf_counter() - began > STALL_S:
                where = self._where()
                while self._beat == began and not self._stop.wait(STALL_S / 5):
                    pass
                self._note(time.perf_counter() - began, where)

    def _where(self) -> str:
        frame = sys._current_frames().get(self._main)
        if frame is None:
            return "unknown"
        rows = traceback.extract_stack(frame)
        ours = [row for row in rows if "alphapanda_desktop" in row.filename] or rows
        return " < ".join(f"{Path(row.filename).name}:{row.lineno} {row.name}" for row in reversed(ours[-4:]))

    def _note(self, length_s: float, where: str) -> None:
        self.stalls.append((length_s, where))
        del self.stalls[:-200]
        log.warning("the loop was held for %.0f ms at %s", length_s * 1000, where)
