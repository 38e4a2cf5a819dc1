"""Routes of orders and trades. A reply may come before or after the fills, and in one scenario never."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from alphapanda_desktop.sim.answers import answering, form_of
from alphapanda_desktop.sim.venue import LocalKite

LOST_S: Final = 60.0
"""How long an answer that never comes is waited for before the line goes dead."""

ON_THE_WAY_S: Final = 0.03
"""How long an order takes to the exchange when its reply is quicker."""


class OrderRoutes:
    """/orders/* and /trades."""

    def __init__(self, kite: LocalKite) -> None:
        self._kite = kite
        self._exchange = kite.exchange
        self._book = kite.book
        self._lost = False

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/orders", answering(self.orders)),
            web.get("/trades", answering(self.trades)),
            web.post("/orders/{variety}", answering(self.place)),
            web.put("/orders/{variety}/{order_id}", answering(self.modify)),
            web.delete("/orders/{variety}/{order_id}", answering(self.cancel)),
            web.get("/orders/{order_id}/trades", answering(self.order_trades)),
            web.get("/orders/{order_id}", answering(self.history)),
        ]

    async def place(self, request: web.Request) -> object:
        data = await self._carry_out(request)
        if self._kite.random.random() < 0.5:
            self._exchange.settle_all()
        else:
            asyncio.get_running_loop().call_later(ON_THE_WAY_S, self._arrive)
        if self._kite.trouble.lose_replies:
            await self._lose(request)
        return data

    def _arrive(self) -> None:
        self._exchange.settle_all()
        self._kite.memory.commit()

    async def _lose(self, request: web.Request) -> None:
        """Keep the first, third, fifth … caller waiting for an answer that never comes."""
        self._lost = not self._lost
        if not self._lost:
            return
        self._kite.memory.commit()
        await asyncio.sleep(LOST_S)
        if request.transport is not None:
            request.transport.abort()

    async def modify(self, request: web.Request) -> object:
        return await self._carry_out(request)

    async def cancel(self, request: web.Request) -> object:
        return await self._carry_out(request)

    async def _carry_out(self, request: web.Request) -> object:
        form = {} if request.method == "DELETE" else await form_of(request)
        return self._exchange.carry_out(request.method, request.match_info, form, request.query)

    async def orders(self, _: web.Request) -> object:
        return self._book.rows()

    async def history(self, request: web.Request) -> object:
        return self._exchange.history(request.match_info["order_id"])

    async def trades(self, _: web.Request) -> object:
        return self._book.trades()

    async def order_trades(self, request: web.Request) -> object:
        order_id = request.match_info["order_id"]
        self._exchange.settle(order_id)
        return self._book.trades(self._book.get(order_id).order_id)
