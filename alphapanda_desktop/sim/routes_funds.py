"""Routes of mutual funds.  Source: CONTRACT 2.1 and the official clients."""

from __future__ import annotations

from aiohttp import web

from alphapanda_desktop.sim.answers import answering, form_of
from alphapanda_desktop.sim.venue import LocalKite


class FundRoutes:
    """/mf/*."""

    def __init__(self, kite: LocalKite) -> None:
        self._funds = kite.funds

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/mf/orders", answering(self.orders)),
            web.post("/mf/orders", answering(self.place)),
            web.get("/mf/orders/{id}", answering(self.order)),
            web.delete("/mf/orders/{id}", answering(self.cancel)),
            web.get("/mf/sips", answering(self.sips)),
            web.post("/mf/sips", answering(self.place_sip)),
            web.get("/mf/sips/{id}", answering(self.sip)),
            web.put("/mf/sips/{id}", answering(self.modify_sip)),
            web.delete("/mf/sips/{id}", answering(self.cancel_sip)),
            web.get("/mf/holdings", answering(self.holdings)),
            web.get("/mf/instruments", self.instruments),
        ]

    async def orders(self, _: web.Request) -> object:
        return self._funds.orders()

    async def order(self, request: web.Request) -> object:
        return self._funds.order(request.match_info["id"])

    async def place(self, request: web.Request) -> object:
        return self._funds.place(await form_of(request))

    async def cancel(self, request: web.Request) -> object:
        return self._funds.cancel(request.match_info["id"])

    async def sips(self, _: web.Request) -> object:
        return self._funds.sips()

    async def sip(self, request: web.Request) -> object:
        return self._funds.sip(request.match_info["id"]) | {"fund_source": "pool"}

    async def place_sip(self, request: web.Request) -> object:
        return self._funds.place_sip(await form_of(request))

    async def modify_sip(self, request: web.Request) -> object:
        return self._funds.modify_sip(request.match_info["id"], await form_of(request))

    async def cancel_sip(self, request: web.Request) -> object:
        return self._funds.cancel_sip(request.match_info["id"])

    async def holdings(self, _: web.Request) -> object:
        return self._funds.holdings()

    async def instruments(self, _: web.Request) -> web.StreamResponse:
        response = web.Response(body=self._funds.instruments_csv().encode(), content_type="text/csv")
        response.enable_compression()
        return response
