"""Ticks from CSV, plain or gzipped, as the frames in which Kite would have sent them.

One column of times and one of prices are needed; a column of tokens or symbols makes it a file of several instruments.
With day volumes the packets are full ones and the times the exchange's; without, they carry the last price alone, as
in Kite's ltp mode, and the times are those at which it came.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.gzipped import unpacked
from alphapanda_desktop.domain.instruments import Instrument, price_divisor
from alphapanda_desktop.domain.quotes import HIGH, LAST, LOW, OPEN, QUANTITY, SENT_AT, TOKEN, TRADED_AT, VOLUME
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import Frame
from alphapanda_desktop.kite.packets import FULL_SIZE, LTP_SIZE
from alphapanda_desktop.replaying.listing import instrument_named

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[Any]

TIMES: Final = ("timestamp", "time", "datetime", "exchange_timestamp", "last_trade_time", "date", "ts")
NAMES: Final = ("symbol", "tradingsymbol", "instrument", "token", "instrument_token", "ticker", "name")
PRICES: Final = ("ltp", "last_price", "price", "last_traded_price", "close")
VOLUMES: Final = ("volume_traded", "volume", "day_volume", "vol")

CHUNK: Final = 16_384
"""Frames that are made at a time."""

DEAREST: Final = 20_000_000.0
"""Beyond it a price in paise does not fit a packet."""

LATEST_NS: Final = 2**32 * 1_000_000_000
LARGEST_TOKEN: Final = 2**32 - 1
"""A packet has 32 bits for seconds and for tokens."""

MOST_TRADED: Final = float(2**53)
_DAY_S: Final = 86_400
_IST_S: Final = 19_800
_WORD: Final = np.dtype(">u4")


@final
class ColumnTicks:
    """Ticks in columns, in the order of time: a `Part` of a recording. `which` is the number of each tick's instrument.

    `price` in rupees, `volume` the day's so far, None where it is not known.
    """

    def __init__(
        self, instruments: Sequence[Instrument], which: Ints, at_ns: Ints, price: Floats, volume: Ints | None
    ) -> None:
        self.instruments = tuple(instruments)
        self.begin_ns, self.end_ns = int(at_ns[0]), int(at_ns[-1])
        self.count = len(at_ns)
        self._at_ns = at_ns
        tokens = np.array([each.instrument_token for each in instruments], np.int64)
        divisors = np.array([price_divisor(each.instrument_token) for each in instruments], np.int64)
        self._token = tokens[which].astype(np.uint32)
        self._paise = np.rint(price * divisors[which]).astype(np.int32)
        self._day = None if volume is None else self._so_far(which, volume)

    def _so_far(self, which: Ints, volume: Ints) -> Words:
        """Of each row what a full packet tells of its day: last quantity, volume, open, high and low so far."""
        told = np.zeros((self.count, 5), np.uint32)
        days = (self._at_ns // 1_000_000_000 + _IST_S) // _DAY_S
        for number in range(len(self.instruments)):
            own = np.flatnonzero(which == number)
            for first, end in _runs(days[own]):
                told[own[first:end]] = _day_so_far(self._paise[own[first:end]], volume[own[first:end]])
        return told

    def frames(self, from_ns: int = 0) -> Iterator[Frame]:
        """A frame a row, from that time on."""
        size = FULL_SIZE if self._day is not None else LTP_SIZE
        head = np.frombuffer(b"\0\1" + size.to_bytes(2), np.uint8)
        for first in range(int(np.searchsorted(self._at_ns, from_ns)), self.count, CHUNK):
            part = slice(first, first + CHUNK)
            words = self._words(part, size // 4)
            rows = np.empty((len(words), size + 4), np.uint8)
            rows[:, :4], rows[:, 4:] = head, words.view(np.uint8)
            data = rows.tobytes()
            frames = [data[at : at + size + 4] for at in range(0, len(data), size + 4)]
            yield from zip(self._at_ns[part].tolist(), frames, strict=True)

    def _words(self, part: slice, count: int) -> Words:
        words = np.zeros((len(self._token[part]), count), _WORD)
        words[:, TOKEN], words[:, LAST] = self._token[part], self._paise[part].view(np.uint32)
        if self._day is not None:
            words[:, [QUANTITY, VOLUME, OPEN, HIGH, LOW]] = self._day[part]
            words[:, TRADED_AT] = words[:, SENT_AT] = (self._at_ns[part] // 1_000_000_000).astype(np.uint32)
        return words

    def damage(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing is open: the file was read whole."""


def read_csv(path: Path, key: str, known: Callable[[str], Instrument | None]) -> ColumnTicks:
    """The ticks of a file, put in order; of one instant the later row is later. Raises BadData naming file and row."""
    at_ns, price, volume, names = _columns(path, key)
    order = np.argsort(at_ns, kind="stable")
    price, volume = price[order], None if volume is None else volume[order]
    found, which = np.unique(names[order], return_inverse=True)
    rows = [_row(str(name), known, price[which == number]) for number, name in enumerate(found)]
    return ColumnTicks(rows, which, at_ns[order], price, volume)


def _day_so_far(paise: Words, volume: Ints) -> Words:
    """Last quantity, volume, open, high, low of each row of one day; volumes never fall."""
    so_far = np.maximum.accumulate(volume)
    columns = (
        np.diff(so_far, prepend=so_far[0]),
        so_far,
        np.full(len(paise), paise[0]),
        np.maximum.accumulate(paise),
        np.minimum.accumulate(paise),
    )
    return np.stack([column.astype(np.int64) for column in columns], 1).astype(np.uint32)


def _runs(days: Ints) -> Iterator[tuple[int, int]]:
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1)).tolist()
    return zip(starts, [*starts[1:], len(days)], strict=True)


def _row(name: str, known: Callable[[str], Instrument | None], prices: Floats) -> Instrument:
    number = name.partition(":")[2]
    if number.isdecimal():
        if len(number) > 10 or not 0 < int(number) <= LARGEST_TOKEN:
            raise BadData(f"{number[:20]} is no instrument's token")
        return instrument_named(f"NSE:TOKEN{number}", int(number), prices.tolist())
    return known(name) or instrument_named(name, prices=prices.tolist())


def _columns(path: Path, key: str) -> tuple[Ints, Floats, Ints | None, NDArray[np.str_]]:
    """Times, prices, day volumes where there are any, and keys. Raises BadData naming file and row."""
    names, body = _rows(path)
    at, price = _first(names, TIMES), _first(names, PRICES)
    if price is not None and names[price] == "close" and {"open", "high", "low"} <= set(names):
        bars = "these are bars (open, high, low, close), no ticks: a backtest plays them without --exact"
        raise BadData(f"{path.name}: {bars}")
    if at is None or price is None:
        raise BadData(f"{path.name}: a time and a price column are needed, there are: {', '.join(names) or 'none'}")
    columns = list(zip(*body, strict=True))
    volume = _first(names, VOLUMES)
    volumes = _volumes(columns[volume], path) if volume is not None else None
    who = None if key else _first(names, NAMES)
    keys = [_key(word) for word in columns[who]] if who is not None else [key or _key_of(path)] * len(body)
    prices = _numbers(columns[price], path, "price")
    _within(prices, 0.0, DEAREST, columns[price], path, "price")
    told = volumes if volumes is not None and volumes.max() > 0 else None
    return _moments(columns[at], path), prices, told, np.array(keys)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    data = path.read_bytes()
    try:
        text = unpacked(data).decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise BadData(f"{path.name}: this is no CSV text ({error})") from None
    if len(rows) < 2:
        raise BadData(f"{path.name}: holds no ticks")
    names, *body = rows
    for number, row in enumerate(body, 2):
        if len(row) != len(names):
            raise BadData(f"{path.name}, row {number}: {len(row)} values, {len(names)} expected")
    return [name.strip().lower() for name in names], body


def _first(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _key(word: str) -> str:
    return word.strip() if ":" in word else f"NSE:{word.strip().upper()}"


def _key_of(path: Path) -> str:
    return f"NSE:{re.sub(r'[^A-Z0-9&-]', '', path.name.split('.')[0].upper()) or 'FILE'}"


def _numbers(column: Sequence[str], path: Path, what: str) -> Floats:
    try:
        return np.array(column, np.float64)
    except ValueError:
        for number, text in enumerate(column, 2):
            try:
                float(text)
            except ValueError:
                raise BadData(f"{path.name}, row {number}: {text!r} is no {what}") from None
        raise


def _volumes(column: Sequence[str], path: Path) -> Ints:
    volumes = _numbers(column, path, "volume")
    _within(volumes, -0.001, MOST_TRADED, column, path, "volume")
    return volumes.astype(np.int64)


def _within(values: Floats, over: float, below: float, column: Sequence[str], path: Path, what: str) -> None:
    """Raises BadData naming the first row whose value is not between the two."""
    wrong = ~((values > over) & (values < below))  # so that what is no number is wrong too
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadData(f"{path.name}, row {row + 2}: {column[row]!r} is no {what}")


def _moments(column: Sequence[str], path: Path) -> Ints:
    """Epoch nanoseconds: ISO times, Indian where they name no zone, or numbers of s, ms, µs or ns."""
    made = np.empty(len(column), np.int64)
    for number, text in enumerate(column):
        try:
            made[number] = _moment_ns(text.strip())
            if not 0 <= made[number] < LATEST_NS:
                raise ValueError(text)
        except (ValueError, OverflowError):
            raise BadData(f"{path.name}, row {number + 2}: {text!r} is no time such as 2026-09-21 09:15:00") from None
    return made


def _moment_ns(text: str) -> int:
    if text.replace(".", "", 1).isdecimal():
        return _scaled(text)
    at = datetime.fromisoformat(text)
    at = (at if at.tzinfo else at.replace(tzinfo=IST)).astimezone(UTC)
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


def _scaled(text: str) -> int:
    """A number of seconds, milli-, micro- or nanoseconds, told apart by its size."""
    whole, _, part = text.partition(".")
    digits = {1: 9, 1_000: 6, 1_000_000: 3}
    scale = next((exponent for factor, exponent in digits.items() if int(whole) < 100_000_000_000 * factor), 0)
    return int(whole + (part + "0" * 9)[:scale])
