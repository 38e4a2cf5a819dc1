"""What exchanges and Zerodha take, rule by rule with its date: form, lot, tick, product, session, auction, validity.

`comply` judges every rule and says what it saw, passed or not: the first that failed is the refusal, all of them are
the answer to "why this order". A rule that does not concern the order is absent. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from math import isfinite
from typing import Final

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.calendar import EXCHANGES
from alphapanda_desktop.domain.compliance import OrderLimits, limits_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.order_hours import Case, in_auction, in_continuous, in_session, result
from alphapanda_desktop.domain.orders import TAG_MAX, OrderRequest
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.slicing import cut, freeze_table, largest_order

FRAMEWORK: Final = date(2026, 4, 1)
"""Since when market orders need protection and MCX refuses IOC from programs.  Source: CONTRACT 2.4, 2.6, 3.4."""

ICEBERG_LEGS: Final[tuple[tuple[date, int, int, str], ...]] = (
    (date(2022, 4, 4), 2, 10, "icebergs began on 4 Apr 2022; 10 is general knowledge"),
    (date(2026, 1, 1), 2, 50, "Kite Connect documentation of 2026, CONTRACT 2.4; the day it was raised is unknown"),
)
"""Fewest and most legs, with since when and by what source."""

TTL_MINUTES: Final = (1, 1_440)
DISCLOSED_SHARE: Final = 10
"""A disclosed quantity is at least this per cent of the whole.  Source: exchange rules; CONTRACT 2.4."""

_PRODUCTS: Final = {"cash": ("CNC", "MIS", "MTF"), "derivatives": ("NRML", "MIS")}

_Rule = Callable[[Case], RuleResult | None]


def comply(
    request: OrderRequest,
    instrument: Instrument,
    *,
    at: datetime,
    has_derivatives: bool = False,
    hours: bool = True,
    limits: OrderLimits | None = None,
    changing: bool = False,
) -> tuple[RuleResult, ...]:
    """Every rule that concerns the order, passed or not, in the order in which they are judged.

    `at` is aware; `has_derivatives` marks a cash stock with a closing auction. `hours=False` leaves out what depends
    on the hour: the practice exchange never closes. `changing` leaves out how an order enters: the request is one that
    rests already, as it would be after a change.
    """
    local = at.astimezone(IST)
    told = hours and not changing
    phase = calendar.phase(instrument.exchange, at, has_derivatives=has_derivatives) if told else None
    case = Case(request, instrument, local, phase, limits or limits_on(local.date()), changing)
    return tuple(result for rule in _RULES if (result := rule(case)) is not None)


def failed(results: tuple[RuleResult, ...]) -> RuleResult | None:
    """The first rule that refuses, None when all passed."""
    return next((result for result in results if not result.passed), None)


def _tradable(case: Case) -> RuleResult:
    instrument = case.instrument
    known = instrument.exchange in EXCHANGES
    what = instrument.exchange if instrument.tradable else "an index"
    return result(
        "exchange",
        known and instrument.tradable,
        what,
        " ".join(EXCHANGES),
        f"Exchange: {instrument.key} is {what}; orders are taken on {', '.join(EXCHANGES)}.",
    )


def _tag(case: Case) -> RuleResult:
    tag = case.request.tag
    return result(
        "tag",
        0 < len(tag) <= TAG_MAX,
        len(tag),
        f"1 to {TAG_MAX}",
        f"Tag {tag!r} has {len(tag)} characters, 1 to {TAG_MAX} allowed.",
    )


def _lot(case: Case) -> RuleResult:
    quantity, lot = case.request.quantity, case.instrument.lot
    return result(
        "lot size",
        quantity > 0 and quantity % lot == 0,
        quantity,
        f"multiples of {lot}",
        f"Lot size: quantity {quantity} of {case.instrument.key} is no multiple of its lot of {lot}.",
    )


def _tick(case: Case) -> RuleResult | None:
    tick = case.instrument.tick_size
    prices = [price for price in (case.request.price, case.request.trigger_price) if price]
    if not prices or not tick:
        return None
    off = [price for price in prices if not on_tick(price, tick)]
    return result(
        "tick size",
        not off,
        ", ".join(f"{price:.10g}" for price in off or prices),
        f"multiples of {tick:g}",
        f"Tick size: {', '.join(f'{price:.10g}' for price in off)} of {case.instrument.key} "
        f"is no multiple of its tick of {tick:g}.",
    )


def on_tick(price: float, tick_size: float) -> bool:
    """Whether a price is a whole number of ticks, counted in ten-millionths of a rupee."""
    units = price * 10_000_000
    return isfinite(units) and round(units) % round(tick_size * 10_000_000) == 0


def _product(case: Case) -> RuleResult:
    allowed = _PRODUCTS["cash" if case.cash else "derivatives"]
    asked, exchange = case.request.product, case.instrument.exchange
    return result(
        "product",
        asked in allowed,
        asked,
        " ".join(allowed),
        f"Product: {asked} is not taken on {exchange}; {' and '.join(allowed)} are.",
    )


def _prices(case: Case) -> RuleResult:
    request = case.request
    kind = request.order_type
    needs = (("price", request.price, kind in ("LIMIT", "SL")), ("trigger", request.trigger_price, _stops(request)))
    missing = [name for name, value, needed in needs if needed and not (value and value > 0)]
    given = f"price {request.price:.10g}" if request.price else "no price"
    return result(
        "prices of the type",
        not missing,
        given if not request.trigger_price else f"{given}, trigger {request.trigger_price:.10g}",
        kind,
        f"Order type: {kind} needs a {' and a '.join(missing)} above 0.",
    )


def _stops(request: OrderRequest) -> bool:
    return request.order_type in ("SL", "SL-M") or request.variety == "co"


def _stop_limit(case: Case) -> RuleResult | None:
    request = case.request
    if request.order_type != "SL" or not request.price or not request.trigger_price:
        return None
    room = (request.price - request.trigger_price) * request.sign
    side = "at or above" if request.sign > 0 else "at or below"
    return result(
        "stop and its limit",
        room >= 0,
        f"{request.price:.10g}",
        f"{side} {request.trigger_price:.10g}",
        f"Stop: the price {request.price:.10g} of a {request.transaction_type} stop must lie {side} "
        f"its trigger {request.trigger_price:.10g}.",
    )


def _protection(case: Case) -> RuleResult | None:
    request = case.request
    if request.order_type not in ("MARKET", "SL-M") or (case.changing and request.order_type == "SL-M"):
        return None  # a stop that rests was protected when it was placed; its book row may still say 0
    asked = request.market_protection or 0.0
    required = case.day >= FRAMEWORK
    passed = asked == -1 or 0 < asked <= 100 or (asked == 0 and not required)
    return result(
        "market protection",
        passed,
        f"{asked:g}",
        "-1, or above 0 to 100" if required else "-1, or 0 to 100",
        f"Market protection: {asked:g} given, -1 (automatic) or a percentage above 0 and up to 100 is needed on "
        f"{request.order_type} since {FRAMEWORK:%d %b %Y}.",
    )


def _validity(case: Case) -> RuleResult:
    request = case.request
    allowed = [validity for validity in ("DAY", "IOC", "TTL") if not _validity_problem(case, validity)]
    return result(
        "validity",
        request.validity in allowed,
        request.validity,
        " ".join(allowed),
        f"Validity: {request.validity} is not taken{_validity_problem(case, request.validity)}.",
    )


def _validity_problem(case: Case, validity: str) -> str:
    exchange, variety = case.instrument.exchange, case.request.variety
    if validity == "IOC" and exchange == "MCX" and case.day >= FRAMEWORK:
        return f" on MCX from programs since {FRAMEWORK:%d %b %Y}"
    if validity == "IOC" and variety == "iceberg":
        return " for an iceberg order"
    if validity == "TTL" and variety == "amo":
        return " for an after-market order"
    return ""


def _ttl(case: Case) -> RuleResult | None:
    request = case.request
    if request.validity != "TTL":
        return None
    low, high = TTL_MINUTES
    minutes = request.validity_ttl or 0
    return result(
        "minutes",
        low <= minutes <= high,
        minutes,
        f"{low} to {high}",
        f"Validity in minutes: {minutes} given, {low} to {high} allowed.",
    )


def _disclosed(case: Case) -> RuleResult | None:
    request = case.request
    shown = request.disclosed_quantity
    if not shown:
        return None
    if not case.cash:
        return result(
            "disclosed quantity", False, shown, 0, f"Disclosed quantity: {shown} given; it is for shares only."
        )
    least = -(-request.quantity * DISCLOSED_SHARE // 100)
    return result(
        "disclosed quantity",
        least <= shown <= request.quantity,
        shown,
        f"{least} to {request.quantity}",
        f"Disclosed quantity: {shown} given, {least} ({DISCLOSED_SHARE} %) to {request.quantity} allowed.",
    )


def _variety(case: Case) -> RuleResult | None:
    request = case.request
    if request.variety == "co":
        fits = request.product == "MIS" and request.order_type in ("MARKET", "LIMIT")
        return result(
            "cover order",
            fits,
            f"{request.product} {request.order_type}",
            "MIS MARKET, MIS LIMIT",
            f"Cover order: {request.product} {request.order_type} given, MIS MARKET or MIS LIMIT allowed.",
        )
    if request.variety == "auction" and not case.cash:
        return result("variety", False, "auction", "shares", "Variety: auction orders are for shares only.")
    return None


def iceberg_legs(on: date) -> tuple[int, int]:
    """Fewest and most legs on that day."""
    row = next((row for row in reversed(ICEBERG_LEGS) if row[0] <= on), ICEBERG_LEGS[0])
    return row[1], row[2]


def _legs(case: Case) -> RuleResult | None:
    request = case.request
    if request.variety != "iceberg" or case.changing:
        return None
    low, high = iceberg_legs(case.day)
    legs = request.iceberg_legs or 0
    return result(
        "iceberg legs", low <= legs <= high, legs, f"{low} to {high}", f"Iceberg: {legs} legs, {low} to {high} allowed."
    )


def _leg_size(case: Case) -> RuleResult | None:
    request = case.request
    if request.variety != "iceberg" or case.changing or not request.iceberg_legs or request.quantity <= 0:
        return None
    lot = case.instrument.lot
    leg = -(-request.quantity // (lot * request.iceberg_legs)) * lot
    return result(
        "iceberg quantity",
        request.iceberg_quantity == leg,
        request.iceberg_quantity,
        leg,
        f"Iceberg: {request.iceberg_legs} legs of {request.quantity} are {leg} each, {request.iceberg_quantity} given.",
    )


def _freeze(case: Case) -> RuleResult | None:
    request = case.request
    most = largest_order(case.instrument, case.day, request.price)
    if most is None:
        return None
    each = request.iceberg_quantity if request.variety == "iceberg" and request.iceberg_quantity else request.quantity
    parts = len(cut(request.quantity, most)) if request.quantity > 0 else 0
    source = "Zerodha's figure for shares" if case.cash else freeze_table(case.day).source
    return result(
        "freeze quantity",
        each <= most,
        each,
        most,
        f"Freeze quantity: {each} asked, {most} allowed in one order; {parts} orders would hold it, "
        f"{case.limits.autoslice_max} are allowed at a time ({source}).",
    )


_RULES: Final[tuple[_Rule, ...]] = (
    _tradable,
    _tag,
    _lot,
    _prices,
    _tick,
    _stop_limit,
    _product,
    _variety,
    _protection,
    _validity,
    _ttl,
    _disclosed,
    _legs,
    _leg_size,
    _freeze,
    in_session,
    in_auction,
    in_continuous,
)
