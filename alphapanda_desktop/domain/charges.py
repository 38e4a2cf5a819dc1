"""Brokerage and taxes of an executed order: dated tables, each with its source.

An estimate for when Kite cannot be asked: `/charges/orders` is the word that counts. Items are worked out exactly,
as fractions, and rounded as Kite rounds them: stamp duty to whole rupees an order, the others not at all. What is
booked is rounded to the ten-thousandth of a rupee. A contract note also rounds the day's transaction tax to whole
rupees, over all orders together, which no single order can tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.units import root_of

Kind = Literal["delivery", "intraday", "futures", "options"]
Market = Literal["equity", "currency", "commodity"]

CRORE: Final = 10_000_000
"""Rates are whole rupees per crore of turnover: 0.00307 % is 307."""

BEGIN: Final = date(2023, 4, 1)
"""The first day that the tables know; earlier days are charged by it."""


class Rates(NamedTuple):
    """Rupees per crore by kind of trade, in force from `since`; `untaxed` is the part of it that bears no GST."""

    since: date
    source: str
    by_kind: Mapping[str, int]
    untaxed: Mapping[str, int] = MappingProxyType({})


STT_SELL: Final = (
    Rates(
        date(2023, 4, 1),
        "Finance Act 2023",
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
"""Commodities transaction tax on a sale; none on a purchase, and none on what the fields bear."""

EXCHANGE: Final[Mapping[str, tuple[Rates, ...]]] = {
    "NSE": (
        Rates(
            date(2023, 4, 1),
            "NSE, 24 Mar 2023, with the investor-protection levy; Kite's sample notes of Jul 2023 to the last digit",
            {"delivery": 335, "intraday": 335, "futures": 200, "options": 5_050},
            untaxed={"delivery": 10, "intraday": 10, "futures": 10, "options": 50},
        ),
        Rates(
            date(2024, 4, 1),
            "Zerodha charge list of the time; whether Kite added the levy to it is not known",
            {"delivery": 322, "intraday": 322, "futures": 188, "options": 4_950},
        ),
        Rates(
            date(2024, 10, 1),
            "NSE charge and investor-protection levy together, as Kite shows them; NSE FA64323, FA73061",
            {"delivery": 307, "intraday": 307, "futures": 183, "options": 3_553},
        ),
    ),
    "BSE": (
        Rates(
            date(2023, 4, 1),
            "CONTRACT 6.5: scrip groups A and B; options the slab that most turnover fell in",
            {"delivery": 375, "intraday": 375, "futures": 0, "options": 500},
        ),
        Rates(
            date(2023, 11, 1),
            "BSE notice of Oct 2023: the slab to 100 crore a month",
            {"delivery": 375, "intraday": 375, "futures": 0, "options": 3_750},
        ),
        Rates(
            date(2024, 5, 13),
            "BSE notice of Apr 2024: the slab to 100 crore a month",
            {"delivery": 375, "intraday": 375, "futures": 0, "options": 4_950},
        ),
        Rates(
            date(2024, 10, 1),
            "BSE notice of 27 Sep 2024: one rate for Sensex and Bankex options; CONTRACT 6.5",
            {"delivery": 375, "intraday": 375, "futures": 0, "options": 3_250},
        ),
    ),
    "CDS": (
        Rates(date(2023, 4, 1), "Zerodha charge list of the time", {"futures": 90, "options": 3_500}),
        Rates(date(2024, 10, 1), "NSE, 1 Oct 2024; CONTRACT 6.5", {"futures": 35, "options": 3_110}),
    ),
    "BCD": (
        Rates(date(2023, 4, 1), "Zerodha charge list of the time", {"futures": 90, "options": 100}),
        Rates(date(2024, 10, 1), "CONTRACT 6.5; its first day as for all others", {"futures": 45, "options": 100}),
    ),
    "MCX": (
        Rates(date(2023, 4, 1), "Kite's samples of Jul 2023; charge lists of the time",
              {"futures": 260, "options": 5_000}),
        Rates(date(2024, 10, 1), "MCX circular of Sep 2024", {"futures": 210, "options": 4_180}),
    ),
    "NCO": (Rates(date(2023, 4, 1), "CONTRACT 6.5, one reading only", {"futures": 10, "options": 100}),),
}  # fmt: skip

STAMP_BUY: Final[Mapping[str, Mapping[str, int]]] = {
    "equity": {"delivery": 1_500, "intraday": 300, "futures": 200, "options": 300},
    "currency": {"futures": 10, "options": 10},
    "commodity": {"futures": 200, "options": 300},
}
"""Stamp duty on a purchase, uniform in India since 1 Jul 2020.  Source: CONTRACT 6.5.

Whole rupees an order, halves up: Kite's sample notes show 0 for 0.084 and 0.0045 rupees, and the public openticker
project found ten notes of 25 Sep 2026 so to the paisa (30 for 30.14, 2 for 1.84).
"""

SEBI: Final = 10
SEBI_AGRI_FUTURES: Final = 1
GST_PCT: Final = 18
"""Of brokerage, exchange charge and SEBI fee; not of taxes and stamp.

On the investor-protection levy since Oct 2024, as Kite's replies of 2025 and 2026 show, and not before, as its
sample notes do.
"""

BROKERAGE_CAP: Final = 20
"""Rupees an executed order, whatever its size and however many fills it took."""
BROKERAGE_RATE: Final = 3_000
"""0.03 % up to the cap; MTF pays ten times that rate up to the same cap, options the cap, delivery nothing."""

AGRICULTURAL: Final = frozenset(
    {"CARDAMOM", "CASTORSEED", "COTTON", "COTTONCNDY", "COTTONOIL", "CPO", "KAPAS", "MENTHAOIL", "PEPPER", "RUBBER"}
)
"""Commodities, by the letters their symbols begin with, that pay no transaction tax and a tenth of the SEBI fee."""

_VENUE: Final = {"NFO": "NSE", "BFO": "BSE"}
_MARKET: Final[Mapping[str, Market]] = {
    "NSE": "equity",
    "BSE": "equity",
    "CDS": "currency",
    "BCD": "currency",
    "MCX": "commodity",
    "NCO": "commodity",
}
EXCHANGES: Final = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO")
_CASH: Final = ("NSE", "BSE")
_OPTION: Final = re.compile(r"\d(CE|PE)$")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactCharges:
    """The same in rupees, to the last digit."""

    transaction_tax: Fraction
    transaction_tax_type: Literal["stt", "ctt"]
    exchange_turnover_charge: Fraction
    sebi_turnover_charge: Fraction
    brokerage: Fraction
    stamp_duty: Fraction
    untaxed: Fraction
    """The part of the exchange charge that bears no GST."""

    @property
    def gst(self) -> Fraction:
        return (self._services - self.untaxed) * GST_PCT / 100

    @property
    def total(self) -> Fraction:
        return self.transaction_tax + self._services + self.stamp_duty + self.gst

    @property
    def _services(self) -> Fraction:
        return self.brokerage + self.exchange_turnover_charge + self.sebi_turnover_charge

    def booked(self) -> Charges:
        """Each item rounded to the nearest ten-thousandth of a rupee, halves up."""
        return Charges(
            transaction_tax=_counts(self.transaction_tax),
            transaction_tax_type=self.transaction_tax_type,
            exchange_turnover_charge=_counts(self.exchange_turnover_charge),
            sebi_turnover_charge=_counts(self.sebi_turnover_charge),
            brokerage=_counts(self.brokerage),
            stamp_duty=_counts(self.stamp_duty),
            gst=_counts(self.gst),
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
    variety: str = "regular",
    tradingsymbol: str = "",
) -> Charges:
    """What Kite's contract note would charge for one executed order of that day.

    `instrument_type` is the master's (EQ, FUT, CE, PE); `multiplier` is units per lot on MCX, whose quantity is
    lots. A day before the first table is charged by it. Raises BadData for an exchange that has no table.
    """
    return exact_charges(
        exchange=exchange,
        instrument_type=instrument_type,
        product=product,
        transaction_type=transaction_type,
        turnover=turnover_of(quantity, average_price, multiplier),
        on=on,
        variety=variety,
        tradingsymbol=tradingsymbol,
    ).booked()


def turnover_of(quantity: int, average_price: float, multiplier: float = 1.0) -> Fraction:
    """Rupees that an execution came to, the price and the multiplier taken as they are written in decimals."""
    return quantity * Fraction(str(average_price)) * Fraction(str(multiplier))


def exact_charges(
    *,
    exchange: str,
    instrument_type: str,
    product: str,
    transaction_type: Side,
    turnover: Fraction,
    on: date,
    variety: str = "regular",
    tradingsymbol: str = "",
    whole_stamp: bool = True,
) -> ExactCharges:
    """The items of one executed order as Kite shows them. `turnover` is rupees, of premium for an option.

    `tradingsymbol` tells agricultural commodities from others; `whole_stamp` rounds the stamp duty to rupees.
    Raises BadData for an exchange without a table.
    """
    venue = _VENUE.get(exchange, exchange)
    market = _MARKET.get(venue)
    if market is None:
        raise BadData(f"no charges are known for exchange {exchange!r}: {', '.join(EXCHANGES)} are")
    kind = kind_of(instrument_type, product, variety)
    rates = _in_force(EXCHANGE[venue], on)
    stamp = _share(turnover, STAMP_BUY[market].get(kind, 0) if transaction_type == "BUY" else 0)
    agri = market == "commodity" and root_of(tradingsymbol) in AGRICULTURAL
    return ExactCharges(
        transaction_tax=_share(turnover, 0 if agri else _tax_rate(market, kind, transaction_type, on)),
        transaction_tax_type="ctt" if market == "commodity" else "stt",
        exchange_turnover_charge=_share(turnover, rates.by_kind.get(kind, 0)),
        untaxed=_share(turnover, rates.untaxed.get(kind, 0)),
        sebi_turnover_charge=_share(turnover, SEBI_AGRI_FUTURES if agri and kind == "futures" else SEBI),
        brokerage=_brokerage(turnover, kind, product),
        stamp_duty=Fraction(rupees_up(stamp)) if whole_stamp else stamp,
    )


def charges_of_part_netted(
    *, exchange: str, transaction_type: Side, turnover: Fraction, netted: Fraction, on: date
) -> ExactCharges:
    """The items of a CNC order in a share of which `netted` rupees were traded the other way on the same day.

    Brokerage is intraday's on the whole order; tax and stamp duty are intraday's on what was netted, and delivery's on
    the rest.  Source: support.zerodha.com, "Why was the brokerage charged on delivery trades?"; the tax on trades that
    are settled without delivery is by law the intraday rate.
    """

    def part(product: str, rupees: Fraction) -> ExactCharges:
        return exact_charges(
            exchange=exchange,
            instrument_type="EQ",
            product=product,
            transaction_type=transaction_type,
            turnover=rupees,
            on=on,
            whole_stamp=False,
        )

    intraday, delivery = part("MIS", netted), part("CNC", turnover - netted)
    return replace(
        part("MIS", turnover),
        transaction_tax=intraday.transaction_tax + delivery.transaction_tax,
        stamp_duty=Fraction(rupees_up(intraday.stamp_duty + delivery.stamp_duty)),
    )


def kind_of(instrument_type: str, product: str, variety: str = "regular") -> Kind:
    """Which column of the charge tables a trade falls under; a cover order is intraday whatever its product."""
    if instrument_type == "FUT":
        return "futures"
    if instrument_type in ("CE", "PE"):
        return "options"
    return "delivery" if product in ("CNC", "MTF") and variety != "co" else "intraday"


def instrument_type_of(exchange: str, tradingsymbol: str) -> str:
    """EQ, FUT, CE or PE by the symbol alone, for who has no master. Raises BadData where it does not tell."""
    if exchange in _CASH:
        return "EQ"
    if tradingsymbol.endswith("FUT"):
        return "FUT"
    option = _OPTION.search(tradingsymbol)
    if option is None:
        raise BadData(f"{tradingsymbol!r} is neither a future (…FUT) nor an option (…CE, …PE), and {exchange} has both")
    return option[1]


def rupees_up(amount: Fraction) -> int:
    """The nearest whole rupee, halves up."""
    return _half_up(amount.numerator, amount.denominator)


def _tax_rate(market: Market, kind: Kind, side: Side, on: date) -> int:
    if market == "currency" or (side == "BUY" and kind != "delivery"):
        return 0
    return _in_force(CTT_SELL if market == "commodity" else STT_SELL, on).by_kind.get(kind, 0)


def _brokerage(turnover: Fraction, kind: Kind, product: str) -> Fraction:
    cap = Fraction(BROKERAGE_CAP)
    if kind == "options":
        return cap
    if kind == "delivery":
        return min(cap, _share(turnover, 10 * BROKERAGE_RATE)) if product == "MTF" else Fraction(0)
    return min(cap, _share(turnover, BROKERAGE_RATE))


def _in_force(tables: tuple[Rates, ...], on: date) -> Rates:
    return ([table for table in tables if table.since <= on] or [tables[0]])[-1]


def _share(turnover: Fraction, per_crore: int) -> Fraction:
    return turnover * per_crore / CRORE


def _counts(rupees: Fraction) -> int:
    return rupees_up(rupees * RUPEE)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
