"""History by reference: a job names its bars, and the worker that plays it maps them into its memory.

Bars lie in one file of columns, named by the content they were read from, which processes of one machine share as
pages of the disk cache. A worker elsewhere, where that file is not, reads the source itself, if it is the same source.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from alphapanda_desktop.backtest.data import read_series
from alphapanda_desktop.backtest.series import Ints, Series
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument

MOST_KEPT: Final = 4 << 30
"""Bytes of column files in a folder; those that were used longest ago go first."""

_HEAD: Final = struct.Struct("<8s32sqq8x")
_MAGIC: Final = b"APBARS02"
"""Another number where files are read in another way: columns that an older version made are made anew."""
_FLOATS: Final = ("open", "high", "low", "close")
_ROWS: Final = 6


@dataclass(frozen=True, slots=True)
class DataRef:
    """Where the bars of one instrument are. `sha256` is of the source's content, or of the bars where there is none."""

    instrument: Instrument
    path: str
    """The file that a person named; empty for bars that were handed over."""
    sha256: str
    columns: str = ""
    """The same bars as one file of columns on this machine; empty where none could be written."""


def refer(path: Path, instrument: Instrument, folder: Path | None = None) -> DataRef:
    """A reference to a CSV or Parquet file; its bars are put into `folder` as columns, once for each content.

    Raises BadData for a file that cannot be read as bars.
    """
    digest = _digest(path)
    columns = "" if folder is None else _columns_of(path, digest, instrument, folder)
    return DataRef(instrument, str(path.absolute()), digest, columns)


def keep(series: Series, folder: Path) -> DataRef:
    """A reference to bars in memory, written to `folder`. Raises OSError where they cannot be."""
    body = _body(series)
    digest = hashlib.sha256(body.tobytes()).hexdigest()
    target = folder / f"{digest}-{series.seconds}.bars"
    if _mapped(target, series.instrument) is None:  # missing, damaged, or an older version's
        _write(target, series.seconds, body)
    _used(target)
    return DataRef(series.instrument, "", digest, str(target))


@lru_cache(maxsize=16)
def load(ref: DataRef) -> Series:
    """The bars that are meant, kept by the process that asked once.

    Raises BadData for a file that is not there, is damaged, or is another one than was meant.
    """
    mapped = _mapped(Path(ref.columns), ref.instrument) if ref.columns else None
    if mapped is not None:
        return mapped
    if not ref.path:
        raise BadData(f"{ref.instrument.key}: its bars are no longer at {ref.columns}, or are damaged")
    path = Path(ref.path)
    if _digest(path) != ref.sha256:
        raise BadData(f"{ref.path} is not the file that the job was made for: it has other content")
    return read_series(path, ref.instrument)


def _columns_of(path: Path, digest: str, instrument: Instrument, folder: Path) -> str:
    target = folder / f"{digest}.bars"
    if _mapped(target, instrument) is None:
        series = read_series(path, instrument)
        try:
            _write(target, series.seconds, _body(series))
        except OSError:
            return ""  # a full or locked disk: workers read the source instead, which takes longer and no more
    _used(target)
    return str(target)


def _used(target: Path) -> None:
    """Have the file say that it was used now."""
    with suppress(OSError):
        os.utime(target)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadData(f"{path}: {error.strerror or error}") from None


def _body(series: Series) -> Ints:
    rows = [series.start_s, *(getattr(series, name).view(np.int64) for name in _FLOATS), series.volume]
    return np.stack([np.ascontiguousarray(row) for row in rows])


def _write(target: Path, seconds: int, body: Ints) -> None:
    """Whole or not at all: a reader never sees a file that is still being written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    head = _HEAD.pack(_MAGIC, hashlib.sha256(body.data).digest(), seconds, body.shape[1])
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".new", delete=False) as file:
        try:
            file.write(head)
            file.write(body.data)
            file.close()
            Path(file.name).replace(target)
        finally:
            Path(file.name).unlink(missing_ok=True)
    _make_room(target)


def _make_room(newest: Path) -> None:
    found = [(path.stat().st_mtime_ns, path.stat().st_size, path) for path in newest.parent.glob("*.bars")]
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= MOST_KEPT:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size


def _mapped(path: Path, instrument: Instrument) -> Series | None:
    """The bars of a file of columns; None where it is missing or not what its head says."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            size = file.seek(0, os.SEEK_END)
    except OSError:
        return None
    if len(head) < _HEAD.size:
        return None
    magic, digest, seconds, count = _HEAD.unpack(head)
    if magic != _MAGIC or count <= 0 or size != _HEAD.size + _ROWS * 8 * count:
        return None
    body = np.asarray(np.memmap(path, np.int64, "r", _HEAD.size, (_ROWS, count)))
    if hashlib.sha256(body.data).digest() != digest:
        return None
    opened, high, low, close = (body[number].view(np.float64) for number in range(1, 5))
    return Series(instrument, seconds, body[0], opened, high, low, close, body[5])
