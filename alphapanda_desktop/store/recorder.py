"""The recorder: every frame of the feed into one file a day, a block a second, written off the loop.

What the loop does for a frame is to append it to a list. A full disk costs the block that did not fit, which is cut
off again and said; recording goes on as soon as there is room.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, final

from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import Frame, span_of
from alphapanda_desktop.store.dayfile import INDEX_SUFFIX, SUFFIX, DayFile, bytes_of, compressed, day_path, put_in_place

log = logging.getLogger(__name__)

BLOCK_S: Final = 1.0
"""How often what has gathered becomes a block on the disk: no more than this is lost with the process."""

TIDY_S: Final = 1800.0
"""How often the folder is looked at: finished days are compressed, the budget is kept."""

FINISHED_S: Final = 1800.0
"""A day to which nothing was added for so long is finished: the session is over, or the program was closed."""

LOOK_AFTER: Final = 1 / 64
"""Part of the budget that may be written between two looks at it."""

HEARTBEAT_SIZE: Final = 2
"""Frames of up to so many bytes hold no packet."""

MAX_WAITING: Final = 32 * 1024 * 1024
"""Bytes that may wait for a slow disk; what comes after is dropped, counted and said."""


@final
class Recorder:
    """Owner of the folder's recordings. `frame` on the loop, all else on one thread of its own.

    `name_of` tells what a token means today; `told` hears, on the loop, what a person should know.
    """

    def __init__(
        self, folder: Path, name_of: Callable[[int], str | None], budget: int, told: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._name_of = name_of
        self._budget = budget
        self._told = told
        self._gathered: list[Frame] = []
        self._due: deque[list[Frame]] = deque()
        """What has gathered until the thread takes it: a flush that is broken off in the queue leaves it here."""
        self._size = 0
        self._waiting = 0
        self._dropped = 0
        self._said = ""
        self._lost, self._why, self._trouble = 0, "", ""
        """Frames since the disk took the last, what keeps it from taking more, and the words for it."""
        self._file = DayFile(folder, name_of)
        self._grown = 0
        self._ending = threading.Event()
        self._turn = threading.Condition()
        self._packed: Path | None = None
        """The day that is being compressed."""
        self._wanted: Path | None = None
        """The day that is to be opened: the other thread lets go of it."""
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._tidier = ThreadPoolExecutor(1, "recordings kept tidy")
        self.written = 0
        """Bytes on the disk in this run."""

    @property
    def waiting(self) -> int:
        """Bytes that are not on the disk yet."""
        return self._size + self._waiting

    def frame(self, received_ns: int, frame: bytes) -> None:
        """Keep a frame as it came off the wire."""
        if len(frame) <= HEARTBEAT_SIZE:
            return
        if self.waiting > MAX_WAITING:
            self._dropped += 1
            return
        self._gathered.append((received_ns, frame))
        self._size += len(frame)

    async def run(self) -> None:
        """Write until cancelled; then what has gathered is written too."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_tidy())
                while True:
                    await asyncio.sleep(BLOCK_S)
                    await self.flush()
        finally:
            self._ending.set()
            self._hand_over()
            self._thread.submit(self._write_last)
            self._thread.submit(self._file.close)
            self._thread.shutdown(wait=False)
            self._tidier.shutdown(wait=False)

    async def _keep_tidy(self) -> None:
        """Compress what is finished and keep to the budget, now and again."""
        loop = asyncio.get_running_loop()
        while True:
            await self._on_thread(self._keep_to_budget)
            for path in await loop.run_in_executor(self._tidier, self._finished):
                made = await loop.run_in_executor(self._tidier, self._compressed, path)
                if made is not None:
                    await self._on_thread(self._swap, path, *made)
            await asyncio.sleep(TIDY_S)

    async def flush(self) -> None:
        """Put what has gathered on the disk; where that fails it is lost, and said."""
        self._hand_over()
        if self._due:
            await self._on_thread(self._write_due)
            self._waiting = 0

    def _hand_over(self) -> None:
        if self._gathered:
            self._due.append(self._gathered)
            self._gathered = []
            self._waiting, self._size = self._waiting + self._size, 0

    async def _on_thread(self, work: Callable[..., str], *args: object) -> None:
        words = await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        if self._dropped:
            words = words or f"The disk is too slow for the recording: {self._dropped} frames were left out."
            self._dropped = 0
        if words != self._said:  # once until it changes, not every second
            self._said = words
            if words:
                self._told(words)

    # --- on the thread ----------------------------------------------------------------------------------------------

    def _write_last(self) -> None:
        """Nobody waits for what this one says any more: the log has it."""
        words = self._write_due()
        if words:
            log.warning("%s", words)

    def _write_due(self) -> str:
        """What went wrong, in words; empty if nothing did."""
        said = ""
        while self._due:
            said = self._write(self._due.popleft()) or said
        return said

    def _write(self, frames: list[Frame]) -> str:
        lost = 0
        why = said = ""
        for day, part in _by_day(frames):
            try:
                said += self._ready_for(day)
                written = self._file.append(part)
                self.written += written
                self._grown += written
            except OSError as error:
                lost, why = lost + len(part), error.strerror or str(error)
        return self._told_of(lost, why) or said

    def _told_of(self, lost: int, why: str) -> str:
        """The same words as long as the same keeps it from writing; how much that was, once it writes again."""
        if lost:
            if why != self._why:
                self._why, self._trouble = why, f"Ticks are not recorded: {why}. {lost} frames were lost."
            self._lost += lost
            return self._trouble
        words = f"Ticks are recorded again; {self._lost} frames were lost." if self._lost else ""
        self._lost, self._why = 0, ""
        return words

    def _ready_for(self, day: date) -> str:
        """Have the day's file open and room in the budget; raises OSError where there is none."""
        said = ""
        before = self._file.day
        size = self._file.size_on(day) if before == day else self._open(day)
        if before != day:
            said = self._file.found_wrong
        if size > self._budget:
            raise OSError(f"today's recording has reached the budget of {self._budget / 1e9:g} GB")
        if self._grown > self._budget * LOOK_AFTER:
            said = self._keep_to_budget() or said
        return said

    def _open(self, day: date) -> int:
        """Open a day that nobody compresses meanwhile: what is cut off its end must not be in another's memory map."""
        path = day_path(self._folder, day)
        with self._turn:
            self._wanted = path
            self._turn.wait_for(lambda: self._packed != path)
        try:
            return self._file.size_on(day)
        finally:
            self._wanted = None

    def _keep_to_budget(self) -> str:
        """Drop the oldest days until the rest fits, but never the one that is written; what was dropped, in words."""
        self._grown = 0
        gone = []
        # A clock that was ahead once has left days of the future, which stand behind today's in order.
        kept = {day_path(self._folder, day) for day in (self._file.day, _day_at(time.time_ns())) if day is not None}
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            days = sorted(self._folder.glob(f"*{SUFFIX}"))
            total = sum(map(bytes_of, days))
            for path in days if self._file.day is not None else days[:-1]:
                if total <= self._budget:
                    break
                if path in kept:
                    continue
                total -= bytes_of(path)
                path.unlink()
                path.with_suffix(INDEX_SUFFIX).unlink(missing_ok=True)
                gone.append(path.stem)
        except OSError as error:
            return f"Recordings could not be tidied: {error.strerror or error}."
        if not gone:
            return ""
        return f"Recordings of {', '.join(gone)} were deleted to keep within {self._budget / 1e9:g} GB."

    def _swap(self, path: Path, half: Path, size: int) -> str:
        """Put the compressed copy in place of a day that was `size` bytes long, unless it has gone on since."""
        try:
            if not path.exists() or path.stat().st_size != size:
                half.unlink()
                return ""
            if self._file.day is not None and path == day_path(self._folder, self._file.day):
                self._file.close()
            put_in_place(half, path)
        except OSError as error:
            return f"The recording of {path.stem} could not be compressed: {error.strerror or error}."
        return ""

    # --- on the other thread: compressing a day takes a minute, and today's blocks cannot wait for it ---------------

    def _finished(self) -> list[Path]:
        """Days that nothing was written to for a while."""
        before = time.time() - FINISHED_S
        return [path for path in sorted(self._folder.glob(f"*{SUFFIX}")) if _written_at(path) < before]

    def _compressed(self, path: Path) -> tuple[Path, int] | None:
        if sys.platform == "linux":  # where the priority is the thread's own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        with self._turn:
            if self._wanted == path:
                return None
            self._packed = path
        try:
            return compressed(path, lambda: self._ending.is_set() or self._wanted == path)
        except OSError as error:
            log.warning("%s could not be compressed: %s", path.name, error)
            return None
        finally:
            with self._turn:
                self._packed = None
                self._turn.notify_all()


def _written_at(path: Path) -> float:
    """When a day was last written, in epoch seconds; never finished is one that the budget has just taken away."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _by_day(frames: list[Frame]) -> list[tuple[date, list[Frame]]]:
    """Frames by Indian day; a batch that crosses midnight goes into two files."""
    parts: dict[date, list[Frame]] = {}
    first, last = (_day_at(at_ns) for at_ns in span_of(frames))
    if first == last:
        return [(first, frames)]
    for frame in frames:
        parts.setdefault(_day_at(frame[0]), []).append(frame)
    return sorted(parts.items())


def _day_at(at_ns: int) -> date:
    """The day in India."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(IST).date()
