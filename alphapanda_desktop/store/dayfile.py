"""A recorded day on the disk: written block by block with an index beside it, read from any time on, compressed later.

The index only says where blocks lie. Whatever is wrong with it, the day is walked instead and the index made anew.
"""

from __future__ import annotations

import logging
import mmap
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final, Self, final

from alphapanda_desktop.domain.ticklog import (
    INDEX_MAGIC,
    MAGIC,
    Block,
    Damage,
    Frame,
    KnownTokens,
    block_at,
    blocks,
    frames_of,
    frames_parts,
    index_entry,
    names_block,
    names_of,
    read_index,
    repacked,
    span_of,
)

log = logging.getLogger(__name__)

SUFFIX: Final = ".ticks"
INDEX_SUFFIX: Final = ".index"

AT_ONCE: Final = 1_000
"""Pieces of one write; POSIX lets a system take no more than 1,024."""


# --- writing ---------------------------------------------------------------------------------------------------------


@final
class DayFile:
    """The file of one day, open at its end. For one thread."""

    def __init__(self, folder: Path, name_of: Callable[[int], str | None]) -> None:
        self._folder = folder
        self._name_of = name_of
        self._day: date | None = None
        self._handle = -1
        self._index = -1
        self._end = 0
        self._named = KnownTokens()
        self.found_wrong = ""
        """What opening the file had to put right, in words."""

    @property
    def day(self) -> date | None:
        """The day whose file is open."""
        return self._day

    def size_on(self, day: date) -> int:
        """Bytes in the file of that day, which is open afterwards."""
        if day != self._day:
            self._open(day)
        return self._end

    def append(self, frames: list[Frame]) -> int:
        """Add a block, and before it the names of tokens that are new to the file; the bytes written.

        Raises OSError where the disk takes it not; the file then ends where it ended before.
        """
        parts, fresh = frames_parts(frames, self._named)
        names = {token: name for token in fresh if (name := self._name_of(token))}
        first_ns, last_ns = span_of(frames)
        said = names_block(names, first_ns) if names else b""
        size = sum(map(len, parts))
        self._put([said, *parts] if said else parts)
        made = [Block(self._end, len(said), 2, False, 0, first_ns, first_ns)] if said else []
        made.append(Block(self._end + len(said), size, 1, False, len(frames), first_ns, last_ns))
        self._end += len(said) + size
        if fresh:
            self._named.add(fresh)
        self._note(made)
        return len(said) + size

    def _put(self, parts: list[bytes]) -> None:
        """All of it on the disk, or nothing."""
        done = False
        try:
            for first in range(0, len(parts), AT_ONCE):
                _write_parts(self._handle, parts[first : first + AT_ONCE])
            _sync(self._handle)
            done = True
        finally:
            if not done:
                os.ftruncate(self._handle, self._end)
                os.lseek(self._handle, self._end, os.SEEK_SET)

    def _note(self, made: list[Block]) -> None:
        """Tell the index, which is not worth a loss: where it cannot be written there is none until the next start."""
        if self._index < 0:
            return
        try:
            _write_all(self._index, b"".join(map(index_entry, made)))
        except OSError as error:
            log.warning("no more index beside today's recording: %s", error.strerror)
            os.close(self._index)
            self._index = -1

    def _open(self, day: date) -> None:
        self.close()
        path = day_path(self._folder, day)
        self.found_wrong = _heal_head(path)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        self._handle = handle
        found = _whole_blocks(path)
        self._named = _named_in(path, found)
        size = os.fstat(handle).st_size
        self._end = found[-1].at + found[-1].size if found else _head_end(path)
        if size > self._end:
            cut = f"The recording of {day} ended within a block: {size - self._end:,} bytes were cut off."
            self.found_wrong = f"{self.found_wrong} {cut}".lstrip()
        os.ftruncate(handle, self._end)  # the tail that a crash left half written
        os.lseek(handle, self._end, os.SEEK_SET)
        if not self._end:
            _write_all(handle, MAGIC)
            self._end = len(MAGIC)
        self._index = _reopened_index(path, found)
        self._day = day

    def close(self) -> None:
        """Nothing is open afterwards."""
        for handle in (self._handle, self._index):
            if handle >= 0:
                os.close(handle)
        self._handle, self._index, self._day = -1, -1, None


def day_path(folder: Path, day: date) -> Path:
    """Where that day's recording lies."""
    return folder / f"{day.isoformat()}{SUFFIX}"


def _whole_blocks(path: Path) -> list[Block]:
    """Blocks to go on after: the index is believed but for its last entry, the rest of the file is walked."""
    size = path.stat().st_size
    if not _head_end(path) or size == len(MAGIC):
        return []
    known = _indexed(path, size)[:-1]
    start = known[-1].at + known[-1].size if known else len(MAGIC)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return known + list(blocks(data, start=start))


def _named_in(path: Path, found: list[Block]) -> KnownTokens:
    """Tokens whose names the file has already."""
    tokens: set[int] = set()
    with path.open("rb") as file:
        for block in found:
            if not block.holds_frames:
                file.seek(block.at)
                data = file.read(block.size)
                here = block_at(data, 0)
                tokens.update(names_of(data, here) if here else ())
    return KnownTokens(tokens)


def _heal_head(path: Path) -> str:
    """See that a file which holds something begins as it should, or is out of the way; what was done, in words.

    What is only the beginning of a head is what a crash left of a file without blocks: it may be written over.
    """
    if not path.exists() or MAGIC.startswith(_head_of(path)):
        return ""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if block_at(data, len(MAGIC)) is not None:
            file.write(MAGIC)
            return f"The beginning of the recording of {path.stem} was damaged, and is put right."
    aside = path.with_suffix(".unreadable")
    path.replace(aside)
    return f"The recording of {path.stem} could not be read: it lies in {aside.name}, and another is begun."


def _head_end(path: Path) -> int:
    return len(MAGIC) if _head_of(path) == MAGIC else 0


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(MAGIC))


def _indexed(path: Path, size: int) -> list[Block]:
    try:
        return read_index(path.with_suffix(INDEX_SUFFIX).read_bytes(), size)
    except OSError:
        return []  # none there, or none to be read: the day is walked


def _reopened_index(path: Path, found: list[Block]) -> int:
    """Handle of the index, which now holds just these blocks; -1 where it cannot be written."""
    handle = -1
    try:
        handle = os.open(path.with_suffix(INDEX_SUFFIX), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        os.ftruncate(handle, 0)  # first: entries of a former state must not stand behind those that still fit
        _write_all(handle, INDEX_MAGIC + b"".join(map(index_entry, found)))
    except OSError as error:
        log.warning("no index beside %s: %s", path.name, error.strerror)
        if handle >= 0:
            os.close(handle)
        return -1
    return handle


def _sync(handle: int) -> None:
    os.fdatasync(handle) if hasattr(os, "fdatasync") else os.fsync(handle)


def _write_parts(handle: int, parts: list[bytes]) -> None:
    """One after another, at one go where the system can."""
    written = os.writev(handle, parts) if hasattr(os, "writev") else 0
    if written < sum(map(len, parts)):
        _write_all(handle, b"".join(parts)[written:])  # what is refused says why


def _write_all(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


# --- reading ---------------------------------------------------------------------------------------------------------


@final
class Recording:
    """A day to read from any time on. Only blocks that hold something of it are read, and checked as they are.

    `damage` grows with what is met; `touched` counts the bytes read. Raises OSError where there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.damage = Damage()
        self.touched = 0
        self.names: dict[int, str] = {}
        """What tokens met so far meant on that day."""
        self._file = path.open("rb", buffering=0)
        size = path.stat().st_size
        self.sound = self._read(0, len(MAGIC)) == MAGIC
        """Whether it is a recording of this program at all."""
        self.blocks = _indexed(path, size) if self.sound else []
        end = self.blocks[-1].at + self.blocks[-1].size if self.blocks else len(MAGIC)
        if self.sound and end < size:
            with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                self.blocks += blocks(data, self.damage, end)
            self.touched += size - end

    def between(self, first_ns: int = 0, last_ns: int = 2**63) -> Iterator[Frame]:
        """Frames read from `first_ns` to `last_ns`, both included, in the order in which they came."""
        for block in self.blocks:
            if block.first_ns > last_ns or (block.holds_frames and block.last_ns < first_ns):
                continue
            data = self._read(block.at, block.size)
            here = block_at(data, 0)
            if here is None:
                self.damage.lost.append((block.at, block.size))
                continue
            self.names |= names_of(data, here)
            yield from (frame for frame in frames_of(data, here) if first_ns <= frame[0] <= last_ns)

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        data = self._file.read(size) or b""
        self.touched += len(data)
        return data

    def close(self) -> None:
        """Nothing is open afterwards."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- afterwards ------------------------------------------------------------------------------------------------------


def compressed(path: Path, stop: Callable[[], bool] = lambda: False) -> tuple[Path, int] | None:
    """A compressed copy of a day beside it, and how long the day was; None where there is nothing to put in its place.

    That is where it is compressed already, or where `stop` said so.
    """
    size = path.stat().st_size
    if size <= len(MAGIC):
        return None
    half = path.with_suffix(".part")
    with path.open("rb") as whole, mmap.mmap(whole.fileno(), 0, access=mmap.ACCESS_READ) as data:
        damage = Damage()
        found = list(blocks(data, damage))
        if all(block.packed for block in found):
            return None
        # What is damaged stays as it is: readers must go on saying so.
        parts = sorted([(block.at, block.size, block) for block in found] + [(*lost, None) for lost in damage.lost])
        with half.open("wb") as file:
            half.chmod(0o600)
            file.write(MAGIC)
            for at, size_, block in parts:
                if stop():
                    break
                file.write(data[at : at + size_] if block is None or block.packed else repacked(data, block))
            else:
                file.flush()
                os.fsync(file.fileno())
                return half, size
    half.unlink()
    return None


def put_in_place(half: Path, path: Path) -> None:
    """Replace a day by its compressed copy, with an index of its own."""
    index = path.with_suffix(INDEX_SUFFIX)
    index.unlink(missing_ok=True)  # first: an index of the other file would send readers into the middle of blocks
    half.replace(path)
    handle = _reopened_index(path, _whole_blocks(path))
    if handle >= 0:
        os.close(handle)


def compress(path: Path) -> None:
    """Compress a finished day that nobody writes; one that is compressed already stays as it is."""
    made = compressed(path)
    if made is not None:
        put_in_place(made[0], path)


def bytes_of(path: Path) -> int:
    """Bytes of a day on the disk, its index included."""
    index = path.with_suffix(INDEX_SUFFIX)
    return path.stat().st_size + (index.stat().st_size if index.exists() else 0)
