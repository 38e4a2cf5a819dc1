"""History from files: CSV always, Parquet where pyarrow is installed (extra `[parquet]`).

Columns, in any order and in any case, others ignored:
  time    `time`, `ts`, `date`, `datetime`, `timestamp` or `start_s`: when the bar begins. ISO, with or without an
          offset (Indian time without), or epoch seconds. A `date` beside a `time` of day is one moment. A bar of a
          day begins at that day's open, whatever hour is told.
  prices  `open`, `high`, `low`, `close` in rupees
  volume  `volume`; 0 where it is missing
Bars are sorted by time; of two of one time the later row counts.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.backtest.series import DAY_S, Floats, Ints, Series, begins_s, starts_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.session import IST

TIMES: Final = ("start_s", "datetime", "timestamp", "ts", "time", "date")
FIRST: Final = date(1980, 1, 1)
LAST: Final = date(2100, 1, 1)
"""Between them lie all times of bars; a number of milliseconds or a date written as a number does not."""

_PRICES: Final = ("open", "high", "low", "close")

Columns = Mapping[str, NDArray[Any] | Sequence[str]]


def read_series(path: Path, instrument: Instrument, seconds: int | None = None) -> Series:
    """The bars of a file; their length is the commonest distance unless told. Raises BadData naming file and row."""
    try:
        columns = _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    except OSError as error:
        raise BadData(f"{path}: {error.strerror or error}") from None
    return series_of(columns, instrument, seconds, str(path))


def series_of(columns: Columns, instrument: Instrument, seconds: int | None = None, name: str = "history") -> Series:
    """Bars of columns by name."""
    columns = {key.strip().lower(): column for key, column in columns.items()}
    missing = [key for key in _PRICES if key not in columns]
    if missing or not any(key in columns for key in TIMES):
        wanted = [*missing, *([] if any(key in columns for key in TIMES) else [f"one of {', '.join(TIMES)}"])]
        raise BadData(f"{name}: no column {', '.join(wanted)}; there are: {', '.join(columns)}")
    starts = _starts(columns, name)
    order = np.argsort(starts, kind="stable")
    last_of_its_time = np.append(np.diff(starts[order]) > 0, True)[: len(order)]
    rows = order[last_of_its_time]
    opened, high, low, close = (_numbers(columns[key], key, name)[rows] for key in _PRICES)
    volume = _numbers(columns["volume"], "volume", name)[rows] if "volume" in columns else np.zeros(len(rows))
    _judge(starts[rows], volume, rows, name)
    length, starts = seconds or _commonest(starts[rows]), starts[rows]
    if length >= DAY_S:  # a day's bar is named by its day, at whatever hour
        starts = starts_of(instrument.exchange, starts, length)
    return Series(instrument, length, starts, opened, high, low, close, volume.astype(np.int64))


def _judge(starts: Ints, volume: Floats, rows: Ints, name: str) -> None:
    """Raises BadData for a time of no market, as epoch milliseconds are taken for seconds, and a volume of none."""
    bad = {
        f"a time before {FIRST.year} or after {LAST.year}, read as epoch seconds": (starts < begins_s(FIRST))
        | (starts >= begins_s(LAST)),
        "a volume that is no number from 0 on": ~((volume >= 0) & (volume < 2.0**62)),
    }
    for what, wrong in bad.items():
        if wrong.any():
            raise BadData(f"{name}: row {int(rows[np.argmax(wrong)]) + 2}: {what}")


def _commonest(starts: Ints) -> int:
    if len(starts) < 2:
        return 60
    lengths, counts = np.unique(np.diff(starts), return_counts=True)
    return min(DAY_S, int(lengths[np.argmax(counts)]))


def _csv(path: Path) -> Columns:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        try:
            rows = list(csv.reader(lines))
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadData(f"{path}: no CSV: {error}") from None
    if len(rows) < 2:
        raise BadData(f"{path}: a line of names and one of values at least are expected, {len(rows)} lines found")
    names, *body = [row for row in rows if row]
    for number, row in enumerate(body, 2):
        if len(row) != len(names):
            raise BadData(f"{path}: row {number} has {len(row)} values, {len(names)} expected")
    return dict(zip(names, zip(*body, strict=True), strict=True))


def _parquet(path: Path) -> Columns:
    try:
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise BadData(
            f"{path}: reading Parquet needs pyarrow: install the extra alphapanda-desktop[parquet], or give a CSV"
        ) from None
    if not path.is_file():
        raise BadData(f"{path}: no such file")
    try:
        table = read_table(path)
    except (ValueError, NotImplementedError) as error:  # ArrowInvalid is a ValueError
        raise BadData(f"{path}: no Parquet: {error}") from None
    return {name: _column(table.column(name)) for name in table.column_names}


def _column(column: Any) -> NDArray[Any]:
    kind = str(column.type)
    if not kind.startswith("timestamp"):
        return np.asarray(column.to_numpy())
    values = np.asarray(column.cast("int64").to_numpy())
    unit = kind.removeprefix("timestamp[").removesuffix("]").partition(",")[0]
    per_s = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[unit]
    local = 0 if "tz=" in kind else 19_800  # without a zone the clock on the wall is India's
    return values // per_s - local


def _starts(columns: Columns, name: str) -> Ints:
    if "date" in columns and "time" in columns:
        moments = [f"{day} {at}" for day, at in zip(columns["date"], columns["time"], strict=True)]
        return _moments(moments, name)
    column = columns[next(key for key in TIMES if key in columns)]
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return column.astype(np.int64)
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return np.floor(column).astype(np.int64)
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        return column.astype("datetime64[s]").astype(np.int64) - 19_800
    return _moments([str(text) for text in column], name)


def _moments(texts: Sequence[str], name: str) -> Ints:
    found = np.empty(len(texts), np.int64)
    for number, text in enumerate(texts):
        try:
            found[number] = _moment(text.strip())
        except (ValueError, OverflowError):
            raise BadData(f"{name}: row {number + 2}: {text!r} is no time such as 2024-04-22 09:15:00") from None
    return found


def _moment(text: str) -> int:
    if text.replace(".", "", 1).isdecimal() and len(text) != len("20240422"):
        return int(float(text))
    return _epoch(text)


def _epoch(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=IST)).astimezone(UTC).timestamp())


def _numbers(column: NDArray[Any] | Sequence[str], key: str, name: str) -> Floats:
    try:
        return np.asarray(column, np.float64)
    except ValueError:
        for number, text in enumerate(column, 2):
            try:
                float(text)
            except ValueError:
                raise BadData(f"{name}: row {number}: {key} {text!r} is no number") from None
        raise
