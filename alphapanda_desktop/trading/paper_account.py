"""A paper trader's money and positions, all of it made from fills and conversions.

Charges leave the cash with each fill, by the dated tables of `domain.charges` and per executed order as the contract
note has them. Margins are stand-ins, because Kite's SPAN files are not public.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from alphapanda_desktop.domain.charges import charges, instrument_type_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.margins import margin
from alphapanda_desktop.domain.orders import Fill, Order, Side
from alphapanda_desktop.domain.positions import RUPEE, Position, add_fill, to_money
from alphapanda_desktop.domain.squareoff import FEE
from alphapanda_desktop.trading.paper_holdings import PaperHoldings

SQUARED_OFF: Final = "sq-"
"""How the trade id of a fill begins that a square-off made: each of its orders costs a fee besides."""

PositionId = tuple[str, str, str]
FindInstrument = Callable[[str], Instrument | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A position's move to another product, as it is done and as the journal keeps it."""

    at: datetime
    exchange: str
    tradingsymbol: str
    product: str
    quantity: int
    to_product: str

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def id(self) -> PositionId:
        return (self.exchange, self.tradingsymbol, self.product)


@dataclass(slots=True)
class _Bill:
    """What one executed order came to so far: units, rupees traded before the multiplier, charges."""

    quantity: int = 0
    value: float = 0.0
    charged: int = 0


class PaperAccount:
    """Positions of the day and the money earned, in the order in which fills came. Owned by one PaperBroker."""

    def __init__(self, opening_cash: float, find: FindInstrument) -> None:
        self.holdings = PaperHoldings()
        self._find = find
        self._booked = to_money(opening_cash)
        self._charged = 0
        self._bills: dict[str, _Bill] = {}
        self._positions: dict[PositionId, Position] = {}
        self._day = date.min

    def add(self, fill: Fill, day: date) -> None:
        """Take one more execution, made on `day`; days never go back."""
        self.begin(day)
        id_ = (fill.exchange, fill.tradingsymbol, fill.product)
        self._positions[id_] = add_fill(self._positions.get(id_) or self._opened(fill), fill)
        self._charge(fill)

    def convert(self, change: Conversion, day: date) -> None:
        """Move part of a position to another product at its average price; what was charged for it stays charged."""
        self.begin(day)
        old = self._positions.get(change.id)
        if old is None or abs(old.quantity) < change.quantity:
            return  # it was journaled and then refused: nothing was moved
        id_ = (old.exchange, old.tradingsymbol, change.to_product)
        new = self._positions.get(id_) or replace(_flat(old), product=change.to_product)
        self._positions[id_] = _moved(new, old, change.quantity)
        self._positions[old.id] = _moved(old, old, -change.quantity)

    def begin(self, day: date) -> None:
        """Start a new day if it is one: what was earned becomes cash, shares become holdings, the rest is carried."""
        if day <= self._day:
            return
        self._booked += sum(to_money(_realised(position)) for position in self._positions.values()) - self._charged
        self._charged, self._bills = 0, {}
        self.holdings.begin()
        for position in self._positions.values():
            if position.product == "CNC":
                self._booked -= to_money(position.quantity * position.average_price)
                self.holdings.deliver(position)
        kept = {id_: p for id_, p in self._positions.items() if p.quantity and p.product != "CNC"}
        self._positions = {id_: _carried(position) for id_, position in kept.items()}
        self._day = day

    def positions(self) -> list[Position]:
        """Rows of the day, closed ones included."""
        return list(self._positions.values())

    def position(self, id_: PositionId) -> Position | None:
        """The row of an exchange, symbol and product."""
        return self._positions.get(id_)

    def held(self, order: Order) -> int:
        """Signed quantity held under an order's instrument and product; under CNC with the holdings."""
        position = self._positions.get((order.exchange, order.tradingsymbol, order.product))
        held = position.quantity if position else 0
        if order.product == "CNC" and order.transaction_type == "SELL":
            held += self.holdings.held(order.exchange, order.tradingsymbol)
        return held

    def cash(self) -> float:
        """Opening cash of the day, in rupees."""
        return self._booked / RUPEE

    def charged(self) -> float:
        """Today's charges so far, in rupees."""
        return self._charged / RUPEE

    def available(self, working: Sequence[Order]) -> float:
        """Rupees that are free: cash and today's closed profit, less charges and what positions and orders tie up."""
        earned = sum(to_money(_realised(p) + _proceeds(p)) for p in self._positions.values())
        return (self._booked + earned - self._charged - to_money(self._tied_up(working))) / RUPEE

    def needs(self, order: Order, ahead: Sequence[Order]) -> float:
        """Rupees that the part of an order which enlarges the position ties up, after the orders `ahead` of it."""
        instrument = self._find(order.key)
        quantity = self.opening_quantity(order, ahead)
        if instrument is None or not quantity:
            return 0.0
        units = quantity * instrument.multiplier
        return margin(instrument, order.product, order.transaction_type, units, order.price)

    def opening_quantity(self, order: Order, ahead: Sequence[Order]) -> int:
        """How much of an order's open quantity would enlarge the position."""
        same = (order.key, order.product, order.transaction_type)
        before = sum(o.open_quantity for o in ahead if (o.key, o.product, o.transaction_type) == same)
        closable = max(0, -order.sign * self.held(order) - before)
        return order.open_quantity - min(order.open_quantity, closable)

    def _charge(self, fill: Fill) -> None:
        """Bring the bill of the fill's order up to date: brokerage is capped for the whole order."""
        bill = self._bills.setdefault(fill.order_id, _Bill())
        fee = FEE if fill.trade_id.startswith(SQUARED_OFF) else 0
        bill.quantity += fill.quantity
        bill.value += fill.quantity * fill.average_price
        due = self._charges_of(fill, bill) + fee
        self._charged += due - bill.charged
        bill.charged = due

    def _charges_of(self, fill: Fill, bill: _Bill) -> int:
        instrument = self._find(fill.key)
        try:
            kind = instrument.instrument_type if instrument else instrument_type_of(fill.exchange, fill.tradingsymbol)
        except BadData:
            return 0  # a contract that is listed no more, under a name that does not tell what it was
        return charges(
            exchange=fill.exchange,
            instrument_type=kind,
            product=fill.product,
            transaction_type=fill.transaction_type,
            quantity=bill.quantity,
            average_price=bill.value / bill.quantity,
            on=self._day,
            multiplier=self._multiplier(fill.key),
            tradingsymbol=fill.tradingsymbol,
        ).total

    def _multiplier(self, key: str) -> float:
        instrument = self._find(key)
        return instrument.multiplier if instrument else 1.0

    def _tied_up(self, working: Sequence[Order]) -> float:
        by_orders = sum(self.needs(order, working[:k]) for k, order in enumerate(working))
        return by_orders + sum(self._held_margin(position) for position in self._positions.values())

    def _held_margin(self, position: Position) -> float:
        instrument = self._find(position.key)
        if instrument is None or not position.quantity or _proceeds(position):
            return 0.0
        side: Side = "BUY" if position.quantity > 0 else "SELL"
        units = abs(position.quantity) * instrument.multiplier
        return margin(instrument, position.product, side, units, position.average_price)

    def _opened(self, fill: Fill) -> Position:
        return Position(
            exchange=fill.exchange,
            tradingsymbol=fill.tradingsymbol,
            product=fill.product,
            instrument_token=fill.instrument_token,
            multiplier=self._multiplier(fill.key),
        )


def _flat(position: Position) -> Position:
    return Position(
        exchange=position.exchange,
        tradingsymbol=position.tradingsymbol,
        product=position.product,
        instrument_token=position.instrument_token,
        multiplier=position.multiplier,
    )


def _moved(row: Position, source: Position, units: int) -> Position:
    """The row with `units` more, negative ones fewer, on the side that `source` stands on, at its average price."""
    value = units * source.average_price * source.multiplier
    long = source.quantity > 0
    carried = _carried_share(source, units)
    day, day_value = units - carried, value * (units - carried) / units
    signed = 1 if long else -1
    row = replace(
        row, quantity=row.quantity + signed * units, overnight_quantity=row.overnight_quantity + signed * carried
    )
    if long:
        return replace(
            row,
            buy_quantity=row.buy_quantity + units,
            buy_value=row.buy_value + value,
            day_buy_quantity=row.day_buy_quantity + day,
            day_buy_value=row.day_buy_value + day_value,
        )
    return replace(
        row,
        sell_quantity=row.sell_quantity + units,
        sell_value=row.sell_value + value,
        day_sell_quantity=row.day_sell_quantity + day,
        day_sell_value=row.day_sell_value + day_value,
    )


def _carried_share(source: Position, units: int) -> int:
    """How many of `units` were carried overnight: those are moved first."""
    same_way = source.overnight_quantity * source.quantity > 0
    share = min(abs(source.overnight_quantity), abs(units)) if same_way else 0
    return share if units > 0 else -share


def _realised(position: Position) -> float:
    """Rupees that the closed part of a position brought in."""
    matched = min(position.buy_quantity, position.sell_quantity)
    return matched * (position.sell_price - position.buy_price) * position.multiplier


def _proceeds(position: Position) -> float:
    """Rupees that shares sold out of the holdings brought in today."""
    return -position.quantity * position.average_price if position.product == "CNC" and position.quantity < 0 else 0.0


def _carried(position: Position) -> Position:
    """An open position on the morning after, at its average price."""
    quantity, value = abs(position.quantity), abs(position.quantity) * position.average_price * position.multiplier
    bought = position.quantity > 0
    return Position(
        exchange=position.exchange,
        tradingsymbol=position.tradingsymbol,
        product=position.product,
        instrument_token=position.instrument_token,
        multiplier=position.multiplier,
        quantity=position.quantity,
        overnight_quantity=position.quantity,
        buy_quantity=quantity if bought else 0,
        buy_value=value if bought else 0.0,
        sell_quantity=0 if bought else quantity,
        sell_value=0.0 if bought else value,
    )
