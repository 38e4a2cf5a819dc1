"""What a ticket can ask for, as data: the varieties with their types, validities and products. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderType, Product, Validity
from alphapanda_desktop.domain.portfolio import GTT_PRODUCTS
from alphapanda_desktop.ui.strategies import products_for

KindName = Literal["regular", "amo", "co", "iceberg", "gtt", "oco"]
"""A variety of Kite's orders, or one of the two good-till-triggered ones."""

ALL_TYPES: Final[tuple[OrderType, ...]] = ("MARKET", "LIMIT", "SL", "SL-M")
PRICED: Final = frozenset({"LIMIT", "SL"})
TRIGGERED: Final = frozenset({"SL", "SL-M"})
CASH: Final = ("NSE", "BSE")
TYPE_TIPS: Final[dict[OrderType, str]] = {
    "MARKET": "At the best price there is, within the market protection",
    "LIMIT": "At this price or better",
    "SL": "Stop: a LIMIT order once the trigger is reached",
    "SL-M": "Stop: a MARKET order once the trigger is reached",
}
VALIDITY_TIPS: Final[dict[Validity, str]] = {
    "DAY": "Works until the end of the day",
    "IOC": "Fills at once what it can; the rest is cancelled",
    "TTL": "Works for so many minutes",
}
PRODUCT_TIPS: Final[dict[str, str]] = {
    "MIS": "MIS · intraday",
    "CNC": "CNC · delivery",
    "MTF": "MTF · funded",
    "NRML": "NRML · overnight",
}


@dataclass(frozen=True, slots=True)
class OrderKind:
    """One thing that a ticket can ask for. `products` narrows those of the exchange; () leaves them."""

    name: KindName
    title: str
    tip: str
    types: tuple[OrderType, ...]
    validities: tuple[Validity, ...] = ("DAY",)
    products: tuple[str, ...] = ()

    @property
    def is_gtt(self) -> bool:
        return self.name in ("gtt", "oco")

    def products_of(self, instrument: Instrument) -> list[Product]:
        """Products that it takes in this instrument, the usual one first."""
        return [p for p in products_for([instrument]) if not self.products or p in self.products]

    def validities_of(self, instrument: Instrument) -> list[Validity]:
        """MCX takes no IOC from programs.  Source: CONTRACT 2.4."""
        return [v for v in self.validities if v != "IOC" or instrument.exchange != "MCX"]


KINDS: Final[dict[KindName, OrderKind]] = {
    kind.name: kind
    for kind in (
        OrderKind("regular", "Regular", "An order for now", ALL_TYPES, ("DAY", "IOC", "TTL")),
        OrderKind("amo", "AMO", "After market: kept, and sent when the next session opens", ALL_TYPES),
        OrderKind("co", "Cover", "An entry with a stop-loss that Kite holds", ("MARKET", "LIMIT"), products=("MIS",)),
        OrderKind(
            "iceberg", "Iceberg", "In legs, one after the other: the market sees one at a time", ("LIMIT", "MARKET"),
            ("DAY", "TTL"),
        ),
        OrderKind(
            "gtt", "GTT", "Good till triggered: a LIMIT order once a price is reached, for up to a year", ("LIMIT",),
            products=GTT_PRODUCTS,
        ),
        OrderKind(
            "oco", "OCO", "GTT with two triggers, stop-loss and target: the one that is reached first ends the other",
            ("LIMIT",), products=GTT_PRODUCTS,
        ),
    )
}  # fmt: skip


def legs_of(quantity: int, legs: int, lot: int) -> int:
    """Quantity of each leg of an iceberg: the share of the whole, up to full lots."""
    per_leg = -(-quantity // legs)
    return -(-per_leg // lot) * lot
