"""The day's instrument master in one file per day, by columns: 150,000 rows are back in a fraction of a second.

A cache may be lost at any time: whatever is wrong with a file, the master is asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar, final

import numpy as np

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.masterchanges import Change, MasterChanges, master_changes
from alphapanda_desktop.domain.mastercolumns import from_columns, no_collection
from alphapanda_desktop.store.threads import in_daemon_thread

T = TypeVar("T")

log = logging.getLogger(__name__)

MAGIC: Final = b"AlphaPanda master 2\n"
"""First bytes of a file; another layout of what follows needs another number."""

CHANGES: Final = ".changes"
"""Beside a day's master: what was different from the one before, as JSON."""

_TOKENS: Final = ("instrument_token", "exchange_token")
_REPEATING: Final = (
    *("name", "last_price", "expiry", "strike", "tick_size", "lot_size"),
    *("instrument_type", "segment", "exchange"),
)
"""Columns in which few values stand many times: each is kept, and made, once in a block."""
_COLUMNS: Final = dict.fromkeys(_TOKENS, "<i8") | dict.fromkeys(_REPEATING, "<i4")
_LENGTHS: Final = struct.Struct("<II")
_STEP: Final = 5_000
"""Rows of a block: what is done to it in C at one go takes a millisecond, then the loop gets the interpreter."""


@final
class FileInstrumentCache:
    """domain.ports.InstrumentCache in a folder of its own; each venue needs its own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def load(self, day: str) -> list[Instrument] | None:
        """Master saved for that ISO date; None where there is none or its file is damaged."""
        path = self._path(day)
        return await _off_loop(lambda: _load(path))

    async def save(self, day: str, instruments: Sequence[Instrument]) -> None:
        """Keep the day's master and forget all other days', after noting and logging what is different from the last.

        A disk that does not take it is logged, not raised.
        """
        path = self._path(day)
        if instruments:  # an empty master would be believed for a whole day
            await _off_loop(lambda: _save(path, date.fromisoformat(day), instruments))

    async def changes(self, day: str) -> MasterChanges | None:
        """What was different that day from the master kept before it; None where that is not known."""
        path = self._path(day).with_suffix(CHANGES)
        return await _off_loop(lambda: _load_changes(path))

    def _path(self, day: str) -> Path:
        return self._folder / f"instruments-{date.fromisoformat(day)}.master"


async def _off_loop(work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread("instrument cache", work))


# --- writing ---------------------------------------------------------------------------------------------------------


def _save(path: Path, day: date, instruments: Sequence[Instrument]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        changes = _changes_since_last(path, day, instruments)
        _write(path, packed(instruments))
        kept = {path}
        if changes is not None:
            log.info("instrument master of %s: %s", day, changes.text())
            kept.add(path.with_suffix(CHANGES))
            _write(path.with_suffix(CHANGES), json.dumps(asdict(changes), default=date.isoformat).encode())
        elif path.with_suffix(CHANGES).exists():
            kept.add(path.with_suffix(CHANGES))
        for old in path.parent.glob("instruments-*"):
            if old not in kept:
                old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the instrument master is not kept for the next start: %s", error)


def _changes_since_last(path: Path, day: date, instruments: Sequence[Instrument]) -> MasterChanges | None:
    """Differences from the newest master of an earlier day; None where there is none."""
    earlier = [old for old in path.parent.glob("instruments-*.master") if old.name < path.name]
    before = _load(max(earlier)) if earlier else None
    return None if before is None else master_changes(before, instruments, day)


def _load_changes(path: Path) -> MasterChanges | None:
    try:
        said = json.loads(path.read_bytes())
        new, gone, expired = (tuple(map(str, said[part])) for part in ("new", "gone", "expired"))
        changed = (Change(c["key"], c["field"], _value(c, "before"), _value(c, "after")) for c in said["changed"])
        return MasterChanges(new, gone, expired, tuple(changed))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is of no use: %s", path.name, error)
        return None


def _value(change: dict[str, Any], when: str) -> Any:
    value = change[when]
    return date.fromisoformat(value) if isinstance(value, str) else value


def _write(path: Path, content: bytes) -> None:
    """All of the file or none of it, whatever happens meanwhile."""
    handle, half = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(half).replace(path)
    finally:
        Path(half).unlink(missing_ok=True)


def packed(instruments: Sequence[Instrument]) -> bytes:
    """A master as bytes: magic, SHA-256 of the rest, then blocks of rows, each after its length."""
    content = b"".join(_block(instruments[first : first + _STEP]) for first in range(0, len(instruments), _STEP))
    return MAGIC + hashlib.sha256(content).digest() + content


def _block(rows: Sequence[Instrument]) -> bytes:
    """The lengths of the block and of its words, the words as JSON, the columns of numbers."""
    words: dict[str, list[Any]] = {"tradingsymbol": [i.tradingsymbol for i in rows]}
    columns: dict[str, list[Any]] = {name: [getattr(i, name) for i in rows] for name in _TOKENS}
    for name in _REPEATING:
        columns[name], words[name] = _coded(getattr(i, name) for i in rows)
    text = json.dumps(words, default=date.isoformat).encode("ascii")
    numbers = b"".join(np.array(columns[name], kind).tobytes() for name, kind in _COLUMNS.items())
    return _LENGTHS.pack(len(text) + len(numbers), len(text)) + text + numbers


def _coded(values: Iterable[T]) -> tuple[list[int], list[T]]:
    """Values as numbers into a list that holds each once."""
    known: dict[T, int] = {}
    return [known.setdefault(value, len(known)) for value in values], list(known)


# --- reading ---------------------------------------------------------------------------------------------------------


def _load(path: Path) -> list[Instrument] | None:
    try:
        return unpacked(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, BadData) as error:
        log.warning("%s is of no use, the instrument master is asked for again: %s", path.name, error)
        return None


def unpacked(file: bytes) -> list[Instrument]:
    """The master that was packed. Raises BadData unless every byte is as it was written."""
    start = len(MAGIC) + 32
    digest, content = file[len(MAGIC) : start], memoryview(file)[start:]
    if not file.startswith(MAGIC) or hashlib.sha256(content).digest() != digest:
        raise BadData("it is damaged or of another version")
    made: list[Instrument] = []
    at = 0
    with no_collection():
        while at < len(content):
            size, text_size = _LENGTHS.unpack_from(content, at)
            at += _LENGTHS.size
            made += from_columns(_values_of(content[at : at + size], text_size))
            at += size
    return made


def _values_of(block: memoryview, at: int) -> dict[str, list[Any]]:
    """Columns of a block whose numbers begin at `at`."""
    words: dict[str, list[Any]] = json.loads(bytes(block[:at]))
    words["expiry"] = [date.fromisoformat(day) if day else None for day in words["expiry"]]
    values: dict[str, list[Any]] = {"tradingsymbol": words["tradingsymbol"]}
    for name, kind in _COLUMNS.items():
        column = np.frombuffer(block, kind, len(words["tradingsymbol"]), at)
        at += column.nbytes
        values[name] = (np.array(words[name], np.object_)[column] if name in _REPEATING else column).tolist()
    return values
