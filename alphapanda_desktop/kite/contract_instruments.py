"""The instrument master's CSV, read fast: a bad row is skipped and counted, never fatal.

About 117 000 rows a day. Source: CONTRACT 2.10 (kite.trade/docs/connect/v3/market-quotes#csv-response-columns).
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from sys import intern
from typing import Any, Final, NamedTuple, TypeVar

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.mastercolumns import Thawed, no_collection

T = TypeVar("T")

log = logging.getLogger(__name__)

COLUMNS: Final = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike", "tick_size",
    "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
"""Columns of the master, in Kite's order; they are found by name."""

_KITES_HEADER: Final = ",".join(COLUMNS) + "\n"

MF_COLUMNS: Final = (
    "tradingsymbol", "amc", "name", "purchase_allowed", "redemption_allowed", "minimum_purchase_amount",
    "purchase_amount_multiplier", "minimum_additional_purchase_amount", "minimum_redemption_quantity",
    "redemption_quantity_multiplier", "dividend_type", "scheme_type", "plan", "settlement_type", "last_price",
    "last_price_date",
)  # fmt: skip


AT_ONCE: Final = 5_000
"""Rows that are made together; of a wrong one among them, all are looked at singly."""


class MasterFile(NamedTuple):
    """A master as read; `bad` says how many rows were skipped and why the first was, or is None."""

    instruments: list[Instrument]
    skipped: int
    bad: BadData | None


def read_instruments(text: str | bytes) -> MasterFile:
    """Every readable row of a master. Raises BadData where a column is missing."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    found: list[Instrument] = []
    bad: list[str] = []
    known = _Readings()
    with no_collection():
        if text.startswith(_KITES_HEADER) and '"' not in text and "\r" not in text:
            for number, lines in _parts(text):
                try:
                    found += _all_at_once(lines, known)
                except (ValueError, TypeError, OverflowError):  # of which line, only a look at each can tell
                    found += _one_by_one(_cut(number, lines), bad)
        else:
            found += _one_by_one(_rows(text, COLUMNS), bad)
    if not bad:
        return MasterFile(found, 0, None)
    said = f"instruments: {len(bad)} of {len(bad) + len(found)} rows skipped; {bad[0]}"
    return MasterFile(found, len(bad), BadData(said))


def _parts(text: str) -> Iterator[tuple[int, list[str]]]:
    """Some thousand lines at a time, after the number of the first."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    for first in range(1, len(lines), AT_ONCE):
        yield first + 1, lines[first : first + AT_ONCE]


def _all_at_once(lines: list[str], known: _Readings) -> list[Instrument]:
    """Instruments of lines without quotes, in Kite's order of columns; an error if any is wrong."""
    made: list[Any] = []
    keep, new, prices, dates, tails = made.append, object.__new__, known.prices, known.dates, known.tails
    # What stands behind the strike is the same for whole chains, so that each such tail is read once.
    for line in lines:
        token, exchange_token, symbol, name, last, expiry, strike, tail = line.split(",", 7)
        one: Any = new(Thawed)
        one.instrument_token, one.exchange_token = number, _ = int(token), int(exchange_token)
        if not 0 < number < 1 << 32 or not symbol:
            raise ValueError("a row has no token or no tradingsymbol")
        one.tradingsymbol, one.name, one.last_price = symbol, name, prices[last]
        one.expiry, one.strike = dates[expiry], prices[strike]
        one.tick_size, one.lot_size, one.instrument_type, one.segment, one.exchange = tails[tail]
        one.__class__ = Instrument
        keep(one)
    return made


class _Known(dict[str, T]):
    """What texts mean, each of which is read once: most of a master repeat many times."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self._read = read

    def __missing__(self, text: str) -> T:
        value = self[text] = self._read(text)
        return value


class _Readings:
    """What was read in one master already."""

    def __init__(self) -> None:
        self.prices = _Known(_float)
        self.dates = _Known(_date)
        self.tails = _Known(_tail)


def _tail(text: str) -> tuple[float, int, str, str, str]:
    tick, lot, kind, segment, exchange = text.split(",")
    if not exchange:
        raise ValueError("it names no exchange")
    return _float(tick), _int(lot), intern(kind), intern(segment), intern(exchange)


def _cut(number: int, lines: list[str]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    """Number and columns of each line; None for one that is too short."""
    width = len(COLUMNS)
    for at, line in enumerate(lines, number):
        cells = line.split(",")
        if line:
            yield at, tuple(cells[:width]) if len(cells) >= width else None


def _one_by_one(rows: Iterable[tuple[int, tuple[str, ...] | None]], bad: list[str]) -> list[Instrument]:
    """Instruments of the rows that can be read; what is wrong with the others goes to `bad`."""
    found: list[Instrument] = []
    for number, row in rows:
        try:
            found.append(_instrument(row))
        except (ValueError, TypeError, OverflowError) as error:
            bad.append(f"row {number}: {error}")
    return found


def instruments_from_csv(text: str | bytes) -> list[Instrument]:
    """Every readable row of a master; the log says what was skipped. Raises BadData where a column is missing."""
    master = read_instruments(text)
    if master.bad:
        log.warning("%s", master.bad)
    return master.instruments


def _rows(text: str | bytes, columns: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    """Number and the wanted columns of each row; None for a row that is too short."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise BadData(f"instruments: column {missing[0]!r} is missing in the header {','.join(header)!r:.120}")
        pick = itemgetter(*(header.index(name) for name in columns))
        width = len(header)
        for number, row in enumerate(reader, 2):
            if row:
                yield number, pick(row) if len(row) >= width else None
    except csv.Error as error:
        raise BadData(f"instruments: line {reader.line_num} is no CSV: {error}") from None


def _instrument(row: tuple[str, ...] | None) -> Instrument:
    if row is None:
        raise ValueError("it has too few columns")
    token, exchange_token, symbol, name, last, expiry, strike, tick, lot, kind, segment, exchange = row
    numbers = (_float(last), _float(strike), _float(tick))
    if not symbol or not exchange:
        raise ValueError("it names no tradingsymbol or no exchange")
    return Instrument(
        _positive(token), int(exchange_token), symbol, name, numbers[0], _date(expiry), numbers[1], numbers[2],
        _int(lot), intern(kind), intern(segment), intern(exchange),
    )  # fmt: skip


def _positive(text: str) -> int:
    token = int(text)
    if not 0 < token < 1 << 32:
        raise ValueError(f"instrument_token is {text}")
    return token


# A master repeats few numbers and dates many times.
@lru_cache(maxsize=8192)
def _float(text: str) -> float:
    value = float(text) if text else 0.0
    if not isfinite(value) or value < 0:
        raise ValueError(f"{text!r} is no price")
    return value


@lru_cache(maxsize=1024)
def _int(text: str) -> int:
    value = float(text or 0)
    if not value.is_integer() or value < 0:
        raise ValueError(f"{text!r} is no lot size")
    return int(value)


@lru_cache(maxsize=1024)
def _date(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


class MfInstrument(NamedTuple):
    """A mutual fund that can be bought; amounts in rupees. Source: kite.trade/docs/connect/v3/mutual-funds."""

    tradingsymbol: str
    amc: str
    name: str
    purchase_allowed: bool
    redemption_allowed: bool
    minimum_purchase_amount: float
    purchase_amount_multiplier: float
    minimum_additional_purchase_amount: float
    minimum_redemption_quantity: float
    redemption_quantity_multiplier: float
    dividend_type: str
    scheme_type: str
    plan: str
    settlement_type: str
    last_price: float
    last_price_date: date | None


def mf_instruments_from_csv(text: str | bytes) -> list[MfInstrument]:
    """Every mutual fund. Raises BadData with the row's number."""
    found: list[MfInstrument] = []
    for number, row in _rows(text, MF_COLUMNS):
        try:
            found.append(_fund(row))
        except (ValueError, TypeError) as error:
            raise BadData(f"mutual funds: row {number}: {error}") from None
    return found


def _fund(row: tuple[str, ...] | None) -> MfInstrument:
    if row is None:
        raise ValueError("it has too few columns")
    symbol, amc, name, buys, redeems, *amounts, dividend, scheme, plan, settlement, last, day = row
    least, step, more, units, unit_step = (float(text or 0) for text in amounts)
    return MfInstrument(
        symbol, amc, name, buys == "1", redeems == "1", least, step, more, units, unit_step, dividend, scheme, plan,
        settlement, float(last or 0), _date(day),
    )  # fmt: skip
