"""The instrument master of the local Kite: a small real-looking market, scaled up, or a file of Kite's own."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.gzipped import unpacked
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.kite.contract import instruments_from_csv
from alphapanda_desktop.sim.characters import level_on, plausible_price
from alphapanda_desktop.sim.roster import FUTURES, INDICES, STOCKS, Index, Stock

SEGMENTS: Final = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "INDICES": 9, "NCO": 12}
"""Low byte of a token.  Source: CONTRACT 4.6."""

CHAIN_REACH: Final = 10
"""Strikes on each side of the money."""
TWINS: Final = 6
"""How many stocks are listed on BSE as well."""

_TICKS: Final = ((250.0, 0.01), (1000.0, 0.05), (5000.0, 0.10), (10_000.0, 0.50), (20_000.0, 1.00))
_COLUMNS: Final = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike", "tick_size",
    "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip


def build_universe(day: date, count: int | None, instruments_csv: Path | None) -> list[Instrument]:
    """What is listed on a day, `count` rows of it; past the named ones with invented companies.

    A file in Kite's format, gzip or plain, replaces all of it; `count` then takes its first rows.
    """
    if instruments_csv is not None:
        return _read(instruments_csv)[:count]
    named = [*_indices(day), *_stocks(day), *_index_futures(day), *_chain(day), *_stock_futures(day), *_others(day)]
    return named[:count] + [_invented(n) for n in range((count or 0) - len(named))]


def to_csv(instruments: Sequence[Instrument], exchange: str | None) -> str:
    """Kite's CSV of these instruments, of one exchange or of all."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for i in instruments:
        if exchange is None or i.exchange == exchange:
            writer.writerow([getattr(i, name) if name != "expiry" else i.expiry or "" for name in _COLUMNS])
    return out.getvalue()


def tick_for(price: float) -> float:
    """NSE's tick for a stock or its future at that price.  Source: CONTRACT 6.4."""
    return next((tick for below, tick in _TICKS if price < below), 5.0)


def listed(
    exchange: str, exchange_token: int, symbol: str, name: str, price: float, tick: float, kind: str = "EQ",
    expiry: date | None = None, strike: float = 0.0, lot: int = 1, segment: str = "",
) -> Instrument:  # fmt: skip
    """One row of the master; the token follows from exchange token and segment."""
    segment = segment or (exchange if kind == "EQ" else f"{exchange}-{'FUT' if kind == 'FUT' else 'OPT'}")
    token = exchange_token * 256 + SEGMENTS["INDICES" if segment == "INDICES" else exchange]
    row = Instrument(token, exchange_token, symbol, name, 0.0, expiry, strike, tick, lot, kind, segment, exchange)
    return replace(row, last_price=row.snap(price) if tick else round(price, 2))


def month_code(expiry: date) -> str:
    """How a monthly contract is called: 26NOV."""
    return f"{expiry:%y%b}".upper()


def expiries(exchange: str, day: date, weekday: int, *, monthly: bool) -> Iterator[date]:
    """Expiry days from `day` on: that weekday, or the trading day before it when it is a holiday."""
    at = day - timedelta(days=7)
    while True:
        at += timedelta(days=(weekday - at.weekday()) % 7 or 7)
        if monthly and not _last_in_month(at):
            continue
        expiry = _trading_day(exchange, at)
        if expiry >= day:
            yield expiry


def _last_in_month(day: date) -> bool:
    return (day + timedelta(days=7)).month != day.month


def _trading_day(exchange: str, day: date) -> date:
    while session_on(exchange, day) is None:
        day -= timedelta(days=1)
    return day


def _read(path: Path) -> list[Instrument]:
    data = path.read_bytes()
    try:
        return instruments_from_csv(unpacked(data))
    except (EOFError, zlib.error) as error:
        raise BadData(f"{path.name}: {error}") from None


def _indices(day: date) -> Iterator[Instrument]:
    for index in INDICES:
        price = level_on(index.root, day)
        yield listed(
            index.exchange, index.exchange_token, index.symbol, index.symbol, price, 0.0, lot=0, segment="INDICES"
        )


def _stocks(day: date) -> Iterator[Instrument]:
    for exchange, stocks in (("NSE", STOCKS), ("BSE", STOCKS[:TWINS])):
        for stock in stocks:
            number = stock.exchange_token if exchange == "NSE" else stock.bse
            price = level_on(stock.symbol, day)
            yield listed(exchange, number, stock.symbol, stock.name, price, _tick(stock, day))


def _tick(stock: Stock, day: date) -> float:
    """Ticks are reviewed once a month."""
    return tick_for(level_on(stock.symbol, day.replace(day=1)))


def _weekday(index: Index) -> int:
    return 3 if index.venue == "BFO" else 1


def _index_futures(day: date) -> Iterator[Instrument]:
    for n, index in enumerate(INDICES):
        source = expiries(index.venue, day, _weekday(index), monthly=True)
        for month, expiry in enumerate([next(source), next(source)]):
            yield listed(
                index.venue, (820_000 if index.venue == "BFO" else 58_000) + 10 * n + month,
                f"{index.root}{month_code(expiry)}FUT", index.root, level_on(index.root, day), index.tick,
                "FUT", expiry, lot=index.lot,
            )  # fmt: skip


def _chain(day: date) -> Iterator[Instrument]:
    index = INDICES[0]
    weeks = expiries(index.venue, day, _weekday(index), monthly=False)
    money = round(level_on(index.root, day) / index.gap) * index.gap
    for week, expiry in enumerate([next(weeks), next(weeks)]):
        for n in range(-CHAIN_REACH, CHAIN_REACH + 1):
            for m, kind in enumerate(("CE", "PE")):
                strike = money + n * index.gap
                yield listed(
                    index.venue, 45_000 + 100 * week + 2 * (n + CHAIN_REACH) + m,
                    f"{index.root}{_contract_code(index, expiry)}{strike:.0f}{kind}", index.root, 0.0, 0.05,
                    kind, expiry, strike, index.lot,
                )  # fmt: skip


def _contract_code(index: Index, expiry: date) -> str:
    """26NOV for the month's last expiry, 26N17 for the weeks before."""
    month = next(expiries(index.venue, expiry.replace(day=1), _weekday(index), monthly=True))
    return month_code(expiry) if expiry == month else f"{expiry:%y}{'123456789OND'[expiry.month - 1]}{expiry:%d}"


def _stock_futures(day: date) -> Iterator[Instrument]:
    expiry = next(expiries("NFO", day, 1, monthly=True))
    for n, stock in enumerate(s for s in STOCKS if s.lot):
        symbol = f"{stock.symbol}{month_code(expiry)}FUT"
        yield listed(
            "NFO", 58_200 + n, symbol, stock.symbol, level_on(stock.symbol, day), _tick(stock, day), "FUT", expiry,
            lot=stock.lot,
        )  # fmt: skip


def _others(day: date) -> Iterator[Instrument]:
    for future in FUTURES:
        expiry = _currency_expiry(day) if future.exchange in ("CDS", "BCD") else _commodity_expiry(future.exchange, day)
        yield listed(
            future.exchange, future.token, f"{future.root}{month_code(expiry)}FUT", future.root,
            level_on(future.root, day), future.tick, "FUT", expiry,
        )  # fmt: skip


def _currency_expiry(day: date) -> date:
    """Two trading days before the month's last one."""
    first = day.replace(day=1)
    while True:
        following = (first + timedelta(days=32)).replace(day=1)
        expiry = following
        for _ in range(3):
            expiry = _trading_day("CDS", expiry - timedelta(days=1))
        if expiry >= day:
            return expiry
        first = following


def _commodity_expiry(exchange: str, day: date) -> date:
    """About the nineteenth, as crude oil's."""
    first = day.replace(day=1)
    expiry = _trading_day(exchange, first.replace(day=19))
    return expiry if expiry >= day else _trading_day(exchange, (first + timedelta(days=32)).replace(day=19))


def _invented(n: int) -> Instrument:
    symbol = f"SIM{n + 1:05d}"
    price = plausible_price(symbol)
    return listed("NSE", 600_000 + n, symbol, f"SIMULATED COMPANY {n + 1}", price, tick_for(price))
