"""What paper trading knows of one order: its life so far, the limit it stands at, when it ends, what it may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import Execution, Quote, protection_price, quote_of, taken
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest, Side
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.squareoff import MAX_EQUITY_QUANTITY
from alphapanda_desktop.trading.paper_rules import CASH_EXCHANGES, bad_input, check_prices, check_quantity

MODIFICATIONS: Final = 25
"""How often Kite lets one order be modified.  Source: CONTRACT 3.2."""


@dataclass(slots=True)
class Entry:
    """One order's life so far."""

    order: Order
    instrument: Instrument
    expires_at: datetime
    history: list[Order] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    modifications: int = 0
    due: datetime | None = None
    """When an order that waits for its market to open is sent; None for one that was sent."""
    protection: float = 0.0
    """Per cent of an order that becomes a limit only when it is sent."""
    rests_since: tuple[float, int | None] | None = None
    """Last price and day volume when it began to rest: only a later trade can come through its limit."""


class Liquidity:
    """Levels of each instrument's newest tick, less what paper orders took: nobody gets the same share twice."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Tick, Quote]] = {}

    def quote(self, tick: Tick) -> Quote:
        """What is left of this tick's quote."""
        seen = self._seen.get(tick.instrument_token)
        if seen is None or seen[0] is not tick:
            seen = self._seen[tick.instrument_token] = (tick, quote_of(tick))
        return seen[1]

    def take(self, tick: Tick, side: Side, quantity: int) -> None:
        """Note that `quantity` was taken from the levels opposite `side`."""
        self._seen[tick.instrument_token] = (tick, taken(self.quote(tick), side, quantity))


def as_limit(request: OrderRequest, instrument: Instrument, tick: Tick | None) -> tuple[str, float]:
    """Order type and limit price that the book shows: Kite turns market orders into limits at the protection price."""
    protection, side = request.market_protection or 0.0, request.transaction_type
    if request.order_type == "MARKET" and tick is not None:
        return "LIMIT", protection_price(side, tick.last_price, protection, instrument)
    if request.order_type == "SL-M":
        return "SL", protection_price(side, request.trigger_price or 0.0, protection, instrument)
    return request.order_type, request.price or 0.0


def protected(entry: Entry, tick: Tick) -> Order:
    """A market order that waited, as the limit order that its protection allows now."""
    order = entry.order
    price = protection_price(order.transaction_type, tick.last_price, entry.protection, entry.instrument)
    return replace(order, order_type="LIMIT", price=price, tags=(*order.tags, "mktp"))


def first_leg(request: OrderRequest) -> tuple[int, dict[str, object]]:
    """Quantity and meta of the first row: of an iceberg only its first leg is created, as Kite does."""
    if request.variety != "iceberg":
        return request.quantity, {"validity_ttl": request.validity_ttl} if request.validity == "TTL" else {}
    size = request.iceberg_quantity or request.quantity
    legs = {
        "leg": 1,
        "legs": request.iceberg_legs or 1,
        "leg_quantity": size,
        "total_quantity": request.quantity,
        "remaining_quantity": request.quantity - size,
    }
    return size, {"iceberg": legs}


def next_leg(entry: Entry, new_id: Callable[[], str], now: datetime) -> Entry | None:
    """The leg of an iceberg that follows a complete one; None after the last, and for other orders."""
    legs, order = entry.order.meta.get("iceberg"), entry.order
    if not isinstance(legs, Mapping) or int(legs["remaining_quantity"]) <= 0:
        return None
    size = min(int(legs["leg_quantity"]), int(legs["remaining_quantity"]))
    rest = {"leg": int(legs["leg"]) + 1, "remaining_quantity": int(legs["remaining_quantity"]) - size}
    order = replace(
        order,
        order_id=new_id(),
        status="PUT ORDER REQ RECEIVED",
        quantity=size,
        pending_quantity=size,
        filled_quantity=0,
        average_price=0.0,
        exchange_order_id=None,
        exchange_timestamp=None,
        exchange_update_timestamp=None,
        order_timestamp=now,
        meta=order.meta | {"iceberg": {**legs, **rest}},
    )
    return Entry(order, entry.instrument, entry.expires_at)


def square_off_orders(
    position: Position, instrument: Instrument, new_id: Callable[[], str], now: datetime
) -> list[Order]:
    """The market orders that close a position of the day, shares in orders of no more than Zerodha puts in one."""
    left, most = abs(position.quantity), MAX_EQUITY_QUANTITY
    sizes = [left]
    if instrument.exchange in CASH_EXCHANGES:
        sizes = [min(most, left - start) for start in range(0, left, most)]
    return [
        Order(
            order_id=new_id(),
            status="PUT ORDER REQ RECEIVED",
            exchange=position.exchange,
            tradingsymbol=position.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type="SELL" if position.quantity > 0 else "BUY",
            quantity=size,
            pending_quantity=size,
            product=position.product,
            order_type="MARKET",
            order_timestamp=now,
            placed_by="RMS",
            status_message="The position of the day is squared off, as Zerodha does.",
            meta={"square_off": True},
        )
        for size in sizes
    ]


def modified(entry: Entry, change: OrderChange, tick: Tick | None) -> Order:
    """The order as it will stand. Raises Rejected for values that Kite would not take."""
    order, instrument = entry.order, entry.instrument
    quantity = order.quantity if change.quantity is None else change.quantity
    check_quantity(quantity, instrument)
    if quantity <= order.filled_quantity:
        raise bad_input(f"Quantity {quantity} is not above the {order.filled_quantity} already filled.")
    order_type, last_price = change.order_type or order.order_type, tick.last_price if tick else None
    price = order.price if change.price is None else change.price
    trigger = order.trigger_price if change.trigger_price is None else change.trigger_price
    if order_type == order.order_type == "SL" and order.status == "OPEN":
        order_type = "LIMIT"
    side = order.transaction_type
    check_prices(instrument, order_type, side, price, trigger, change.market_protection, last_price)
    if order_type in ("MARKET", "SL-M"):
        base = (last_price or 0.0) if order_type == "MARKET" else trigger
        price = protection_price(side, base, change.market_protection or 0.0, instrument)
    stop = order_type in ("SL", "SL-M")
    return replace(
        order,
        quantity=quantity,
        pending_quantity=quantity - order.filled_quantity,
        order_type="SL" if stop else "LIMIT",
        price=price,
        trigger_price=trigger if stop else 0.0,
        validity=change.validity or order.validity,
        disclosed_quantity=order.disclosed_quantity if change.disclosed_quantity is None else change.disclosed_quantity,
        status="TRIGGER PENDING" if stop else "OPEN",
    )


def expiry(order: Order, placed: datetime, closes: datetime) -> datetime:
    """When its validity ends, if the exchange closes at `closes`."""
    minutes = order.meta.get("validity_ttl")
    return min(closes, placed + timedelta(minutes=minutes)) if isinstance(minutes, int) else closes


def placed_at(order: Order) -> datetime:
    """When it was registered; rows that never reached the exchange have one time only."""
    return order.exchange_timestamp or order.order_timestamp or datetime.min.replace(tzinfo=UTC)


def filled_at(fill: Fill) -> datetime:
    return fill.fill_timestamp or datetime.min.replace(tzinfo=UTC)


def in_turn(fill: Fill) -> tuple[datetime, str]:
    """What sorts fills into the order in which they were made."""
    return (filled_at(fill), fill.trade_id)


def priority(entry: Entry) -> tuple[float, str]:
    """Better price first, then older."""
    return (-entry.order.sign * entry.order.price, entry.order.order_id)


def completed(order: Order, fills: list[Fill]) -> list[Fill]:
    """Fills of an order, with one more if the book says that more was filled than they come to."""
    missing = order.filled_quantity - sum(fill.quantity for fill in fills)
    if missing <= 0:
        return fills
    paid = order.average_price * order.filled_quantity - sum(f.average_price * f.quantity for f in fills)
    made_up = Fill(
        trade_id=f"book-{order.order_id}",
        order_id=order.order_id,
        exchange=order.exchange,
        tradingsymbol=order.tradingsymbol,
        transaction_type=order.transaction_type,
        quantity=missing,
        average_price=round(paid / missing, 4),
        product=order.product,
        instrument_token=order.instrument_token,
        exchange_order_id=order.exchange_order_id or "",
        fill_timestamp=order.exchange_update_timestamp or placed_at(order),
    )
    return [*fills, made_up]
