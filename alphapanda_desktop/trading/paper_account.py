"""A paper trader's money and positions, all of it made from fills.

Margins are stand-ins, because Kite's SPAN files are not public; charges are not taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order, Side
from alphapanda_desktop.domain.positions import RUPEE, Position, add_fill, to_money
from alphapanda_desktop.trading.paper_rules import CASH_EXCHANGES

INTRADAY_SHARE: Final = 0.20
"""Least margin on shares traded within the day, by SEBI's peak-margin rule."""
MTF_SHARE: Final = 0.50
CONTRACT_SHARE: Final = 0.15
"""Of a future's value, or of a written option's strike: about what index contracts cost."""

PositionId = tuple[str, str, str]
FindInstrument = Callable[[str], Instrument | None]


def margin(instrument: Instrument, product: str, side: Side, quantity: int, price: float) -> float:
    """Rupees that an opening order, or an open position, ties up."""
    units = quantity * instrument.multiplier
    if instrument.instrument_type in ("CE", "PE"):
        return units * (price if side == "BUY" else instrument.strike * CONTRACT_SHARE)
    if instrument.exchange not in CASH_EXCHANGES:
        return units * price * CONTRACT_SHARE
    return units * price * {"MIS": INTRADAY_SHARE, "MTF": MTF_SHARE}.get(product, 1.0)


class PaperAccount:
    """Positions of the day and the money earned, in the order in which fills came. Owned by one PaperBroker."""

    def __init__(self, opening_cash: float, find: FindInstrument) -> None:
        self._find = find
        self._booked = to_money(opening_cash)
        self._positions: dict[PositionId, Position] = {}
        self._day = date.min

    def add(self, fill: Fill, day: date) -> None:
        """Take one more execution, made on `day`; days never go back."""
        self.begin(day)
        id_ = (fill.exchange, fill.tradingsymbol, fill.product)
        self._positions[id_] = add_fill(self._positions.get(id_) or self._opened(fill), fill)

    def begin(self, day: date) -> None:
        """Start a new day if it is one: what is held becomes overnight quantity, what was earned becomes cash."""
        if day <= self._day:
            return
        self._booked += sum(to_money(_realised(position)) for position in self._positions.values())
        self._positions = {id_: _carried(p) for id_, p in self._positions.items() if p.quantity}
        self._day = day

    def positions(self) -> list[Position]:
        """Rows of the day, closed ones included."""
        return list(self._positions.values())

    def held(self, order: Order) -> int:
        """Signed quantity held under an order's instrument and product."""
        position = self._positions.get((order.exchange, order.tradingsymbol, order.product))
        return position.quantity if position else 0

    def cash(self) -> float:
        """Opening cash of the day, in rupees."""
        return self._booked / RUPEE

    def available(self, working: Sequence[Order]) -> float:
        """Rupees that are free: cash and today's closed profit, less what positions and working orders tie up."""
        earned = sum(to_money(_realised(position)) for position in self._positions.values())
        return (self._booked + earned - to_money(self._tied_up(working))) / RUPEE

    def needs(self, order: Order, ahead: Sequence[Order]) -> float:
        """Rupees that the part of an order which enlarges the position ties up, after the orders `ahead` of it."""
        instrument = self._find(order.key)
        quantity = self.opening_quantity(order, ahead)
        if instrument is None or not quantity:
            return 0.0
        return margin(instrument, order.product, order.transaction_type, quantity, order.price)

    def opening_quantity(self, order: Order, ahead: Sequence[Order]) -> int:
        """How much of an order's open quantity would enlarge the position."""
        same = (order.key, order.product, order.transaction_type)
        before = sum(o.open_quantity for o in ahead if (o.key, o.product, o.transaction_type) == same)
        closable = max(0, -order.sign * self.held(order) - before)
        return order.open_quantity - min(order.open_quantity, closable)

    def _tied_up(self, working: Sequence[Order]) -> float:
        by_orders = sum(self.needs(order, working[:k]) for k, order in enumerate(working))
        return by_orders + sum(self._held_margin(position) for position in self._positions.values())

    def _held_margin(self, position: Position) -> float:
        instrument = self._find(position.key)
        if instrument is None or not position.quantity:
            return 0.0
        side: Side = "BUY" if position.quantity > 0 else "SELL"
        return margin(instrument, position.product, side, abs(position.quantity), position.average_price)

    def _opened(self, fill: Fill) -> Position:
        instrument = self._find(fill.key)
        return Position(
            exchange=fill.exchange,
            tradingsymbol=fill.tradingsymbol,
            product=fill.product,
            instrument_token=fill.instrument_token,
            multiplier=instrument.multiplier if instrument else 1.0,
        )


def _realised(position: Position) -> float:
    """Rupees that the closed part of a position brought in."""
    matched = min(position.buy_quantity, position.sell_quantity)
    return matched * (position.sell_price - position.buy_price) * position.multiplier


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
