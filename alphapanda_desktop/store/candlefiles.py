"""Candles on the disk: a folder for each series, in it a file for each Indian year, each with a checksum.

A series is (exchange, tradingsymbol, expiry, interval): tokens of contracts are used again and name nothing for long.
A file tells, beside its candles, for which days they are complete; a day without candles is among them when the
exchange was asked and had none. Whatever is wrong with a file, it is told and its year is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple, Self, final
from urllib.parse import quote

import numpy as np

from alphapanda_desktop.domain.bars import Table
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval

log = logging.getLogger(__name__)

MAGIC: Final = b"AlphaPanda candles 1\n"
"""First bytes of a file; another layout of what follows needs another number."""

SUFFIX: Final = ".candles"
IST_S: Final = 19_800
DAY_S: Final = 86_400

_KINDS: Final = dict.fromkeys(("start_s", "volume", "oi"), "<i8") | dict.fromkeys(
    ("open", "high", "low", "close"), "<f8"
)
EMPTY: Final = Table._make(np.zeros(0, _KINDS[name]) for name in Table._fields)


class SeriesName(NamedTuple):
    """What candles are kept under; `continuous` is a future's series stitched over expiries."""

    exchange: str
    tradingsymbol: str
    expiry: date | None
    interval: Interval
    continuous: bool = False

    @classmethod
    def of(cls, instrument: Instrument, interval: Interval, *, continuous: bool = False) -> Self:
        return cls(instrument.exchange, instrument.tradingsymbol, instrument.expiry, interval, continuous)

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    def folder(self, root: Path) -> Path:
        """Where its files lie."""
        words = [self.tradingsymbol, str(self.expiry or ""), "continuous" if self.continuous else ""]
        name = quote(" ".join(word for word in words if word), safe=" &")
        return root / quote(self.exchange, safe="") / name / self.interval.value


class Days:
    """A set of days as stretches from one day to another, both included, that neither touch nor overlap."""

    def __init__(self, stretches: Iterable[tuple[date, date]] = ()) -> None:
        self._stretches: list[tuple[date, date]] = []
        for first, last in stretches:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[date, date]]:
        return iter(self._stretches)

    def __len__(self) -> int:
        return sum((last - first).days + 1 for first, last in self._stretches)

    def add(self, first: date, last: date) -> None:
        """Put a stretch in, as one with those that it touches."""
        if first > last:
            return
        day = timedelta(days=1)
        touched = [have for have in self._stretches if have[0] <= last + day and first <= have[1] + day]
        joined = min([first, *(have[0] for have in touched)]), max([last, *(have[1] for have in touched)])
        self._stretches = sorted([have for have in self._stretches if have not in touched] + [joined])

    def lacking(self, first: date, last: date) -> list[tuple[date, date]]:
        """What of this stretch is not in it, oldest first."""
        found, at, day = [], first, timedelta(days=1)
        for have_first, have_last in self._stretches:
            if have_last < at or have_first > last:
                continue
            if have_first > at:
                found.append((at, have_first - day))
            at = have_last + day
        return [*found, (at, last)] if at <= last else found

    def within(self, first: date, last: date) -> Self:
        """What lies in this stretch."""
        return type(self)(
            (max(have[0], first), min(have[1], last))
            for have in self._stretches
            if have[0] <= last and have[1] >= first
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """Candles of some days, and for which of these they are complete."""

    table: Table
    days: Days


@final
class CandleFiles:
    """Files under one folder, each venue its own. Calls block: for one thread at a time, on which `told` is called."""

    def __init__(self, root: Path, told: Callable[[str], None]) -> None:
        self._root = root
        self._told = told

    def load(self, name: SeriesName, first: date, last: date) -> Kept:
        """What is kept of these days."""
        tables, days = list[Table](), Days()
        for year in range(first.year, last.year + 1):
            kept = self._year(name, year)
            tables.append(part(kept.table, first, last))
            for stretch in kept.days.within(first, last):
                days.add(*stretch)
        return Kept(joined(tables), days)

    def save(self, name: SeriesName, table: Table, days: Days) -> None:
        """Put candles of complete days beside what is kept; of one start the new one counts.

        A disk that does not take it is logged and told, not raised: candles can be asked for again.
        """
        try:
            for year in _years(days):
                begins, ends = date(year, 1, 1), date(year, 12, 31)
                kept, new = self._year(name, year), days.within(begins, ends)
                for stretch in kept.days:
                    new.add(*stretch)
                rows = joined([kept.table, *(part(table, *stretch) for stretch in days.within(begins, ends))])
                _write(self._path(name, year), packed(name, rows, new))
        except OSError as error:
            log.warning("candles of %s are not kept: %s", name.key, error)
            self._told(f"Candles of {name.key} could not be kept for next time: {error.strerror or error}")

    def forget(self, name: SeriesName) -> None:
        """Keep nothing of a series any more."""
        shutil.rmtree(name.folder(self._root), ignore_errors=True)

    def _path(self, name: SeriesName, year: int) -> Path:
        return name.folder(self._root) / f"{year}{SUFFIX}"

    def _year(self, name: SeriesName, year: int) -> Kept:
        path = self._path(name, year)
        try:
            return unpacked(path.read_bytes(), name)
        except FileNotFoundError:
            return Kept(EMPTY, Days())
        except (OSError, BadData) as error:
            log.warning("%s is of no use: %s", path, error)
            self._told(
                f"Kept {name.interval.label} candles of {name.key}, {year}, are of no use and fetched anew: {error}"
            )
            path.unlink(missing_ok=True)
            return Kept(EMPTY, Days())


def packed(name: SeriesName, table: Table, days: Days) -> bytes:
    """A file: magic, SHA-256 of the rest, length of the head, the head as JSON, the columns."""
    stretches = [[str(first), str(last)] for first, last in days]
    said = {"series": [str(part) for part in name], "days": stretches, "rows": len(table.start_s)}
    head = json.dumps(said).encode()
    columns = b"".join(np.asarray(column, _KINDS[kind]).tobytes() for kind, column in table._asdict().items())
    content = len(head).to_bytes(4, "little") + head + columns
    return MAGIC + hashlib.sha256(content).digest() + content


def unpacked(file: bytes, name: SeriesName) -> Kept:
    """What was packed. Raises BadData unless every byte is as it was written, for this series."""
    start = len(MAGIC) + 32
    content = memoryview(file)[start:]
    if not file.startswith(MAGIC) or hashlib.sha256(content).digest() != file[len(MAGIC) : start]:
        raise BadData("damaged, or of another version")
    at = 4 + int.from_bytes(content[:4], "little")
    head = json.loads(bytes(content[4:at]))
    if head["series"] != [str(part) for part in name]:
        raise BadData(f"it holds {' '.join(head['series'])}")
    columns = []
    for kind in Table._fields:
        columns.append(np.frombuffer(content, _KINDS[kind], head["rows"], at))
        at += columns[-1].nbytes
    return Kept(Table._make(columns), Days((date.fromisoformat(a), date.fromisoformat(b)) for a, b in head["days"]))


def part(table: Table, first: date, last: date) -> Table:
    """The candles of these Indian days, both included."""
    low, high = np.searchsorted(table.start_s, (begins_s(first), begins_s(last) + DAY_S))
    return Table._make(column[low:high] for column in table)


def joined(tables: Iterable[Table]) -> Table:
    """Candles of several tables, oldest first; of one start the last counts."""
    columns = Table._make(np.concatenate(parts) for parts in zip(EMPTY, *tables, strict=True))
    order = np.argsort(columns.start_s, kind="stable")
    last = np.append(np.diff(columns.start_s[order]) > 0, True)[: len(order)]
    return Table._make(column[order[last]] for column in columns)


def begins_s(day: date) -> int:
    """The epoch second at which an Indian day begins."""
    return (day - date(1970, 1, 1)).days * DAY_S - IST_S


def day_of(at_s: float) -> date:
    """The Indian day of a moment."""
    return date(1970, 1, 1) + timedelta(days=int(at_s + IST_S) // DAY_S)


def _years(days: Days) -> list[int]:
    return sorted({year for first, last in days for year in range(first.year, last.year + 1)})


def _write(path: Path, content: bytes) -> None:
    """All of the file or none of it, whatever happens meanwhile."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(half).replace(path)
    finally:
        Path(half).unlink(missing_ok=True)
