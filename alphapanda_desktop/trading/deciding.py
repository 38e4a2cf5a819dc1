"""What a person's decision about a difference does."""

from __future__ import annotations

from typing import cast

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import OrderRequest, Product, Side
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.differences import Choice, Difference
from alphapanda_desktop.trading.orderpath import OrderPath
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.snapshot import Where


class Deciding:
    """ADOPT takes what the broker says for ours, IGNORE leaves it, FLATTEN takes it out of the account."""

    def __init__(self, parts: Parts, path: OrderPath, changing: Changing) -> None:
        self._parts = parts
        self._path = path
        self._changing = changing

    async def carry(self, row: Difference, choice: Choice) -> None:
        """Do it. Raises what the order path raises; the row then stays as it is."""
        kind, _, name = row.id.partition(":")
        if kind == "foreign order" and choice is Choice.ADOPT:
            self._parts.books.adopt(name)
        elif kind == "foreign order" and choice is Choice.FLATTEN:
            await self._undo(name)
        elif kind == "position" and choice is Choice.FLATTEN:
            exchange, symbol, product = name.split(":")[:3]
            where = (exchange, symbol, product)
            await self._exit(where, self._parts.books.held(*where), "flatten what the books do not explain")

    async def _undo(self, order_id: str) -> None:
        """Cancel what still works of an order, and close what it has filled."""
        book = self._parts.books.book
        order = book.get(order_id)
        if order is None:
            raise Refused(f"Order {order_id} is not in the book any more.", "order")
        if order.live:
            await self._changing.cancel(order_id)
            order = book.get(order_id) or order
        if order.live:
            raise Refused(f"Order {order_id} is {order.status} still; flatten it when it has ended.", "order")
        where = (order.exchange, order.tradingsymbol, order.product)
        await self._exit(where, order.sign * order.filled_quantity, f"flatten order {order_id}, made elsewhere")

    async def _exit(self, where: Where, quantity: int, reason: str) -> None:
        """Send the opposite of a signed quantity. Raises Refused where that would not shrink what is held."""
        exchange, symbol, product = where
        held = self._parts.books.held(*where)
        if not quantity:
            return
        if held * quantity <= 0 or abs(quantity) > abs(held):
            raise Refused(f"{exchange}:{symbol} {product}: {quantity} to be closed, {held} held.", "position")
        instrument = self._parts.market.master.by_key(f"{exchange}:{symbol}")
        side: Side = "SELL" if quantity > 0 else "BUY"
        await self._path.submit_sliced(
            OrderRequest(
                exchange=exchange,
                tradingsymbol=symbol,
                instrument_token=instrument.instrument_token if instrument else 0,
                transaction_type=side,
                quantity=abs(quantity),
                product=cast(Product, product),
                order_type="MARKET",
                market_protection=-1,
                tag=self._parts.tags.new(),
                reason=reason,
            )
        )
