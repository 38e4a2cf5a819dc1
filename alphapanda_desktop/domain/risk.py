"""The desk's own limits, and the one function that applies them before an order is journaled.

Limits are named by scope: what holds for the whole desk bears the plain name, what holds for one strategy or one
instrument says so ("strategy position", "instrument order value"). An order that can only shrink a position passes
every limit of size, count and loss: whoever is in must be able to get out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isfinite
from typing import Final

from alphapanda_desktop.domain.figures import in_lakhs
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import TAG_MAX, OrderRequest
from alphapanda_desktop.domain.positions import DELIVERY, closable
from alphapanda_desktop.domain.units import multiplier_of


class TradingState(StrEnum):
    """The kill switch: ACTIVE lets orders pass, REDUCING only those that shrink a position, HALTED none."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one order and one day of the whole desk may come to; money in rupees.

    0 in the last three is off; in the others it is a limit like any other.
    """

    max_order_quantity: int = 5_000
    max_order_value: float = 25_00_000.0
    max_orders_per_day: int = 500
    max_position_quantity: int = 10_000
    price_band_pct: float = 10.0
    """How far a limit or trigger price may lie from the last price, in per cent."""
    max_working_orders: int = 0
    max_loss_per_day: float = 0.0
    """Net of charges, realised and open together."""
    max_drawdown: float = 0.0
    """How far the day's net result may fall from its peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyLimits:
    """What each run of a strategy may come to by itself; money in rupees, 0 is off."""

    max_order_quantity: int = 0
    max_order_value: float = 0.0
    max_orders_per_day: int = 0
    max_working_orders: int = 0
    max_position_quantity: int = 0
    max_loss_per_day: float = 0.0
    max_drawdown: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentLimits:
    """What may be done in one instrument, all products and strategies together; money in rupees, 0 is off."""

    max_order_quantity: int = 0
    max_order_value: float = 0.0
    max_orders_per_day: int = 0
    max_working_orders: int = 0
    max_position_quantity: int = 0
    price_band_pct: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """All limits in force. `instruments` is by key ("NSE:INFY"), `profile` the name of where they came from."""

    desk: Limits = field(default_factory=Limits)
    strategy: StrategyLimits = field(default_factory=StrategyLimits)
    instruments: Mapping[str, InstrumentLimits] = field(default_factory=dict)
    profile: str = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the desk knows when it judges an order. `last_price` is None where no fresh price is known.

    `position` is the signed quantity held of the same instrument and product. `buying` and `selling` are what the
    live orders in it may still buy and sell, both positive; `working` is the same as one signed number, for who
    knows no more. `orders_today` is every intent journaled since the day began. `strategy_…` is the same of the
    order's own run, `instrument_…` of its instrument in all products. Results are net rupees, None where unknown;
    a peak is the best of the day so far.
    """

    position: int = 0
    working: int = 0
    buying: int = 0
    selling: int = 0
    orders_today: int = 0
    last_price: float | None = None
    state: TradingState = TradingState.ACTIVE
    working_orders: int = 0
    strategy_position: int = 0
    strategy_buying: int = 0
    strategy_selling: int = 0
    strategy_orders_today: int = 0
    strategy_working_orders: int = 0
    instrument_position: int = 0
    instrument_buying: int = 0
    instrument_selling: int = 0
    instrument_orders_today: int = 0
    instrument_working_orders: int = 0
    day_pnl: float | None = None
    day_peak: float = 0.0
    strategy_pnl: float | None = None
    strategy_peak: float = 0.0
    in_holdings: int | None = 0
    """Shares of earlier days that the order's product can be sold from; None where they could not be read."""
    multiplier: float | None = None
    """Rupees of value per rupee of price and unit of quantity, where the broker told it; else domain.units knows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no from one of our own rules. `text` names the rule, the value and the limit."""

    rule: str
    text: str
    value: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule as it was applied to one order: the value found, the limit it was held to, and whether it passed.

    `text` is the refusal in words, empty where the rule let the order pass.
    """

    rule: str
    passed: bool
    value: str
    limit: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One order under examination. `exits` says that it can only shrink a position."""

    request: OrderRequest
    instrument: Instrument
    limits: RiskLimits
    exposure: Exposure
    exits: bool

    @property
    def own(self) -> InstrumentLimits:
        return self.limits.instruments.get(self.request.key, _NO_INSTRUMENT_LIMITS)


DEFAULT_LIMITS: Final = Limits()
_NO_INSTRUMENT_LIMITS: Final = InstrumentLimits()
_EXIT: Final = "exits pass"
"""The limit as it is shown for an order that it does not bind."""


def reduces(request: OrderRequest, exposure: Exposure) -> bool:
    """Whether the order can only shrink what is held, holdings too, working orders on the same side counted.

    A cover order never does: it opens a position of its own, with a stop.
    """
    if request.variety == "co":
        return False
    most = closable(request.product, request.sign, exposure.position, exposure.in_holdings)
    return most is None or request.quantity + _same_side(request, exposure) <= most


def within_held(request: OrderRequest, exposure: Exposure) -> bool:
    """Whether the order by itself only shrinks what is held, whatever works beside it: a target beside a stop does."""
    return reduces(request, replace(exposure, working=0, buying=0, selling=0))


def _same_side(request: OrderRequest, exposure: Exposure) -> int:
    """What live orders on its side may still fill; those on the other side may never do, so they do not count."""
    return max(0, exposure.working * request.sign, exposure.buying if request.sign > 0 else exposure.selling)


def check(
    request: OrderRequest, instrument: Instrument, limits: Limits | RiskLimits, exposure: Exposure
) -> Refusal | None:
    """The first rule that refuses the order, or None when all let it pass."""
    return refusal_of(examine(request, instrument, limits, exposure))


def refusal_of(results: tuple[RuleResult, ...]) -> Refusal | None:
    """The first result that did not pass, as a refusal."""
    for result in results:
        if not result.passed:
            return Refusal(result.rule, result.text, result.value, result.limit)
    return None


def examine(
    request: OrderRequest, instrument: Instrument, limits: Limits | RiskLimits, exposure: Exposure
) -> tuple[RuleResult, ...]:
    """Every rule that is on, with the value it found and the limit; the first that did not pass is the refusal."""
    whole = limits if isinstance(limits, RiskLimits) else RiskLimits(desk=limits)
    asked = _Asked(request, instrument, whole, exposure, reduces(request, exposure))
    return tuple(result for rule in _RULES for result in rule(asked))


# --- state and form --------------------------------------------------------------------------------------------------


def _state(asked: _Asked) -> Iterator[RuleResult]:
    state, request = asked.exposure.state, asked.request
    halted = state is TradingState.HALTED
    text = "Kill switch: trading is halted; no order passes until it is released." if halted else ""
    yield RuleResult("kill switch", not halted, state.value, "not halted", text)
    if state is not TradingState.REDUCING:
        return
    held = _held_words(asked)
    side = f"{request.transaction_type} {request.quantity}"
    text = f"Reducing only: {side} would not shrink the position of {held}{_being_closed(asked)}."
    yield RuleResult("reducing", asked.exits, side, f"shrinks {held}", "" if asked.exits else text)


def _held_words(asked: _Asked) -> str:
    held, product, shares = asked.exposure.position, asked.request.product, asked.exposure.in_holdings
    if product not in DELIVERY or asked.request.sign > 0:
        return f"{held}"
    return f"{held} and {'unread' if shares is None else shares} in the holdings"


def _being_closed(asked: _Asked) -> str:
    """Why an order that is on the closing side closes nothing, where other orders are the reason."""
    working = _same_side(asked.request, asked.exposure)
    if not working or asked.exposure.position * asked.request.sign >= 0:
        return ""
    return f", for working orders are to close {working} of it already: cancel or change them first"


def _form(asked: _Asked) -> Iterator[RuleResult]:
    request, key = asked.request, asked.instrument.key
    tradable = asked.instrument.tradable
    text = "" if tradable else f"{key} is an index and cannot be traded."
    yield RuleResult("tradable", tradable, asked.instrument.segment, "not an index", text)
    length = len(request.tag)
    tagged = 1 <= length <= TAG_MAX
    text = "" if tagged else f"Tag {request.tag!r} has {length} characters, 1 to {TAG_MAX} allowed."
    yield RuleResult("tag", tagged, f"{length} characters", f"1 to {TAG_MAX}", text)
    if request.order_type in ("LIMIT", "SL"):
        yield _given("price", request.order_type, request.price)
    if request.order_type in ("SL", "SL-M"):
        yield _given("trigger", request.order_type, request.trigger_price)


def _given(name: str, order_type: str, price: float | None) -> RuleResult:
    given = bool(price and price > 0 and isfinite(price))
    text = "" if given else f"{order_type} order needs a {name} above 0, {price} given."
    return RuleResult(name, given, str(price), "above 0", text)


def _lots(asked: _Asked) -> Iterator[RuleResult]:
    quantity, lot = asked.request.quantity, asked.instrument.lot
    whole = quantity > 0 and quantity % lot == 0
    text = "" if whole else f"Lot size: quantity {quantity} of {asked.instrument.key} is not a multiple of {lot}."
    yield RuleResult("lot size", whole, str(quantity), f"multiples of {lot}", text)


def _ticks(asked: _Asked) -> Iterator[RuleResult]:
    instrument, tick = asked.instrument, asked.instrument.tick_size
    for name, price in _prices(asked.request):
        fits = isfinite(price) and instrument.on_tick(price)
        said = f"{name.lower()} {price:.10g}"
        text = "" if fits else f"Tick size: {said} of {instrument.key} is not a multiple of {tick:g}."
        yield RuleResult("tick size", fits, said, f"multiples of {tick:g}", text)


def _prices(request: OrderRequest) -> list[tuple[str, float]]:
    named = (("Price", request.price), ("Trigger", request.trigger_price))
    return [(name, price) for name, price in named if price]


# --- size and count --------------------------------------------------------------------------------------------------


def _quantity(asked: _Asked) -> Iterator[RuleResult]:
    scopes = (
        ("order quantity", asked.limits.desk.max_order_quantity, True),
        ("strategy order quantity", _of_strategy(asked, asked.limits.strategy.max_order_quantity), False),
        ("instrument order quantity", asked.own.max_order_quantity, False),
    )
    for rule, limit, always in scopes:
        if always or limit:
            yield _count_held(asked, rule, asked.request.quantity, limit, "asked")


def _value(asked: _Asked) -> Iterator[RuleResult]:
    scopes = (
        ("order value", asked.limits.desk.max_order_value, True),
        ("strategy order value", _of_strategy(asked, asked.limits.strategy.max_order_value), False),
        ("instrument order value", asked.own.max_order_value, False),
    )
    price = _reference_price(asked.request, asked.exposure)
    for rule, limit, always in scopes:
        if not (always or limit):
            continue
        if price is None:
            yield _unpriced(asked, rule, limit)
            continue
        value = asked.request.quantity * _units(asked) * price
        yield _held_to(asked, rule, value, limit, in_lakhs(value), in_lakhs(limit), "asked")


def _units(asked: _Asked) -> float:
    """Units behind a quantity of one; the master's lot size is not that figure, so it counts as told by nobody."""
    told = asked.exposure.multiplier
    return told if told and told != asked.instrument.lot_size else multiplier_of(asked.instrument)


def _reference_price(request: OrderRequest, exposure: Exposure) -> float | None:
    """What a unit may come to: a purchase its limit, a sale also more, if the market pays more."""
    asked = request.price or request.trigger_price
    if asked and exposure.last_price and request.transaction_type == "SELL":
        return max(asked, exposure.last_price)
    return asked or exposure.last_price


def _unpriced(asked: _Asked, rule: str, limit: float) -> RuleResult:
    text = f"no fresh price of {asked.instrument.key} is known, so its value cannot be held against {in_lakhs(limit)}."
    if asked.exits:
        return RuleResult(rule, True, "unknown", _EXIT)
    return RuleResult(rule, False, "unknown", in_lakhs(limit), f"{rule.capitalize()}: {text}")


def _counts(asked: _Asked) -> Iterator[RuleResult]:
    desk, strategy, seen = asked.limits.desk, asked.limits.strategy, asked.exposure
    yield _sent(asked, "orders per day", seen.orders_today, desk.max_orders_per_day)
    if limit := _of_strategy(asked, strategy.max_orders_per_day):
        yield _sent(asked, "strategy orders per day", seen.strategy_orders_today, int(limit))
    if limit := asked.own.max_orders_per_day:
        yield _sent(asked, "instrument orders per day", seen.instrument_orders_today, limit)
    working = (
        ("working orders", seen.working_orders, desk.max_working_orders),
        ("strategy working orders", seen.strategy_working_orders, _of_strategy(asked, strategy.max_working_orders)),
        ("instrument working orders", seen.instrument_working_orders, asked.own.max_working_orders),
    )
    for rule, count, most in working:
        if most:
            yield _count_held(asked, rule, count + 1, most, "would be working")


def _sent(asked: _Asked, rule: str, sent: int, limit: int) -> RuleResult:
    if asked.exits:
        return RuleResult(rule, True, str(sent), _EXIT)
    text = "" if sent < limit else f"{rule.capitalize()}: {sent} sent, {limit} allowed."
    return RuleResult(rule, sent < limit, str(sent), str(limit), text)


def _position(asked: _Asked) -> Iterator[RuleResult]:
    seen, request = asked.exposure, asked.request
    working = _same_side(request, seen)
    yield _after(asked, "position", seen.position, working, asked.limits.desk.max_position_quantity)
    if limit := _of_strategy(asked, asked.limits.strategy.max_position_quantity):
        working = seen.strategy_buying if request.sign > 0 else seen.strategy_selling
        yield _after(asked, "strategy position", seen.strategy_position, working, limit)
    if limit := asked.own.max_position_quantity:
        working = seen.instrument_buying if request.sign > 0 else seen.instrument_selling
        yield _after(asked, "instrument position", seen.instrument_position, working, limit)


def _after(asked: _Asked, rule: str, held: int, working: int, limit: float) -> RuleResult:
    after = abs(held + asked.request.sign * (working + asked.request.quantity))
    return _count_held(asked, rule, after, limit, "would be held")


# --- price -----------------------------------------------------------------------------------------------------------


def _band(asked: _Asked) -> Iterator[RuleResult]:
    if asked.request.order_type == "MARKET":
        return
    scopes = (
        ("price band", asked.limits.desk.price_band_pct, True),
        ("instrument price band", asked.own.price_band_pct, False),
    )
    for rule, limit, always in scopes:
        if always or limit:
            yield from (_within(asked, rule, name, price, limit) for name, price in _prices(asked.request))


def _within(asked: _Asked, rule: str, name: str, price: float, limit: float) -> RuleResult:
    last, allowed = asked.exposure.last_price, f"{limit:g} %"
    if last is None or not last > 0:
        if asked.exits or within_held(asked.request, asked.exposure):
            return RuleResult(rule, True, "unknown", _EXIT)
        text = f"no fresh price of {asked.instrument.key} is known to hold {price:.10g} against, {allowed} allowed."
        return RuleResult(rule, False, "unknown", allowed, f"{rule.capitalize()}: {text}")
    away = abs(price - last) * 100 / last
    inside = away <= limit
    text = f"{name.lower()} {price:.10g} is {away:.2f} % from the last price {last:.10g}, {limit:g} % allowed."
    return RuleResult(rule, inside, f"{away:.2f} %", allowed, "" if inside else f"{rule.capitalize()}: {text}")


# --- the day's result ------------------------------------------------------------------------------------------------


def _results(asked: _Asked) -> Iterator[RuleResult]:
    """The day's loss and drawdown; an unknown result passes here, and the desk shows it as unknown."""
    desk, strategy, seen = asked.limits.desk, asked.limits.strategy, asked.exposure
    yield from results_of("", seen.day_pnl, seen.day_peak, desk.max_loss_per_day, desk.max_drawdown, exits=asked.exits)
    loss = _of_strategy(asked, strategy.max_loss_per_day)
    drawdown = _of_strategy(asked, strategy.max_drawdown)
    yield from results_of("strategy ", seen.strategy_pnl, seen.strategy_peak, loss, drawdown, exits=asked.exits)


def results_of(
    scope: str, pnl: float | None, peak: float, max_loss: float, max_drawdown: float, *, exits: bool = False
) -> Iterator[RuleResult]:
    """Loss and drawdown held to their limits; reaching a limit is too much, as the next loss would pass it."""
    falls = ((f"{scope}loss per day", 0.0, max_loss), (f"{scope}drawdown", peak, max_drawdown))
    for rule, start, limit in falls:
        if not limit:
            continue
        if pnl is None:
            yield RuleResult(rule, True, "unknown", in_lakhs(limit))
            continue
        lost = max(0.0, start - pnl)
        passed, shown = exits or lost < limit, _EXIT if exits else in_lakhs(limit)
        text = "" if passed else f"{rule.capitalize()}: {in_lakhs(lost)} lost, {in_lakhs(limit)} allowed."
        yield RuleResult(rule, passed, in_lakhs(lost), shown, text)


# --- shared ----------------------------------------------------------------------------------------------------------


def _of_strategy(asked: _Asked, limit: float) -> float:
    """The limit where a strategy asked, else 0: an order by hand is held to the desk's limits alone."""
    return limit if asked.request.strategy else 0


def _count_held(asked: _Asked, rule: str, count: int, limit: float, verb: str) -> RuleResult:
    return _held_to(asked, rule, count, limit, str(count), f"{limit:.0f}", verb)


def _held_to(asked: _Asked, rule: str, value: float, limit: float, told: str, allowed: str, verb: str) -> RuleResult:
    """A value that may be as large as the limit, both also as they are shown."""
    if asked.exits:
        return RuleResult(rule, True, told, _EXIT)
    passed = value <= limit
    text = "" if passed else f"{rule.capitalize()}: {told} {verb}, {allowed} allowed."
    return RuleResult(rule, passed, told, allowed, text)


_RULES: Final[tuple[Callable[[_Asked], Iterator[RuleResult]], ...]] = (
    _state, _form, _lots, _ticks, _quantity, _value, _counts, _position, _band, _results,
)  # fmt: skip
