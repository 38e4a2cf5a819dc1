"""What a person's decision about a difference does."""

from __future__ import annotations

from typing import Final, cast

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import OrderRequest, Product, Side
from alphapanda_desktop.trading.books import place_of
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.differences import Choice, Difference
from alphapanda_desktop.trading.endings import ended
from alphapanda_desktop.trading.orderpath import OrderPath
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.snapshot import Where

CANCEL_WAIT_S: Final = 10.0
"""How long the end of a cancelled order is waited for."""


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
            await ended(self._parts.voice, self._parts.books, [order_id], CANCEL_WAIT_S)
            order = book.get(order_id) or order
        if order.live:
            raise Refused(f"Order {order_id} is {order.status} still; flatten it when it has ended.", "order")
        filled = order.sign * order.filled_quantity
        await self._exit(place_of(order), filled, f"flatten order {order_id}, made elsewhere")

    async def _exit(self, where: Where, quantity: int, reason: str) -> None:
        """Send the opposite of a signed quantity. Raises Refused where that would not shrink what is held.

        What works to close the same is withdrawn before: left behind, it would open the other side.
        """
        held = self._parts.books.held(*where)
        if not quantity:
            return
        if held * quantity <= 0 or abs(quantity) > abs(held):
            raise Refused(f"{':'.join(where[:2])} {where[2]}: {quantity} to be closed, {held} held.", "position")
        if quantity == held:
            await self._withdraw(where, 1 if held > 0 else -1)
            quantity = self._parts.books.held(*where)  # some of it may have filled meanwhile
        if quantity * held > 0:
            await self._send(where, quantity, reason)

    async def _withdraw(self, where: Where, sign: int) -> None:
        """Cancel what would close the position at another price, and wait for its end."""
        books = self._parts.books
        rows = [*books.unanswered(), *books.book.working()]
        closing = [order for order in rows if place_of(order) == where and order.sign * sign < 0]
        known = [order for order in closing if order.order_id]
        failures = await self._changing.cancel_these(known)
        done = not failures and await ended(
            self._parts.voice, books, [order.order_id for order in known], CANCEL_WAIT_S
        )
        if len(known) < len(closing) or not done:
            names = ", ".join(order.order_id or f"{order.tag} ({order.status})" for order in closing)
            raise Refused(f"{':'.join(where[:2])} {where[2]} is being closed by {names} already.", "order")

    async def _send(self, where: Where, quantity: int, reason: str) -> None:
        exchange, symbol, product = where
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
                closes=True,
            )
        )
