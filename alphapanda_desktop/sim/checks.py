"""What Kite refuses before it gives an order id: fields, products, lots, prices, bands, stops, freeze quantities.

Texts are Kite's where one is known (CONTRACT 2.4 to 2.7); the order of checks is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Final

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import TAG_MAX, Side
from alphapanda_desktop.sim.answers import KiteError, bad_input, missing
from alphapanda_desktop.sim.margins import CASH, COMMODITY

VARIETIES: Final = ("regular", "amo", "co", "iceberg", "auction")
_CHOICES: Final = {
    "transaction_type": ("BUY", "SELL"),
    "order_type": ("MARKET", "LIMIT", "SL", "SL-M"),
    "product": ("CNC", "NRML", "MIS", "MTF"),
    "validity": ("DAY", "IOC", "TTL"),
}
_REQUIRED: Final = ("tradingsymbol", "exchange", "transaction_type", "order_type", "quantity", "product")

ICEBERG_LEGS: Final = (2, 50)
SLICES_MAX: Final = 10
EQUITY_UNITS_MAX: Final = 100_000
EQUITY_VALUE_MAX: Final = 100_000_000.0
FREEZE: Final = {
    "NIFTY": 1800, "BANKNIFTY": 600, "FINNIFTY": 1800, "MIDCPNIFTY": 2800, "NIFTYNXT50": 600, "SENSEX": 1000,
    "BANKEX": 900,
}  # fmt: skip
FREEZE_LOTS: Final = 40
"""Lots for every derivative that the exchanges' index table does not name."""

AMO: Final = {
    "NSE": (time(16), time(8, 58)), "BSE": (time(16), time(8, 58)),
    "NFO": (time(15, 45), time(9, 10)), "BFO": (time(15, 45), time(9, 10)),
    "CDS": (time(17), time(8, 59)), "BCD": (time(17), time(8, 59)),
    "MCX": (time(23, 30), time(8, 58)), "NCO": (time(23, 30), time(8, 58)),
}  # fmt: skip
"""When after market orders are taken on a trading day, from and until, Indian time; on commodities from the day's own
close.  Source: CONTRACT 6.2."""

_NO_PROTECTION: Final = (
    "Market orders without market protection are not allowed via API. "
    "Please set market protection or use a Limit order."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A placement whose fields have been read and agree with one another; prices rupees."""

    instrument: Instrument
    variety: str
    transaction_type: Side
    order_type: str
    product: str
    quantity: int
    price: float = 0.0
    trigger_price: float = 0.0
    validity: str = "DAY"
    validity_ttl: int = 0
    disclosed_quantity: int = 0
    market_protection: float = 0.0
    iceberg_legs: int = 0
    leg_quantity: int = 0
    auction_number: str | None = None
    tag: str | None = None
    autoslice: bool = False

    @property
    def sign(self) -> int:
        return 1 if self.transaction_type == "BUY" else -1


def read_ask(
    variety: str, form: Mapping[str, str], by_key: Callable[[str], Instrument | None], *, protection: bool
) -> Ask:
    """The order a form asks for; KiteError for what does not depend on the market's state."""
    if variety not in VARIETIES:
        raise bad_input("Invalid `variety`.")
    for name in _REQUIRED:
        if not form.get(name):
            raise missing(name)
    for name, allowed in _CHOICES.items():
        if form.get(name) and form[name] not in allowed:
            raise bad_input(f"Invalid `{name}`.")
    instrument = by_key(f"{form['exchange']}:{form['tradingsymbol']}")
    if instrument is None or not instrument.tradable:
        raise bad_input("The instrument you are placing an order for has either expired or does not exist.")
    ask = Ask(
        instrument=instrument,
        variety=variety,
        transaction_type="BUY" if form["transaction_type"] == "BUY" else "SELL",
        order_type=form["order_type"],
        product=form["product"],
        quantity=whole(form, "quantity"),
        price=0.0 if form["order_type"] in ("MARKET", "SL-M") else number(form, "price"),
        trigger_price=number(form, "trigger_price"),
        validity=form.get("validity") or "DAY",
        validity_ttl=whole(form, "validity_ttl"),
        disclosed_quantity=whole(form, "disclosed_quantity"),
        market_protection=number(form, "market_protection"),
        auction_number=form.get("auction_number") or None,
        tag=form.get("tag") or None,
        autoslice=form.get("autoslice", "").lower() == "true",
    )
    _check_product(ask)
    _check_quantity(ask)
    _check_prices(ask, protection=protection)
    _check_extras(ask)
    return _check_variety(ask, form)


def number(form: Mapping[str, str], name: str) -> float:
    """A field as a number, 0 where it is absent; KiteError for anything else."""
    try:
        value = float(form.get(name) or 0)
    except ValueError:
        raise bad_input(f"Invalid `{name}`.") from None
    if not math.isfinite(value):
        raise bad_input(f"Invalid `{name}`.")
    return value


def whole(form: Mapping[str, str], name: str) -> int:
    """A field as a whole number, 0 where it is absent; KiteError for anything else."""
    value = number(form, name)
    if not value.is_integer() or value < 0:
        raise bad_input(f"Invalid `{name}`.")
    return int(value)


def _check_product(ask: Ask) -> None:
    cash = ask.instrument.exchange in CASH
    allowed = ("CNC", "MIS", "MTF") if cash else ("NRML", "MIS")
    if ask.product not in allowed:
        raise bad_input(f"Trading in {ask.instrument.exchange} is not allowed using {ask.product} product type.")
    if ask.variety == "co" and ask.product != "MIS":
        raise bad_input("Cover orders are allowed with MIS product type only.")


def _check_quantity(ask: Ask) -> None:
    lot = max(1, ask.instrument.lot_size)
    if ask.quantity < 1:
        raise bad_input("Invalid `quantity`.")
    if ask.quantity % lot and ask.instrument.exchange != "MCX":
        raise bad_input(f"Invalid `quantity`. Quantity should be in multiples of the lot size {lot}.")
    shown = ask.disclosed_quantity
    if shown and (ask.instrument.exchange not in CASH or shown > ask.quantity or shown * 10 < ask.quantity):
        raise bad_input("Disclosed quantity should be between 10% and 100% of the quantity, and is for equity only.")


def _check_prices(ask: Ask, *, protection: bool) -> None:
    if ask.order_type in ("LIMIT", "SL") and ask.price <= 0:
        raise missing("price")
    if (ask.order_type in ("SL", "SL-M") or ask.variety == "co") and ask.trigger_price <= 0:
        raise missing("trigger_price")
    if ask.order_type in ("MARKET", "SL-M"):
        check_protection(ask.market_protection, required=protection)
    if ask.order_type == "SL":
        check_stop_limit(ask.transaction_type, ask.price, ask.trigger_price)


def check_protection(percent: float, *, required: bool) -> None:
    """KiteError unless it is -1, or above 0 and at most 100; 0 is none."""
    if percent == 0 and required:
        raise bad_input(_NO_PROTECTION)
    if percent != -1 and not 0 <= percent <= 100:
        raise bad_input("Invalid `market_protection`.")


def check_stop_limit(side: Side, price: float, trigger_price: float) -> None:
    """KiteError unless a stop's limit lies on the far side of its trigger."""
    if side == "BUY" and trigger_price > price:
        raise bad_input("Trigger price should be lower than or equal to the price for buy orders.")
    if side == "SELL" and trigger_price < price:
        raise bad_input("Trigger price should be higher than or equal to the price for sell orders.")


def _check_extras(ask: Ask) -> None:
    if ask.tag and len(ask.tag) > TAG_MAX:
        raise bad_input(f"Invalid `tag`. Tags can be at most {TAG_MAX} characters.")
    if ask.validity == "IOC" and ask.instrument.exchange == "MCX":
        raise bad_input("IOC validity is not allowed for MCX orders placed via API.")
    if ask.validity == "TTL" and ask.validity_ttl < 1:
        raise missing("validity_ttl")


def _check_variety(ask: Ask, form: Mapping[str, str]) -> Ask:
    if ask.variety == "auction" and not ask.auction_number:
        raise missing("auction_number")
    if ask.variety == "co" and ask.order_type not in ("MARKET", "LIMIT"):
        raise bad_input("Cover orders are MARKET or LIMIT orders.")
    if ask.variety == "amo" and ask.validity == "TTL":
        raise bad_input("TTL validity is not allowed for AMO.")
    return _as_iceberg(ask, form) if ask.variety == "iceberg" else ask


def _as_iceberg(ask: Ask, form: Mapping[str, str]) -> Ask:
    legs, asked = whole(form, "iceberg_legs"), whole(form, "iceberg_quantity")
    low, high = ICEBERG_LEGS
    if not low <= legs <= high:
        raise bad_input(f"Invalid `iceberg_legs`. Iceberg orders have {low} to {high} legs.")
    lot = max(1, ask.instrument.lot_size)
    leg = math.ceil(ask.quantity / lot / legs) * lot
    if asked != leg:
        raise bad_input(f"Invalid `iceberg_quantity`. {legs} legs of {ask.quantity} are {leg} each.")
    if ask.validity == "IOC":
        raise bad_input("IOC validity is not allowed for iceberg orders.")
    return replace(ask, iceberg_legs=legs, leg_quantity=leg)


def freeze_quantity(instrument: Instrument) -> int:
    """The largest quantity of one order, in whole lots."""
    if instrument.exchange in CASH:
        return EQUITY_UNITS_MAX
    lot = max(1, instrument.lot_size)
    limit = FREEZE.get(instrument.name, FREEZE_LOTS * lot) if instrument.exchange in ("NFO", "BFO") else 10_000
    return max(lot, limit // lot * lot)


def check_size(ask: Ask, quantity: int, price: float) -> None:
    """KiteError above the exchanges' freeze quantity, and above Zerodha's cap on equity."""
    if ask.instrument.exchange in CASH:
        if quantity > EQUITY_UNITS_MAX:
            raise bad_input("Maximum quantity per order for Equity is 1,00,000")
        if quantity * price > EQUITY_VALUE_MAX:
            raise bad_input("Maximum value per order for Equity is 10,00,00,000")
        return
    limit, lot = freeze_quantity(ask.instrument), max(1, ask.instrument.lot_size)
    if quantity > limit:
        raise bad_input(
            f"The order quantity {quantity} ({quantity // lot} lots) is higher than the maximum quantity of "
            f"{limit} ({limit // lot} lots) allowed by the exchanges. You can use iceberg orders to place "
            f"larger orders."
        )


def check_tick(instrument: Instrument, price: float, what: str, *, old_ticks: bool) -> None:
    """KiteError for a price between two ticks. `old_ticks` takes the 0.05 of all cash stocks before April 2025."""
    tick = 0.05 if old_ticks and instrument.exchange in CASH else instrument.tick_size
    if not tick:
        return
    count = price / tick
    if abs(count - round(count)) > 1e-3:
        decimals = 4 if tick < 0.01 else 2
        raise bad_input(
            f"Tick size for this script is {tick:.{decimals}f}. "
            f"Kindly enter {what} in the multiple of tick size for this script"
        )


def check_band(price: float, band: tuple[float, float]) -> None:
    """KiteError for a price outside the day's circuit band."""
    lower, upper = band
    if price < lower - 1e-9:
        raise bad_input(
            f"Your order price is lower than the current lower circuit limit of {lower:g}. "
            "Place an order within the daily range."
        )
    if price > upper + 1e-9:
        raise bad_input(
            f"Your order price is higher than the current upper circuit limit of {upper:g}. "
            "Place an order within the daily range."
        )


def check_trigger(side: Side, trigger_price: float, last_price: float, band: tuple[float, float]) -> None:
    """KiteError for a stop on the wrong side of the last price, or beyond the band."""
    lower, upper = band
    if side == "BUY" and trigger_price > upper:
        raise bad_input(
            "Trigger price for stoploss buy orders cannot be above the upper circuit price. "
            f"Please enter a trigger price below {upper:g}."
        )
    if side == "SELL" and trigger_price < lower:
        raise bad_input(
            "Trigger price for stoploss sell orders cannot be below the lower circuit price. "
            f"Please enter a trigger price above {lower:g}."
        )
    wrong = wrong_side(side, trigger_price, last_price)
    if wrong:
        raise bad_input(wrong)


def wrong_side(side: Side, trigger_price: float, last_price: float) -> str:
    """What is wrong with a stop that would trigger at once, or nothing."""
    if side == "BUY" and trigger_price <= last_price:
        return f"Trigger price for stoploss buy orders should be higher than the last traded price ({last_price:g})."
    if side == "SELL" and trigger_price >= last_price:
        return f"Trigger price for stoploss sell orders should be lower than the last traded price ({last_price:g})."
    return ""


def check_amo(exchange: str, at: datetime) -> None:
    """KiteError for an after market order outside its window; `at` is Indian time."""
    clock = at.time()
    if time(0) <= clock < time(5, 30):
        raise bad_input(
            "Our order management system is under scheduled maintenance. Try placing your AMO order after 5.30 AM."
        )
    session = calendar.session_on(exchange, at.date())
    start, end = AMO[exchange]
    if session is None or clock < end:
        return
    if exchange in COMMODITY:
        start = session.close.astimezone(at.tzinfo).time()
    if clock < start:
        raise bad_input(
            f"After market orders (AMO) for {exchange} are accepted after market hours: "
            f"from {start:%H:%M} to {end:%H:%M}."
        )


def static_ip_refusal(setting: str, address: str) -> KiteError | None:
    """403 for an order from an address that is not registered; `setting` is the switch `static_ip`."""
    if setting == "off":
        return None
    registered = [one.strip() for one in setting.split(",")] if setting != "on" else []
    if not registered:
        text = "No IPs configured for this app. Add allowed IPs on the Kite developer console."
    elif address in registered:
        return None
    else:
        text = (
            f"IP ({address}) is not allowed to place orders for this app. "
            "Update allowed IPs on the Kite developer console."
        )
    return KiteError(403, "PermissionException", text)
