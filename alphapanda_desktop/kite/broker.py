"""Zerodha as a Broker: orders out through the client, books in through the contract."""

from __future__ import annotations

from collections.abc import Iterable

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.portfolio import Slices
from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import change_to_params, request_to_params


class KiteBroker:
    """Where real orders go; cannot be made without a verified login. Satisfies domain.ports.Broker.

    The client is shared with history and quotes and follows this broker's session.
    """

    def __init__(self, session: Session, client: KiteClient) -> None:
        if not isinstance(session, Session):
            raise TypeError("a KiteBroker needs a verified Session")
        self._client = client
        self.renew(session)

    def renew(self, session: Session) -> None:
        """Go on with a new session in place."""
        self._client.use(session.token)

    async def place(self, request: OrderRequest) -> str:
        """Kite's order_id: accepted, not executed. Never retried; raises Unknown where the order may exist."""
        return await self._client.place(request.variety, request_to_params(request, await self._auction(request)))

    async def place_sliced(self, request: OrderRequest) -> Slices:
        """An order above the freeze quantity, cut up by Kite itself: every slice has the one tag of the request."""
        return await self._client.place_sliced(request.variety, request_to_params(request))

    async def _auction(self, request: OrderRequest) -> str:
        """Number of today's auction for what an auction order offers, "" for other orders. Nothing is sent yet."""
        if request.variety != "auction":
            return ""
        for holding in await self._client.auctions():
            if (holding.exchange, holding.tradingsymbol) == (request.exchange, request.tradingsymbol):
                return holding.auction_number
        raise Refused(f"{request.key}: no auction asks for it today, or none of it is held.", "auction")

    async def modify(self, order: Order, change: OrderChange) -> str:
        """Change a resting order, under the variety it was placed with."""
        params = change_to_params(change)
        params.update(_parent(order))
        return await self._client.modify(order.variety, order.order_id, params)

    async def cancel(self, order: Order) -> str:
        """Cancel a resting order, or exit the second leg of a cover order."""
        return await self._client.cancel(order.variety, order.order_id, _parent(order).get("parent_order_id"))

    async def orders(self) -> list[Order]:
        """The day's book, oldest first."""
        return await self._client.orders()

    async def order_history(self, order_id: str) -> list[Order]:
        """Snapshots of one order, oldest first."""
        return await self._client.order_history(order_id)

    async def fills(self) -> list[Fill]:
        """All executions of the day."""
        return await self._client.trades()

    async def positions(self) -> list[Position]:
        """Net positions."""
        return await self._client.positions()

    async def quotes(self, keys: Iterable[str]) -> dict[str, Tick]:
        """Full snapshots of now by "EXCHANGE:SYMBOL"."""
        return await self._client.quote(keys)

    async def funds(self) -> list[Funds]:
        """Money by segment."""
        return await self._client.margins()


def _parent(order: Order) -> dict[str, str]:
    """A cover order's second leg is addressed together with its first. Source: CONTRACT 2.4."""
    return {"parent_order_id": order.parent_order_id} if order.variety == "co" and order.parent_order_id else {}
