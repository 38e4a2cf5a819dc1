"""Errors that nobody expected, gathered by kind, and what a crash of the run before has left."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.logs import CRASHES, struck

MOST_FAULTS: Final = 50
"""Kinds that are kept; what comes after is counted as the last of them."""
MOST_TRACE: Final = 8_000
MOST_DUMP: Final = 20_000
SEEN: Final = "crash.seen"
"""Holds how much of the crash log a person has been told of."""
_HOME: Final = str(Path(__file__).parent)


@dataclass(slots=True)
class Fault:
    """One kind of unexpected error: in which work, what, where, how often; times aware UTC."""

    doing: str
    words: str
    where: str
    trace: str
    first_at: datetime
    last_at: datetime
    count: int = 1

    def told(self) -> str:
        """All of it, as it is copied."""
        first = f"{self.first_at.astimezone(IST):%X} IST"
        times = f"{self.count} times, first {first}" if self.count > 1 else first
        return f"{self.doing or 'the program'}: {self.words}\nat {self.where}, {times}\n\n{self.trace}"


class FaultBook:
    """Unexpected errors of this run, the newest kind last. Belongs to the loop's thread."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._faults: dict[tuple[str, str], Fault] = {}

    @property
    def faults(self) -> list[Fault]:
        return list(self._faults.values())

    def add(self, error: BaseException, doing: str = "") -> int:
        """Count this error; how often its kind has been by now."""
        at, where = self._now(), where_of(error)
        key = (type(error).__name__, where)
        if key not in self._faults and len(self._faults) >= MOST_FAULTS:
            key = next(reversed(self._faults))
        known = self._faults.get(key)
        if known is not None:
            known.count += 1
            known.last_at = at
            return known.count
        words = struck(f"{type(error).__name__}: {error}")
        trace = struck("".join(traceback.format_exception(error)).rstrip())[-MOST_TRACE:]
        self._faults[key] = Fault(doing, words, where, trace, at, at)
        return 1


def where_of(error: BaseException) -> str:
    """Our own innermost line that the error passed, or the library's where it passed none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_HOME)]
    frame = own[-1] if own else frames[-1] if frames else None
    if frame is None:
        return "no line of Python"
    return f"{frame.filename.removeprefix(_HOME).lstrip('/')}:{frame.lineno} {frame.name}"


@dataclass(frozen=True, slots=True)
class Crash:
    """A run that ended without closing: its dump, empty where it was killed, and when, where that is known."""

    words: str
    dump: str
    at: datetime | None = None


def crash_of_last_run(logs: Path, killed_pid: int = 0) -> Crash | None:
    """How the run before ended, if not by being closed; told once. `killed_pid` is what its lock had left."""
    dump, at = _new_dump(logs)
    if dump:
        return Crash(_cause(dump), dump, at)
    if killed_pid:
        return Crash(f"Process {killed_pid} was ended from outside, or the computer went off", "")
    return None


def _new_dump(logs: Path) -> tuple[str, datetime | None]:
    path, mark = logs / CRASHES, logs / SEEN
    try:
        size = path.stat().st_size
        seen = int(mark.read_text(encoding="ascii")) if mark.exists() else 0
        seen = seen if seen <= size else 0  # somebody cleared the file
        if size == seen:
            return "", None
        with path.open("rb") as file:
            file.seek(max(seen, size - MOST_DUMP))
            dump = file.read().decode("utf-8", "replace")
        mark.write_text(str(size), encoding="ascii")
        return struck(dump).strip(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError):
        return "", None  # no dump, or none that may be read: the log's folder is told of elsewhere


def _cause(dump: str) -> str:
    """The dump's own headline, and the innermost line of the thread that crashed."""
    lines = [line.strip() for line in dump.splitlines() if line.strip()]
    headline = next((line for line in reversed(lines) if line.startswith(("Fatal", "Windows fatal"))), "It crashed")
    behind = dump[dump.rfind(headline) :]
    place = behind.rfind("Current thread")
    behind = behind[place if place >= 0 else max(0, behind.rfind("Thread 0x")) :]  # else the main thread, told last
    inner = next((line.strip() for line in behind.splitlines() if line.strip().startswith('File "')), "")
    return f"{headline.removeprefix('Fatal Python error: ')}" + (f", in {_short(inner)}" if inner else "")


def _short(line: str) -> str:
    """File "/a/b/ui/shell.py", line 3 in show → b/ui/shell.py:3 show."""
    path, _, rest = line.removeprefix('File "').partition('", line ')
    number, _, name = rest.partition(" in ")
    return f"{'/'.join(Path(path).parts[-2:])}:{number} {name}".strip()
