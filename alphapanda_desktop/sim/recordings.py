"""Recorded ticks: the program's own day files, or CSV with time, token or symbol, price, and perhaps day volume."""

from __future__ import annotations

import csv
import io
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.gzipped import unpacked
from alphapanda_desktop.domain.instruments import Instrument, segment_of
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import MAGIC, blocks, frames_of, names_of
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.sim.prices import Floats, Ints
from alphapanda_desktop.sim.roster import INDICES
from alphapanda_desktop.sim.universe import SEGMENTS, tick_for

TIMES: Final = ("timestamp", "time", "datetime", "exchange_timestamp", "exchange_time", "last_trade_time", "date", "ts")
TOKENS: Final = ("token", "instrument_token")
SYMBOLS: Final = ("symbol", "tradingsymbol", "instrument", "ticker", "name", "stock")
PRICES: Final = ("ltp", "last_price", "price", "last_traded_price", "close")
VOLUMES: Final = ("volume", "volume_traded", "day_volume", "vol")
NO_SYMBOLS: Final = re.compile(
    r"JAN|FEB|MAR|APR|MAY|JUNE?|JULY?|AUG|SEPT?|OCT|NOV|DEC|JANUARY|FEBRUARY|MARCH|APRIL|AUGUST|SEPTEMBER|OCTOBER"
    r"|NOVEMBER|DECEMBER|KITE|LTP|TICKS?|NSE|BSE|CSV|GZ|DATA|FULL|QUOTE"
)
"""Words in file names that are no instrument."""
TICK_SIZES: Final = (5.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.01, 0.0025)

DEAREST: Final = 20_000_000.0
"""Beyond it a price of paise does not fit the packets."""

LATEST_S: Final = 2**32
"""Packets have 32 bits for a time."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Ticks of one instrument in order of time: epoch seconds, rupees, and day volume or None."""

    instrument: Instrument
    at_s: Floats
    price: Floats
    volume: Ints | None


@dataclass(slots=True)
class _Rows:
    at_s: list[float]
    price: list[float]
    volume: list[float]


def read_recordings(files: Sequence[Path], universe: Iterable[Instrument]) -> list[Recording]:
    """Recordings of every instrument in the files; rows out of order are put in order.

    An instrument is looked up in `universe` by token or symbol, and made up from what the file says where it is not
    there. Raises BadData, naming file and line, for a file that is no recording.
    """
    found: dict[str, _Rows] = {}
    for path in files:
        for name, at_s, price, volume in _read(path):
            rows = found.setdefault(name, _Rows([], [], []))
            rows.at_s.append(at_s)
            rows.price.append(price)
            rows.volume.append(volume)
    known = list(universe)
    return [_recording(_resolved(name, known), rows) for name, rows in found.items()]


def _read(path: Path) -> Iterator[tuple[str, float, float, float]]:
    with path.open("rb") as file:
        own = file.read(len(MAGIC)) == MAGIC
    try:
        yield from _read_own(path) if own else _read_csv(path)
    except csv.Error as error:
        raise BadData(f"{path.name}: this is no CSV text ({error})") from None


def _read_own(path: Path) -> Iterator[tuple[str, float, float, float]]:
    """Ticks of a day that the program recorded."""
    data = path.read_bytes()
    names: dict[int, str] = {}
    told = 0
    for block in blocks(data):
        names |= names_of(data, block)
        for at_ns, frame in frames_of(data, block):
            for tick in decode_frame(frame, at_ns):
                told += 1
                volume = -1.0 if tick.volume_traded is None else float(tick.volume_traded)
                name = names.get(tick.instrument_token, str(tick.instrument_token))
                yield name, tick.at_ns / 1e9, tick.last_price, volume
    if not told:
        raise BadData(f"{path.name}: holds no ticks")


def _read_csv(path: Path) -> Iterator[tuple[str, float, float, float]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    columns = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    at, price = _column(columns, TIMES), _column(columns, PRICES)
    if at is None or price is None:
        raise BadData(f"{path.name}: needs a time and a price column, has {', '.join(columns) or 'nothing'}")
    who, volume = _column(columns, TOKENS) or _column(columns, SYMBOLS), _column(columns, VOLUMES)
    of_file = _symbol_in(path.name)
    line = 1
    for line, row in enumerate(reader, 2):
        try:
            name = (row[who] or "").strip() if who else of_file
            yield name or of_file, epoch_s(row[at]), _price(row[price]), _volume(row[volume]) if volume else -1.0
        except (ValueError, TypeError, AttributeError) as error:
            raise BadData(f"{path.name}, line {line}: {error}") from None
    if line == 1:
        raise BadData(f"{path.name}: holds no ticks")


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return unpacked(data).decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise BadData(f"{path.name}: this is no CSV text ({error})") from None


def _price(text: str) -> float:
    price = float(text)
    if not 0 <= price < DEAREST:
        raise ValueError(f"{text} is no price")
    return price


def _volume(text: str) -> float:
    volume = float(text or 0)
    if not 0 <= volume < 2**53:
        raise ValueError(f"{text} is no volume")
    return volume


def _column(columns: dict[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def epoch_s(text: str) -> float:
    """Epoch seconds of an ISO time (Indian where it names no zone) or of a number of s, ms, µs or ns."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text)
        while 1e11 < number < math.inf:
            number /= 1000.0
    else:
        at = datetime.fromisoformat(text)
        number = (at if at.tzinfo else at.replace(tzinfo=IST)).timestamp()
    if not 0 <= number < LATEST_S:
        raise ValueError(f"{text[:40]} is no time since 1970")
    return number


def _symbol_in(file_name: str) -> str:
    """The word in a file's name that is neither date nor kind: RELIANCE of 12-April-2021__RELIANCE_12_April.csv.gz."""
    words = [w for w in re.split(r"[^A-Za-z0-9&]+", file_name) if w and not w[0].isdigit()]
    return next((w.upper() for w in words if not NO_SYMBOLS.fullmatch(w.upper())), "RECORDED")


def _resolved(name: str, known: Sequence[Instrument]) -> Instrument:
    """The instrument that a token, a symbol or an EXCHANGE:SYMBOL names."""
    if is_token(name):
        match = (i for i in known if i.instrument_token == int(name))
    else:
        wanted = {name, name.rpartition(":")[2], _index_called(name)}
        match = (i for i in known if i.key == name or i.tradingsymbol in wanted)
    return next(match, None) or _made_up(name)


def _index_called(name: str) -> str:
    """The index that people mean by NIFTY or BANKNIFTY."""
    return next((i.symbol for i in INDICES if name.upper() in (i.root, i.symbol)), name)


def is_token(name: str) -> bool:
    """Whether it is a number that 32 bits hold, as Kite's tokens are."""
    return name.isdecimal() and len(name) <= 10 and int(name) < 2**32


def _made_up(name: str) -> Instrument:
    if is_token(name):
        token, symbol = int(name), f"TOKEN{name}"
    else:
        number = sum(ord(c) * 31**n for n, c in enumerate(name.upper()[:8])) % 50_000
        token, symbol = (700_000 + number) * 256 + 1, name.rpartition(":")[2].upper()
    segment = next((s for s, code in SEGMENTS.items() if code == segment_of(token)), "NSE")
    index = segment == "INDICES"
    exchange = "NSE" if index else segment
    lot = 0 if index else 1
    return Instrument(token, token // 256, symbol, symbol, 0.0, None, 0.0, 0.0, lot, "EQ", segment, exchange)


def _recording(instrument: Instrument, rows: _Rows) -> Recording:
    at_s = np.array(rows.at_s)
    order = np.argsort(at_s, kind="stable")
    price = np.array(rows.price)[order]
    volume = np.array(rows.volume)[order]
    at_s = at_s[order]
    told = None if volume.max() <= 0 else _rising(at_s, volume)
    return Recording(_with_tick(instrument, price), at_s, price, told)


def _rising(at_s: Floats, volume: Floats) -> Ints:
    """Day volumes that never fall within an Indian day, whatever order the rows came in."""
    days = ((at_s + 19_800) // 86_400).astype(np.int64)
    out = volume.astype(np.int64)
    for day in np.unique(days):
        out[days == day] = np.maximum.accumulate(out[days == day])
    return out


def _with_tick(instrument: Instrument, price: Floats) -> Instrument:
    """The instrument with the tick that the recorded prices keep to: exchanges have changed them since.

    Never a coarser one than today's: a few round prices say nothing of the tick.
    """
    found = next((t for t in TICK_SIZES if _all_on(price, t)), 0.01)
    today = instrument.tick_size or tick_for(float(price[0]))
    size = min(found, today) if instrument.tradable else 0.0
    return Instrument(
        instrument.instrument_token, instrument.exchange_token, instrument.tradingsymbol, instrument.name,
        float(price[0]), instrument.expiry, instrument.strike, size, instrument.lot_size, instrument.instrument_type,
        instrument.segment, instrument.exchange,
    )  # fmt: skip


def _all_on(price: Floats, tick: float) -> bool:
    counts = price / tick
    return bool(np.all(np.abs(counts - np.rint(counts)) < 1e-6 * np.maximum(counts, 1.0)))


def first_day(files: Sequence[Path]) -> date:
    """Indian day on which the first file begins."""
    at_s = next(_read(files[0]))[1]
    return datetime.fromtimestamp(at_s, IST).date()
