"""Routes of positions and holdings.  Source: CONTRACT 2.9 and 2.10."""

from __future__ import annotations

import html

from aiohttp import web

from alphapanda_desktop.sim.answers import answering, bad_input, form_of
from alphapanda_desktop.sim.venue import LocalKite


class PortfolioRoutes:
    """/portfolio/*, and the page on which a demat sale is authorised."""

    def __init__(self, kite: LocalKite) -> None:
        self._accounts = kite.book.accounts
        self._holdings = kite.book.accounts.holdings

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/portfolio/positions", answering(self.positions)),
            web.put("/portfolio/positions", answering(self.convert)),
            web.get("/portfolio/holdings", answering(self.holdings)),
            web.get("/portfolio/holdings/summary", answering(self.summary)),
            web.get("/portfolio/holdings/compact", answering(self.compact)),
            web.get("/portfolio/holdings/auctions", answering(self.auctions)),
            web.post("/portfolio/holdings/authorise", answering(self.authorise)),
            web.get("/connect/portfolio/authorise/holdings/{api_key}/{request_id}", self.page),
        ]

    async def positions(self, _: web.Request) -> object:
        return self._accounts.rows()

    async def convert(self, request: web.Request) -> object:
        return self._accounts.convert(await form_of(request))

    async def holdings(self, _: web.Request) -> object:
        return self._holdings.rows()

    async def summary(self, _: web.Request) -> object:
        return self._holdings.summary()

    async def compact(self, _: web.Request) -> object:
        return self._holdings.compact()

    async def auctions(self, _: web.Request) -> object:
        return self._holdings.auctions()

    async def authorise(self, request: web.Request) -> object:
        """A request id; repeated `isin` and `quantity` must pair, and none means all holdings."""
        form = await request.post()
        isins, quantities = form.getall("isin", []), form.getall("quantity", [])
        if len(isins) != len(quantities):
            raise bad_input("`isin` and `quantity` should be given in pairs.")
        return self._holdings.authorise()

    async def page(self, request: web.Request) -> web.Response:
        known = html.escape(request.match_info["request_id"])
        text = f"<!DOCTYPE html><title>Authorised</title><p>Request {known} is authorised on the practice exchange.</p>"
        return web.Response(text=text, content_type="text/html")
