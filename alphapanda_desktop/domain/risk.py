"""The desk's own limits, and the one function that applies them before an order is journaled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import TAG_MAX, OrderRequest


class TradingState(StrEnum):
    """The kill switch: ACTIVE lets orders pass, REDUCING only those that shrink a position, HALTED none."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one order and one day may come to; money in rupees."""

    max_order_quantity: int = 5_000
    max_order_value: float = 25_00_000.0
    max_orders_per_day: int = 500
    max_position_quantity: int = 10_000
    price_band_pct: float = 10.0
    """How far a limit or trigger price may lie from the last price, in per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the desk knows when it judges an order. `last_price` is None where no fresh price is known.

    `position` is the signed quantity held of the same instrument and product. `buying` and `selling` are what the
    live orders in it may still buy and sell, both positive; `working` is the same as one signed number, for who
    knows no more. `orders_today` is every intent journaled since the day began.
    """

    position: int = 0
    working: int = 0
    buying: int = 0
    selling: int = 0
    orders_today: int = 0
    last_price: float | None = None
    state: TradingState = TradingState.ACTIVE


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no from one of our own rules. `text` names the rule, the value and the limit."""

    rule: str
    text: str


DEFAULT_LIMITS: Final = Limits()


def reduces(request: OrderRequest, exposure: Exposure) -> bool:
    """Whether the order can only shrink the position held, working orders on the same side counted."""
    if exposure.position * request.sign >= 0:
        return False
    return request.quantity + _same_side(request, exposure) <= abs(exposure.position)


def _same_side(request: OrderRequest, exposure: Exposure) -> int:
    """What live orders on its side may still fill; those on the other side may never do, so they do not count."""
    return max(0, exposure.working * request.sign, exposure.buying if request.sign > 0 else exposure.selling)


def check(request: OrderRequest, instrument: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    """The first rule that refuses the order, or None when all let it pass.

    An order that only shrinks a position is not held against quantity, value and the day's count: whoever is in
    must be able to get out.
    """
    for rule in (_state, _form, _lots, _ticks, _quantity, _value, _per_day, _position, _band):
        refusal = rule(request, instrument, limits, exposure)
        if refusal is not None:
            return refusal
    return None


def _state(request: OrderRequest, _i: Instrument, _l: Limits, exposure: Exposure) -> Refusal | None:
    if exposure.state is TradingState.HALTED:
        return Refusal("kill switch", "Kill switch: trading is halted; no order passes until it is released.")
    if exposure.state is TradingState.REDUCING and not reduces(request, exposure):
        return Refusal(
            "reducing",
            f"Reducing only: {request.transaction_type} {request.quantity} would not shrink "
            f"the position of {exposure.position}.",
        )
    return None


def _form(request: OrderRequest, instrument: Instrument, _l: Limits, _e: Exposure) -> Refusal | None:
    if not instrument.tradable:
        return Refusal("tradable", f"{instrument.key} is an index and cannot be traded.")
    if not request.tag or len(request.tag) > TAG_MAX:
        return Refusal("tag", f"Tag {request.tag!r} has {len(request.tag)} characters, 1 to {TAG_MAX} allowed.")
    if request.order_type in ("LIMIT", "SL") and not (request.price and request.price > 0):
        return Refusal("price", f"{request.order_type} order needs a price above 0, {request.price} given.")
    if request.order_type in ("SL", "SL-M") and not (request.trigger_price and request.trigger_price > 0):
        return Refusal("trigger", f"{request.order_type} order needs a trigger above 0, {request.trigger_price} given.")
    return None


def _lots(request: OrderRequest, instrument: Instrument, _l: Limits, _e: Exposure) -> Refusal | None:
    if request.quantity <= 0 or request.quantity % instrument.lot:
        return Refusal(
            "lot size",
            f"Quantity {request.quantity} of {instrument.key} is not a multiple of its lot of {instrument.lot}.",
        )
    return None


def _ticks(request: OrderRequest, instrument: Instrument, _l: Limits, _e: Exposure) -> Refusal | None:
    for name, price in (("Price", request.price), ("Trigger", request.trigger_price)):
        if price and not instrument.on_tick(price):
            return Refusal(
                "tick size",
                f"{name} {price:g} of {instrument.key} is not a multiple of its tick of {instrument.tick_size:g}.",
            )
    return None


def _quantity(request: OrderRequest, _i: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    if request.quantity > limits.max_order_quantity and not reduces(request, exposure):
        return Refusal(
            "order quantity", f"Order quantity: {request.quantity} asked, {limits.max_order_quantity} allowed."
        )
    return None


def _reference_price(request: OrderRequest, exposure: Exposure) -> float | None:
    """What a unit may come to: a purchase its limit, a sale also more, if the market pays more."""
    asked = request.price or request.trigger_price
    if asked and exposure.last_price and request.transaction_type == "SELL":
        return max(asked, exposure.last_price)
    return asked or exposure.last_price


def _value(request: OrderRequest, instrument: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    if reduces(request, exposure):
        return None
    price = _reference_price(request, exposure)
    if price is None:
        return Refusal(
            "order value",
            f"Order value: no price of {instrument.key} is known, so its value cannot be "
            f"held against {limits.max_order_value:,.2f}.",
        )
    value = request.quantity * instrument.multiplier * price
    if value > limits.max_order_value:
        return Refusal("order value", f"Order value: {value:,.2f} asked, {limits.max_order_value:,.2f} allowed.")
    return None


def _per_day(request: OrderRequest, _i: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    if exposure.orders_today >= limits.max_orders_per_day and not reduces(request, exposure):
        return Refusal(
            "orders per day", f"Orders per day: {exposure.orders_today} sent, {limits.max_orders_per_day} allowed."
        )
    return None


def _position(request: OrderRequest, _i: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    if reduces(request, exposure):
        return None
    after = abs(exposure.position + request.sign * (_same_side(request, exposure) + request.quantity))
    if after > limits.max_position_quantity:
        return Refusal("position", f"Position: {after} would be held, {limits.max_position_quantity} allowed.")
    return None


def _band(request: OrderRequest, instrument: Instrument, limits: Limits, exposure: Exposure) -> Refusal | None:
    last = exposure.last_price
    for name, price in (("Price", request.price), ("Trigger", request.trigger_price)):
        if not price or request.order_type in ("MARKET",):
            continue
        if last is None or last <= 0:
            return Refusal(
                "price band", f"Price band: no last price of {instrument.key} is known to hold {price:g} against."
            )
        away = abs(price - last) * 100 / last
        if away > limits.price_band_pct:
            return Refusal(
                "price band",
                f"Price band: {name.lower()} {price:g} is {away:.2f} % from the last price "
                f"{last:g}, {limits.price_band_pct:g} % allowed.",
            )
    return None
