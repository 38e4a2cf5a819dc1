"""Log set-up with secrets struck out, the crash handler, and the watchdog that names what held the loop."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from alphapanda_desktop.stacks import Frame, Stacks, plain

STALL_S: Final = 0.05
"""Longer than this without a beat, and the loop was held."""

LOOK_S: Final = 0.01
"""How often the stack is looked at while the loop is held."""
CHAIN: Final = 3
MOST_PLACES: Final = 200
THE_LOOP: Final = ("loop.py:", "qasync/")
"""Lines of the loop itself, and those outside it, which say nothing of what held it."""
IDLE_IN: Final = frozenset(
    {"threading.py wait", "queue.py get", "selectors.py select", "thread.py _worker", "lane.py _work",
     "unix_events.py _do_waitpid"}
)  # fmt: skip
"""A thread whose innermost frame is one of these waits."""

CRASHES: Final = "crash.log"
"""Where the interpreter writes its stacks as it dies."""
RECENT_LINES: Final = 2_000
LOG_BYTES: Final = 2_000_000
LOGS_KEPT: Final = 5
_HOME: Final = plain(f"{Path(__file__).parent}{os.sep}")
_secrets: set[str] = set()
log = logging.getLogger("alphapanda")


def strike_out(secret: str) -> None:
    """Never let this text reach a log from now on."""
    from urllib.parse import quote

    if len(secret) >= 6:
        _secrets.update((secret, quote(secret, safe="")))


class _Rotating(logging.FileHandler):
    """A file that makes way for a new one at `LOG_BYTES`, with `LOGS_KEPT` older ones beside it.

    logging.handlers has the same, behind sockets and pickles that the first paint would wait for.
    """

    def emit(self, record: logging.LogRecord) -> None:
        # tell() first writes what waits, and the next file may not open: a full disk must not break off whoever logs.
        try:
            if self.stream is not None and self.stream.tell() >= LOG_BYTES:
                self._turn()
            super().emit(record)
        except OSError:
            self.handleError(record)

    def _turn(self) -> None:
        """Move each file one place back; where the system refuses, the old one goes on."""
        self.close()
        names = [Path(self.baseFilename), *(Path(f"{self.baseFilename}.{number + 1}") for number in range(LOGS_KEPT))]
        try:
            for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
                if newer.exists():
                    newer.replace(older)
        except OSError:
            self.handleError(logging.makeLogRecord({"msg": "the log could not be turned over"}))
        self.stream = self._open()
        Path(self.baseFilename).chmod(0o600)


class _Redact(logging.Filter):
    """Replaces known secrets in messages and tracebacks by dots."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = _text_of(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.msg, record.args = struck(text), ()
        record.exc_text = record.exc_text and struck(record.exc_text)
        record.stack_info = record.stack_info and struck(record.stack_info)
        return True


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a wrong format must not break off the caller
        return f"{record.msg!r} with {record.args!r}"


def struck(text: str) -> str:
    """The text without any secret that is known."""
    # In the order of their length: one secret may hold another.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


class Line(NamedTuple):
    """One line of the program's log; `at` in epoch seconds, `level` as logging numbers it."""

    at: float
    level: int
    source: str
    text: str


class Recent(logging.Handler):
    """The last lines of the log, for the screen. Lines are added in any thread; `count` grows with each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[Line] = deque(maxlen=RECENT_LINES)
        self.count = 0
        self.addFilter(_Redact())

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.getMessage()}\n{record.exc_text}" if record.exc_text else record.getMessage()
        self.lines.append(Line(record.created, record.levelno, record.name, text))
        self.count += 1


RECENT: Final = Recent()


def set_up(folder: Path, *, verbose: bool = False) -> Path:
    """Log to a rotating file in `folder`, and dump stacks there on a crash. The file's path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "alphapanda.log"
    handler = _Rotating(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_Redact())
    root = logging.getLogger()
    root.addHandler(handler)
    root.addHandler(RECENT)
    root.setLevel(logging.INFO)
    if verbose:
        console = logging.StreamHandler(sys.stderr)
        console.addFilter(_Redact())
        root.addHandler(console)
    path.chmod(0o600)
    crashes = (folder / CRASHES).open("a", encoding="utf-8")
    (folder / CRASHES).chmod(0o600)
    faulthandler.enable(crashes)
    return path


def catch_crashes(tell: Callable[[BaseException], None]) -> None:
    """Tell of what nobody caught, in whatever thread it came up; `tell` logs it, where there is somebody to."""

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            tell(error if error.__traceback__ is trace else error.with_traceback(trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            caught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = caught
    threading.excepthook = in_thread


@dataclass(slots=True)
class Place:
    """Where the loop was held, how often, and for how long at most and together."""

    where: str
    count: int = 0
    worst_s: float = 0.0
    total_s: float = 0.0


class Watchdog:
    """Names the line that held the loop longer than `STALL_S`. `beat` is called by the loop all the time.

    A place is logged when it first holds the loop, then at each tenfold of its count.
    """

    def __init__(self) -> None:
        self._beat = time.perf_counter()
        self._next_s = 0.0
        self._main = threading.get_ident()
        self._cpu_clock = time.pthread_getcpuclockid(self._main) if hasattr(time, "pthread_getcpuclockid") else None
        self._cpu_s = time.thread_time()
        self._worked_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._places: dict[str, Place] = {}
        self._stacks = Stacks()

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)
        if not self._thread.is_alive():
            self._stacks.close()

    def beat(self, next_s: float = 0.0) -> None:
        """The loop is alive, and will be heard of again in `next_s`; only its own thread may say so."""
        now, cpu_s = time.perf_counter(), time.thread_time()
        if now - self._beat > self._next_s + STALL_S:
            self._worked_s = cpu_s - self._cpu_s
        self._beat, self._next_s, self._cpu_s = now, next_s, cpu_s

    @property
    def places(self) -> list[Place]:
        """Where the loop was held so far, the costliest first."""
        return sorted(self._places.copy().values(), key=lambda place: -place.total_s)

    def _watch(self) -> None:
        while not self._stop.wait(max(0.001, self._beat + self._next_s + STALL_S - time.perf_counter())):
            began, due_s = self._beat, self._next_s
            if time.perf_counter() - began > due_s + STALL_S:
                seen = [self._look()]
                while self._beat == began and not self._stop.wait(LOOK_S):
                    seen.append(self._look())
                self._note(time.perf_counter() - began - due_s, held_at(seen), self._worked_s)

    def _look(self) -> list[str]:
        """The main thread's stack, outermost first, in words."""
        stacks = self._stacks.look()
        stack = _stack_of(stacks.get(self._main, ()))
        inside = max((place for place, line in enumerate(stack) if line.startswith(THE_LOOP)), default=-1) + 1
        return stack[inside:] or [_others(stacks, {self._main, threading.get_ident()})]

    def _note(self, length_s: float, where: str, worked_s: float) -> None:
        if len(self._places) >= MOST_PLACES and where not in self._places:
            where = "elsewhere"
        place = self._places.setdefault(where, Place(where))
        place.count += 1
        place.worst_s = max(place.worst_s, length_s)
        place.total_s += length_s
        if place.count == 1:
            # What it did not work it waited: for the disk, another thread, or another program of this machine.
            log.warning("the loop was held for %.0f ms (%.0f of work) at %s", length_s * 1e3, worked_s * 1e3, where)
        elif str(place.count).strip("0") == "1":
            worst_ms = place.worst_s * 1000
            log.warning("the loop was held %d times, up to %.0f ms, at %s", place.count, worst_ms, where)


def held_at(seen: list[list[str]]) -> str:
    """The innermost line that more than half of the looks agree on, its callers, and where most were inside it."""
    common: list[str] = []
    agreeing = [look for look in seen if look]
    while agreeing:
        line, times = Counter(look[len(common)] for look in agreeing).most_common(1)[0]
        if 2 * times <= len(seen):
            break
        common.append(line)
        agreeing = [look for look in agreeing if look[len(common) - 1] == line and len(look) > len(common)]
    held = " < ".join(reversed(common[-CHAIN:])) or "one callback after another"
    inside = Counter(look[-1] for look in seen if look[: len(common)] == common and len(look) > len(common))
    return f"{held}, mostly in {inside.most_common(1)[0][0]}" if inside else held


def _stack_of(frames: Sequence[Frame]) -> list[str]:
    """Our own lines of a stack, outermost first, then the library's line that they are in, if they are in one."""
    lines = [_words(frame) for frame in reversed(frames) if frame.path.startswith(_HOME)]
    if frames and (not lines or lines[-1] != _words(frames[0])):
        lines.append(_words(frames[0]))
    return lines


def _words(frame: Frame) -> str:
    path = frame.path
    short = path.removeprefix(_HOME) if path.startswith(_HOME) else "/".join(Path(path).parts[-2:])
    return f"{short}:{frame.line} {frame.function}"


def _others(stacks: dict[int, list[Frame]], but: set[int]) -> str:
    """Who may have had the interpreter while the loop was in Qt's hands."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    at_work = [
        f"thread {names.get(number, number)!r} at {_stack_of(frames)[-1]}"
        for number, frames in stacks.items()
        if number not in but and frames and f"{Path(frames[0].path).name} {frames[0].function}" not in IDLE_IN
    ]
    return "; ".join(at_work) or "Qt itself"
