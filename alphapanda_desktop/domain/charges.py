"""Brokerage and taxes of an executed order: dated tables, each with its source.

An estimate for when Kite cannot be asked: `/charges/orders` is the word that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE, to_money

Kind = Literal["delivery", "intraday", "futures", "options"]
Market = Literal["equity", "currency", "commodity"]

CRORE: Final = 10_000_000
"""Rates are whole rupees per crore of turnover: 0.00307 % is 307."""


class Rates(NamedTuple):
    """Rupees per crore by kind of trade, in force from `since`."""

    since: date
    source: str
    by_kind: Mapping[str, int]


STT_SELL: Final = (
    Rates(
        date(2023, 4, 1),
        "Zerodha charge list of the time",
        {"delivery": 10_000, "intraday": 2_500, "futures": 1_250, "options": 6_250},
    ),
    Rates(
        date(2024, 10, 1),
        "Finance Act 2024 (No. 2); Zerodha, 1 Oct 2024",
        {"delivery": 10_000, "intraday": 2_500, "futures": 2_000, "options": 10_000},
    ),
    Rates(
        date(2026, 4, 1),
        "NSE circular FATAX73524 of 31 Mar 2026 (Finance Act 2026)",
        {"delivery": 10_000, "intraday": 2_500, "futures": 5_000, "options": 15_000},
    ),
)
"""Securities transaction tax on a sale; on a purchase only delivery pays it, at the same rate."""

CTT_SELL: Final = (
    Rates(date(2023, 4, 1), "CONTRACT 6.5, non-agricultural commodities", {"futures": 1_000, "options": 5_000}),
)
"""Commodities transaction tax on a sale; none on a purchase."""

EXCHANGE: Final[Mapping[str, tuple[Rates, ...]]] = {
    "NSE": (
        Rates(
            date(2023, 4, 1),
            "Zerodha charge list of the time; revised more than once within it, so not exact",
            {"delivery": 322, "intraday": 322, "futures": 188, "options": 4_950},
        ),
        Rates(
            date(2024, 10, 1),
            "NSE charge and investor-protection levy together, as Zerodha shows them; NSE FA64323, FA73061",
            {"delivery": 307, "intraday": 307, "futures": 183, "options": 3_553},
        ),
    ),
    "BSE": (
        Rates(
            date(2023, 4, 1),
            "CONTRACT 6.5: scrip groups A and B; futures free by one reading only",
            {"delivery": 375, "intraday": 375, "futures": 0, "options": 3_250},
        ),
    ),
    "CDS": (Rates(date(2023, 4, 1), "CONTRACT 6.5", {"futures": 35, "options": 3_110}),),
    "BCD": (Rates(date(2023, 4, 1), "CONTRACT 6.5", {"futures": 45, "options": 100}),),
    "MCX": (Rates(date(2024, 10, 1), "MCX circular of Sep 2024", {"futures": 210, "options": 4_180}),),
    "NCO": (Rates(date(2023, 4, 1), "CONTRACT 6.5, one reading only", {"futures": 10, "options": 100}),),
}

STAMP_BUY: Final[Mapping[str, Mapping[str, int]]] = {
    "equity": {"delivery": 1_500, "intraday": 300, "futures": 200, "options": 300},
    "currency": {"futures": 10, "options": 10},
    "commodity": {"futures": 200, "options": 300},
}
"""Stamp duty on a purchase, uniform in India since 1 Jul 2020.  Source: CONTRACT 6.5."""

SEBI: Final = 10
GST_PCT: Final = 18
"""Of brokerage, exchange charge and SEBI fee; not of taxes and stamp."""

BROKERAGE_CAP: Final = 20 * RUPEE
BROKERAGE_RATE: Final = 3_000
"""0.03 % up to the cap; MTF pays ten times that rate up to the same cap, options the cap, delivery nothing."""

_VENUE: Final = {"NFO": "NSE", "BFO": "BSE"}
_MARKET: Final[Mapping[str, Market]] = {
    "NSE": "equity",
    "BSE": "equity",
    "CDS": "currency",
    "BCD": "currency",
    "MCX": "commodity",
    "NCO": "commodity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """What one executed order costs, in ten-thousandths of a rupee; fields are Kite's.

    `gst` is all integrated tax, as Kite shows it.
    """

    transaction_tax: int
    transaction_tax_type: Literal["stt", "ctt"]
    exchange_turnover_charge: int
    sebi_turnover_charge: int
    brokerage: int
    stamp_duty: int
    gst: int

    @property
    def total(self) -> int:
        return (
            self.transaction_tax
            + self.exchange_turnover_charge
            + self.sebi_turnover_charge
            + self.brokerage
            + self.stamp_duty
            + self.gst
        )


def charges(
    *,
    exchange: str,
    instrument_type: str,
    product: str,
    transaction_type: Side,
    quantity: int,
    average_price: float,
    on: date,
    multiplier: float = 1.0,
) -> Charges:
    """What Kite's contract note would charge for one executed order of that day.

    `instrument_type` is the master's (EQ, FUT, CE, PE); `multiplier` is units per lot on MCX, whose quantity is
    lots. A day before the first table is charged by it. Raises BadData for an exchange that has no table.
    """
    venue = _VENUE.get(exchange, exchange)
    market = _MARKET.get(venue)
    if market is None:
        raise BadData(f"no charges are known for exchange {exchange!r}: {', '.join(sorted(_MARKET))} are")
    kind = kind_of(instrument_type, product)
    turnover = to_money(quantity * average_price * multiplier)
    exchange_charge = _share(turnover, _rate(EXCHANGE[venue], on, kind))
    sebi, brokerage = _share(turnover, SEBI), _brokerage(turnover, kind, product)
    return Charges(
        transaction_tax=_share(turnover, _tax_rate(market, kind, transaction_type, on)),
        transaction_tax_type="ctt" if market == "commodity" else "stt",
        exchange_turnover_charge=exchange_charge,
        sebi_turnover_charge=sebi,
        brokerage=brokerage,
        stamp_duty=_share(turnover, STAMP_BUY[market].get(kind, 0)) if transaction_type == "BUY" else 0,
        gst=_half_up((brokerage + exchange_charge + sebi) * GST_PCT, 100),
    )


def kind_of(instrument_type: str, product: str) -> Kind:
    """Which column of the charge tables a trade falls under."""
    if instrument_type == "FUT":
        return "futures"
    if instrument_type in ("CE", "PE"):
        return "options"
    return "delivery" if product in ("CNC", "MTF") else "intraday"


def _tax_rate(market: Market, kind: Kind, side: Side, on: date) -> int:
    if market == "currency" or (side == "BUY" and kind != "delivery"):
        return 0
    return _rate(CTT_SELL if market == "commodity" else STT_SELL, on, kind)


def _brokerage(turnover: int, kind: Kind, product: str) -> int:
    if product == "MTF":
        return min(BROKERAGE_CAP, _share(turnover, 10 * BROKERAGE_RATE))
    if kind == "delivery":
        return 0
    return BROKERAGE_CAP if kind == "options" else min(BROKERAGE_CAP, _share(turnover, BROKERAGE_RATE))


def _rate(tables: tuple[Rates, ...], on: date, kind: Kind) -> int:
    in_force = [table for table in tables if table.since <= on] or [tables[0]]
    return in_force[-1].by_kind.get(kind, 0)


def _share(turnover: int, per_crore: int) -> int:
    return _half_up(turnover * per_crore, CRORE)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
