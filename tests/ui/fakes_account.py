"""What stands beside an order book, in memory: GTTs, holdings, conversion, margins and charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from alphapanda_desktop.domain.charges import Charges, charges, instrument_type_of
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, Gtt, GttOrder, GttRequest, Holding, Margin
from alphapanda_desktop.domain.positions import Position
from tests.fakes import NOON


def a_gtt(
    number: int = 101, triggers: tuple[float, ...] = (1450.0,), last: float = 1500.0, status: str = "active"
) -> Gtt:
    """A GTT that sells INFY half a rupee below each trigger."""
    orders = tuple(GttOrder(transaction_type="SELL", quantity=10, price=t - 0.5, product="CNC") for t in triggers)
    return Gtt(
        id=number,
        type="two-leg" if len(triggers) == 2 else "single",
        status=status,
        exchange="NSE",
        tradingsymbol="INFY",
        instrument_token=408065,
        trigger_values=triggers,
        last_price=last,
        orders=orders,
        created_at=NOON,
        expires_at=NOON + timedelta(days=365),
    )


def a_holding(symbol: str = "INFY", quantity: int = 40, average: float = 1400.0, **more: object) -> Holding:
    words: dict[str, object] = {"instrument_token": 408065, "last_price": 1500.0, "close_price": 1490.0} | more
    return Holding(
        tradingsymbol=symbol,
        exchange="NSE",
        quantity=quantity,
        average_price=average,
        **words,  # type: ignore[arg-type]
    )


class FakeGtts:
    """GTTs that wait in a list. `fails` is raised by the next call."""

    def __init__(self, *rows: Gtt) -> None:
        self.rows = {row.id: row for row in rows}
        self.fails: Exception | None = None
        self.asked: list[str] = []

    async def list(self) -> list[Gtt]:
        self._call("list")
        return list(self.rows.values())

    async def place(self, request: GttRequest) -> int:
        self._call("place")
        number = max(self.rows, default=100) + 1
        self.rows[number] = replace(a_gtt(number), **self._terms(request))
        return number

    async def modify(self, id: int, request: GttRequest) -> int:
        self._call("modify")
        self.rows[id] = replace(self.rows[id], **self._terms(request))
        return id

    async def delete(self, id: int) -> int:
        self._call("delete")
        self.rows[id] = replace(self.rows[id], status="deleted")
        return id

    def _terms(self, request: GttRequest) -> dict[str, object]:
        names = ("exchange", "tradingsymbol", "trigger_values", "last_price", "orders", "type")
        return {name: getattr(request, name) for name in names}

    def _call(self, name: str) -> None:
        self.asked.append(name)
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error


class FakePortfolio:
    """Holdings as given, and conversions that were asked for."""

    def __init__(self, *rows: Holding) -> None:
        self.rows = list(rows)
        self.converted: list[tuple[str, int, str]] = []
        self.reads = 0
        self.fails: Exception | None = None

    async def holdings(self) -> list[Holding]:
        self.reads += 1
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        return list(self.rows)

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        self.converted.append((position.key, quantity, to_product))


class FakeCalculator:
    """A fifth of the value as margin, and the charges of the tables of 23 November 2026."""

    def __init__(self, available: float | None = 100_000.0, price: float = 1500.0) -> None:
        self.available = available
        self.price = price
        self.asked: list[OrderRequest] = []
        self.fails: Exception | None = None

    async def margin(self, requests: Sequence[OrderRequest]) -> Margin:
        self.asked += requests
        if self.fails is not None:
            raise self.fails
        value = sum(request.quantity * (request.price or self.price) for request in requests)
        return Margin(required=value / 5, available=self.available, leverage=5.0)

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        return [
            charges(
                exchange=order.exchange,
                instrument_type=instrument_type_of(order.exchange, order.tradingsymbol),
                product=order.product,
                transaction_type=order.transaction_type,
                quantity=order.quantity,
                average_price=order.average_price,
                on=date(2026, 11, 23),
            )
            for order in orders
        ]
