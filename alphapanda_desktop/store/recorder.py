"""The recorder: every frame of the feed into one file a day, a block a second, written off the loop.

What the loop does for a frame is to append it to a list. A full disk costs the block that did not fit, which is cut
off again and said; recording goes on as soon as there is room.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import mmap
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, final

from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import MAGIC, Frame, blocks, frames_block, names_block, repacked, tokens_in

log = logging.getLogger(__name__)

SUFFIX: Final = ".ticks"
BLOCK_S: Final = 1.0
"""How often what has gathered becomes a block on the disk: no more than this is lost with the process."""

TIDY_EVERY: Final = 1800
"""Blocks between two looks at the folder: finished days are compressed, the budget is kept."""

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
        self._size = 0
        self._waiting = 0
        self._dropped = 0
        self._said = ""
        self._file = _DayFile(folder, name_of)
        self._thread = ThreadPoolExecutor(1, "recorder")
        self.written = 0
        """Bytes on the disk in this run."""

    def frame(self, received_ns: int, frame: bytes) -> None:
        """Keep a frame as it came off the wire."""
        if len(frame) <= HEARTBEAT_SIZE:
            return
        if self._size + self._waiting > MAX_WAITING:
            self._dropped += 1
            return
        self._gathered.append((received_ns, frame))
        self._size += len(frame)

    async def run(self) -> None:
        """Write until cancelled; then what has gathered is written too."""
        try:
            for second in itertools.count():
                if second % TIDY_EVERY == 0:
                    await self._on_thread(self._tidy)
                await asyncio.sleep(BLOCK_S)
                await self.flush()
        finally:
            self._thread.submit(self._write, self._take())
            self._thread.submit(self._file.close)
            self._thread.shutdown(wait=False)

    async def flush(self) -> None:
        """Put what has gathered on the disk; where that fails it is lost, and said."""
        frames = self._take()
        if frames:
            await self._on_thread(self._write, frames)

    def _take(self) -> list[Frame]:
        frames, self._gathered = self._gathered, []
        self._waiting, self._size = self._size, 0
        return frames

    async def _on_thread(self, work: Callable[..., str], *args: object) -> None:
        words = await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        self._waiting = 0
        if self._dropped:
            words = words or f"The disk is too slow for the recording: {self._dropped} frames were left out."
            self._dropped = 0
        if words != self._said:  # once until it changes, not every second
            self._said = words
            if words:
                self._told(words)

    # --- on the thread ----------------------------------------------------------------------------------------------

    def _write(self, frames: list[Frame]) -> str:
        """What went wrong, in words; empty if nothing did."""
        lost = 0
        why = ""
        for day, part in _by_day(frames):
            try:
                if self._file.size_on(day) > self._budget:
                    raise OSError(f"today's recording has reached the budget of {self._budget / 1e9:g} GB")
                self.written += self._file.append(part)
            except OSError as error:
                lost, why = lost + len(part), error.strerror or str(error)
        return f"Ticks are not recorded: {why}. {lost} frames were lost." if lost else ""

    def _tidy(self) -> str:
        """Compress finished days, then keep to the budget by dropping the oldest."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            days = sorted(self._folder.glob(f"*{SUFFIX}"))
            for path in days[:-1]:
                compress(path)
            return self._keep_to_budget(days)
        except OSError as error:
            return f"Recordings could not be tidied: {error.strerror or error}."

    def _keep_to_budget(self, days: list[Path]) -> str:
        total = sum(path.stat().st_size for path in days)
        gone = []
        for path in days[:-1]:
            if total <= self._budget:
                break
            total -= path.stat().st_size
            path.unlink()
            gone.append(path.stem)
        if not gone:
            return ""
        return f"Recordings of {', '.join(gone)} were deleted to keep within {self._budget / 1e9:g} GB."


def _by_day(frames: list[Frame]) -> list[tuple[date, list[Frame]]]:
    """Frames by Indian day; a batch that crosses midnight goes into two files."""
    parts: dict[date, list[Frame]] = {}
    first, last = (datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(IST).date() for at_ns in _ends(frames))
    if first == last:
        return [(first, frames)] if frames else []
    for frame in frames:
        parts.setdefault(datetime.fromtimestamp(frame[0] / 1e9, UTC).astimezone(IST).date(), []).append(frame)
    return sorted(parts.items())


def _ends(frames: list[Frame]) -> tuple[int, int]:
    return (frames[0][0], frames[-1][0]) if frames else (0, 0)


class _DayFile:
    """The file of one day, open at its end."""

    def __init__(self, folder: Path, name_of: Callable[[int], str | None]) -> None:
        self._folder = folder
        self._name_of = name_of
        self._day: date | None = None
        self._handle = -1
        self._end = 0
        self._named: set[int] = set()

    def size_on(self, day: date) -> int:
        """Bytes in the file of that day, which is open afterwards."""
        if day != self._day:
            self._open(day)
        return self._end

    def append(self, frames: list[Frame]) -> int:
        """Add a block, and before it the names of tokens that are new to the file; the bytes written.

        Raises OSError where the disk takes it not; the file then ends where it ended before.
        """
        tokens = {token for _, frame in frames for token in tokens_in(frame)} - self._named
        names = {token: name for token in tokens if (name := self._name_of(token))}
        content = (names_block(names, frames[0][0]) if names else b"") + frames_block(frames)
        done = False
        try:
            _write_all(self._handle, content)
            os.fdatasync(self._handle) if hasattr(os, "fdatasync") else os.fsync(self._handle)
            done = True
        finally:
            if not done:
                os.ftruncate(self._handle, self._end)
                os.lseek(self._handle, self._end, os.SEEK_SET)
        self._end += len(content)
        self._named |= tokens
        return len(content)

    def _open(self, day: date) -> None:
        self.close()
        path = self._folder / f"{day.isoformat()}{SUFFIX}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        self._handle, self._named = handle, set()
        self._end = _sound_end(handle)
        os.ftruncate(handle, self._end)  # the tail that a crash left half written
        os.lseek(handle, self._end, os.SEEK_SET)
        if not self._end:
            _write_all(handle, MAGIC)
            self._end = len(MAGIC)
        self._day = day

    def close(self) -> None:
        """Nothing is open afterwards."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._day = -1, None


def _sound_end(handle: int) -> int:
    """Where the last whole block ends; 0 for a file without a head."""
    if os.fstat(handle).st_size < len(MAGIC):
        return 0
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as data:
        if data[: len(MAGIC)] != MAGIC:
            return 0
        return max((block.at + block.size for block in blocks(data)), default=len(MAGIC))


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def compress(path: Path) -> None:
    """Compress a finished day in place, block by block; a file that is compressed already stays as it is."""
    if path.stat().st_size <= len(MAGIC):
        return
    with path.open("rb") as whole, mmap.mmap(whole.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = list(blocks(data))
        if all(block.packed for block in found):
            return
        half = path.with_suffix(".part")
        with half.open("wb") as file:
            file.write(MAGIC)
            file.writelines(repacked(data, block) for block in found)
            file.flush()
            os.fsync(file.fileno())
    half.chmod(0o600)
    half.replace(path)
