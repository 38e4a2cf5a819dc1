"""The instrument master's CSV, read fast: a bad row is skipped and counted, never fatal.

About 117 000 rows a day. Source: CONTRACT 2.10 (kite.trade/docs/connect/v3/market-quotes#csv-response-columns).
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from sys import intern
from typing import Final, NamedTuple

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument

log = logging.getLogger(__name__)

COLUMNS: Final = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike", "tick_size",
    "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
"""Columns of the master, in Kite's order; they are found by name."""

MF_COLUMNS: Final = (
    "tradingsymbol", "amc", "name", "purchase_allowed", "redemption_allowed", "minimum_purchase_amount",
    "purchase_amount_multiplier", "minimum_additional_purchase_amount", "minimum_redemption_quantity",
    "redemption_quantity_multiplier", "dividend_type", "scheme_type", "plan", "settlement_type", "last_price",
    "last_price_date",
)  # fmt: skip


class MasterFile(NamedTuple):
    """A master as read; `bad` says how many rows were skipped and why the first was, or is None."""

    instruments: list[Instrument]
    skipped: int
    bad: BadData | None


def read_instruments(text: str | bytes) -> MasterFile:
    """Every readable row of a master. Raises BadData where a column is missing."""
    found: list[Instrument] = []
    skipped, first = 0, ""
    for number, row in _rows(text, COLUMNS):
        try:
            found.append(_instrument(row))
        except (ValueError, TypeError, OverflowError) as error:
            skipped += 1
            first = first or f"row {number}: {error}"
    bad = BadData(f"instruments: {skipped} of {skipped + len(found)} rows skipped; {first}") if skipped else None
    return MasterFile(found, skipped, bad)


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
