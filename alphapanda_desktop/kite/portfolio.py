"""Zerodha's GTTs, holdings, conversions and calculators, as the ports of `domain.portfolio`.

What sends goes through KiteClient's lanes and is Refused where the client only reads; the calculator needs a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.errors import Refused, Retry
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, Gtt, GttRequest, Holding, Margin, conversion_problem
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import conversion_fields
from alphapanda_desktop.kite.reader import KiteReader

_COMMODITY: Final = ("MCX", "NCO")


class KiteGtts:
    """GTTs at Zerodha. Satisfies domain.portfolio.Gtts."""

    def __init__(self, client: KiteClient) -> None:
        self._client = client

    async def list(self) -> list[Gtt]:
        """Those that wait, and what became of others in the last seven days."""
        return await self._client.gtts()

    async def place(self, request: GttRequest) -> int:
        """The id of a new GTT. Raises Refused for what Kite would not take, Unknown where no clear answer came."""
        return await self._client.place_gtt(_sound(request))

    async def modify(self, id: int, request: GttRequest) -> int:
        """The id of a GTT whose condition and orders were replaced as a whole."""
        return await self._client.modify_gtt(id, _sound(request))

    async def delete(self, id: int) -> int:
        """The id of a GTT that was taken out."""
        return await self._client.delete_gtt(id)


class KitePortfolio:
    """Holdings and conversions at Zerodha. Satisfies domain.portfolio.Portfolio."""

    def __init__(self, client: KiteClient) -> None:
        self._client = client

    async def holdings(self) -> list[Holding]:
        """Stock in the demat account."""
        return await self._client.holdings()

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        """Move that much of a position to another product. Raises Unknown where no clear answer came."""
        problem = conversion_problem(position, quantity, to_product)
        if problem:
            raise Refused(f"not converted: {problem}", "conversion")
        await self._client.convert(conversion_fields(position, quantity, to_product))


class KiteCalculator:
    """Margins and charges by Zerodha's own calculation. Satisfies domain.portfolio.Calculator."""

    def __init__(self, client: KiteReader) -> None:
        self._client = client

    async def margin(self, requests: Sequence[OrderRequest]) -> Margin:
        """Margin of these orders together, with what positions and hedges take off it.

        `available` is None where the funds cannot be read just now or the orders draw on both segments.
        """
        if len(requests) == 1:
            need = (await self._client.order_margins(requests))[0]
            charges = need.charges
        else:
            basket = await self._client.basket_margins(requests)
            need, charges = basket.final, basket.charges
        return Margin(
            required=need.total,
            available=await self._available(requests),
            charges=charges.total if charges else None,
            leverage=need.leverage or None,
        )

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        """Charges of each, in the same order."""
        return await self._client.charges(orders) if orders else []

    async def _available(self, requests: Sequence[OrderRequest]) -> float | None:
        segments = {"commodity" if request.exchange in _COMMODITY else "equity" for request in requests}
        if len(segments) != 1:
            return None
        try:
            funds = await self._client.margins()
        except Retry:
            return None
        return next((row.live_balance for row in funds if row.segment in segments and row.enabled), None)


def _sound(request: GttRequest) -> GttRequest:
    problem = request.problem()
    if problem:
        raise Refused(f"GTT not sent: {problem}", "gtt")
    return request
