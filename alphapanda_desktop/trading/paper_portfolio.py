"""Holdings, conversion, margins and charges of the paper account, as the ports of `domain.portfolio`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from alphapanda_desktop.domain.charges import Charges, charges
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, Holding, Margin, conversion_problem
from alphapanda_desktop.domain.ports import Clock, Event
from alphapanda_desktop.domain.positions import RUPEE, Position
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.paper_account import Conversion
from alphapanda_desktop.trading.paper_holdings import Line
from alphapanda_desktop.trading.paper_rules import bad_input

EVENT: Final = "paper conversion"
"""Kind of the journal's events that hold a conversion."""


class PaperPortfolio:
    """Holdings and conversions of a PaperBroker. Satisfies domain.portfolio.Portfolio."""

    def __init__(self, broker: PaperBroker, clock: Clock, note: Callable[[Event], Awaitable[None]]) -> None:
        self._broker = broker
        self._clock = clock
        self._note = note

    async def holdings(self) -> list[Holding]:
        """Shares bought as CNC on earlier days, at the latest quotes."""
        return [self._holding(line) for line in self._broker.account.holdings]

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        """Move that much of a position to another product; it is written down first. Raises Refused, Rejected."""
        problem = conversion_problem(position, quantity, to_product)
        if problem:
            raise Refused(f"not converted: {problem}", "conversion")
        change = Conversion(
            at=self._clock.now(),
            exchange=position.exchange,
            tradingsymbol=position.tradingsymbol,
            product=position.product,
            quantity=quantity,
            to_product=to_product,
        )
        self._broker.check_conversion(change)
        await self._note(Event(EVENT, change.at, _detail(change)))
        self._broker.convert(change)

    def _holding(self, line: Line) -> Holding:
        tick = self._broker.quote(line.instrument_token)
        last = tick.last_price if tick else line.average_price
        close = tick.ohlc.close if tick and tick.ohlc else last
        row = self._broker.account.position((line.exchange, line.tradingsymbol, "CNC"))
        return Holding(
            tradingsymbol=line.tradingsymbol,
            exchange=line.exchange,
            quantity=line.settled,
            instrument_token=line.instrument_token,
            t1_quantity=line.t1,
            used_quantity=max(0, -row.quantity) if row else 0,
            realised_quantity=line.settled,
            opening_quantity=line.held,
            average_price=round(line.average_price, 4),
            last_price=last,
            close_price=close,
            pnl=(last - line.average_price) * line.held,
            day_change=last - close,
            day_change_percentage=(last - close) * 100 / close if close else 0.0,
        )


class PaperCalculator:
    """Stand-in margins and our own charges. Satisfies domain.portfolio.Calculator."""

    def __init__(self, broker: PaperBroker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock

    async def margin(self, requests: Sequence[OrderRequest]) -> Margin:
        """What these orders would tie up; unknown where no price of an instrument is known."""
        available = self._broker.available()
        prices = [self._broker.price_of(request) for request in requests]
        known = [price for price in prices if price is not None]
        if not requests or len(known) != len(requests):
            return Margin(available=available)
        required = self._broker.need(requests)
        costs = await self.charges([ChargeQuery.of_request(r, p) for r, p in zip(requests, known, strict=True)])
        worth = sum(r.quantity * p * self._multiplier(r.key) for r, p in zip(requests, known, strict=True))
        return Margin(
            required=required,
            available=available,
            charges=sum(cost.total for cost in costs) / RUPEE,
            leverage=worth / required if required else None,
        )

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        """Charges of each by the tables in force today. Raises Rejected for an unknown instrument."""
        return [self._charges(order) for order in orders]

    def _charges(self, order: ChargeQuery) -> Charges:
        instrument = self._broker.instrument(order.key)
        if instrument is None:
            raise bad_input(f"The instrument {order.key} does not exist or has expired.")
        return charges(
            exchange=order.exchange,
            instrument_type=instrument.instrument_type,
            product=order.product,
            transaction_type=order.transaction_type,
            quantity=order.quantity,
            average_price=order.average_price,
            on=self._clock.now().astimezone(IST).date(),
            multiplier=instrument.multiplier,
            variety=order.variety,
            tradingsymbol=order.tradingsymbol,
        )

    def _multiplier(self, key: str) -> float:
        instrument = self._broker.instrument(key)
        return instrument.multiplier if instrument else 1.0


def conversions_of(events: Iterable[Event]) -> list[Conversion]:
    """The conversions that the journal holds: what PaperBroker.restore wants beside orders and fills."""
    return [_conversion(event.detail) for event in events]


def _detail(change: Conversion) -> dict[str, object]:
    return asdict(change) | {"at": change.at.isoformat()}


def _conversion(detail: Mapping[str, object]) -> Conversion:
    fields: dict[str, Any] = dict(detail)
    return Conversion(**{**fields, "at": datetime.fromisoformat(str(fields["at"]))})
