"""What Kite checks before it takes an order, as paper trading applies it; texts follow Kite's (CONTRACT 2.5)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import TAG_MAX, OrderRequest, Side

CASH_EXCHANGES: Final = ("NSE", "BSE")

VARIETIES: Final = ("regular", "amo", "iceberg")
"""Cover orders and auctions are not taken: nothing here is as their exchange sides are."""

ICEBERG_LEGS: Final = (2, 50)
"""Fewest and most legs of an iceberg.  Source: CONTRACT 2.4."""


def underlyings(instruments: Iterable[Instrument]) -> frozenset[str]:
    """Symbols that futures are traded on: their shares end the day in a closing auction."""
    return frozenset(i.name for i in instruments if i.instrument_type == "FUT" and i.exchange in ("NFO", "BFO"))


def bad_input(message: str) -> Rejected:
    """Kite's answer to a value it does not take."""
    return Rejected(message, "InputException", 400)


def check_request(request: OrderRequest, instrument: Instrument, last_price: float | None) -> None:
    """Raise Rejected, as Kite's own checks would before an order id exists."""
    if request.variety not in VARIETIES:
        raise bad_input(f"Paper trading takes {', '.join(VARIETIES)} orders, not {request.variety!r}.")
    if request.variety == "iceberg":
        check_iceberg(request, instrument)
    if not instrument.tradable:
        raise bad_input(f"{instrument.key} is an index and cannot be traded.")
    if len(request.tag) > TAG_MAX:
        raise bad_input(f"Invalid `tag`. It has {len(request.tag)} characters, {TAG_MAX} are allowed.")
    check_product(request.product, instrument)
    check_quantity(request.quantity, instrument)
    check_validity(request, instrument)
    check_prices(
        instrument,
        request.order_type,
        request.transaction_type,
        request.price,
        request.trigger_price,
        request.market_protection,
        last_price,
    )


def check_iceberg(request: OrderRequest, instrument: Instrument) -> None:
    """Raise Rejected for legs that do not come out: their size is the quantity by legs, up to the next whole lot."""
    legs, size = request.iceberg_legs or 0, request.iceberg_quantity or 0
    if not ICEBERG_LEGS[0] <= legs <= ICEBERG_LEGS[1]:
        raise bad_input(f"`iceberg_legs` should be {ICEBERG_LEGS[0]} to {ICEBERG_LEGS[1]}, {legs} given.")
    wanted = math.ceil(request.quantity / legs / instrument.lot) * instrument.lot
    if size != wanted:
        raise bad_input(f"Invalid `iceberg_quantity`. {size} given, {wanted} expected.")
    if request.validity == "IOC":
        raise bad_input("Iceberg orders cannot be IOC.")


def check_product(product: str, instrument: Instrument) -> None:
    """Raise Rejected for a product that the exchange does not have."""
    allowed = ("CNC", "MIS", "MTF") if instrument.exchange in CASH_EXCHANGES else ("NRML", "MIS")
    if product not in allowed:
        raise bad_input(f"Trading in {instrument.exchange} is not allowed using {product} product type.")


def check_quantity(quantity: int, instrument: Instrument) -> None:
    """Raise Rejected unless it is a positive number of whole lots."""
    if quantity <= 0 or quantity % instrument.lot:
        raise bad_input(f"Quantity should be a multiple of the lot size {instrument.lot}, {quantity} given.")


def check_validity(request: OrderRequest, instrument: Instrument) -> None:
    """Raise Rejected for a validity that cannot be kept."""
    if request.validity == "IOC" and instrument.exchange == "MCX":
        raise bad_input("IOC orders are not allowed on MCX.")
    if request.validity == "TTL" and not (request.validity_ttl and request.validity_ttl > 0):
        raise bad_input("Missing or empty field `validity_ttl`")


def check_prices(
    instrument: Instrument,
    order_type: str,
    side: Side,
    price: float | None,
    trigger: float | None,
    protection: float | None,
    last_price: float | None,
) -> None:
    """Raise Rejected for a price, trigger or protection that is missing, off tick, or on the wrong side."""
    if order_type in ("LIMIT", "SL"):
        _check_tick(instrument, "price", price)
    if order_type in ("SL", "SL-M"):
        _check_tick(instrument, "trigger_price", trigger)
        _check_trigger(side, trigger or 0.0, price if order_type == "SL" else None, last_price)
    if order_type in ("MARKET", "SL-M"):
        _check_protection(protection)
    if order_type == "MARKET" and not last_price:
        raise bad_input(f"No price of {instrument.key} is known yet: watch it first, or use a limit order.")


def _check_tick(instrument: Instrument, name: str, price: float | None) -> None:
    if not price or price < 0:
        raise bad_input(f"Missing or empty field `{name}`")
    if not instrument.on_tick(price):
        what = "price" if name == "price" else "trigger price"
        raise bad_input(
            f"Tick size for this script is {instrument.tick_size:g}. Kindly enter {what} in the multiple of tick "
            "size for this script"
        )


def _check_trigger(side: Side, trigger: float, price: float | None, last_price: float | None) -> None:
    above = side == "BUY"
    if price is not None and (trigger > price if above else trigger < price):
        way = "at or below" if above else "at or above"
        raise bad_input(f"Trigger price {trigger:g} for stoploss {side.lower()} orders must be {way} {price:g}.")
    if last_price and (trigger <= last_price if above else trigger >= last_price):
        way = "higher" if above else "lower"
        raise bad_input(
            f"Trigger price for stoploss {side.lower()} orders should be {way} than the last traded price "
            f"({last_price:g})."
        )


def _check_protection(protection: float | None) -> None:
    if not protection:
        raise bad_input(
            "Market orders without market protection are not allowed via API. Please set market protection or use "
            "a Limit order."
        )
    if protection != -1 and not 0 < protection <= 100:
        raise bad_input(f"Invalid `market_protection`. {protection:g} given, -1 or more than 0 up to 100 allowed.")
