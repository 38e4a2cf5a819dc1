"""Routes of GTT and alerts.  Source: CONTRACT 2.13 and 2.14."""

from __future__ import annotations

from aiohttp import web

from alphapanda_desktop.sim.answers import answering, bad_input, form_of
from alphapanda_desktop.sim.venue import LocalKite


class TriggerRoutes:
    """/gtt/triggers* and /alerts*."""

    def __init__(self, kite: LocalKite) -> None:
        self._triggers = kite.triggers
        self._alerts = kite.alerts

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/gtt/triggers", answering(self.place)),
            web.get("/gtt/triggers", answering(self.triggers)),
            web.get("/gtt/triggers/{id}", answering(self.trigger)),
            web.put("/gtt/triggers/{id}", answering(self.modify)),
            web.delete("/gtt/triggers/{id}", answering(self.delete)),
            web.post("/alerts", answering(self.create_alert)),
            web.get("/alerts", answering(self.alerts)),
            web.delete("/alerts", answering(self.delete_alerts)),
            web.get("/alerts/{uuid}", answering(self.alert)),
            web.put("/alerts/{uuid}", answering(self.modify_alert)),
            web.get("/alerts/{uuid}/history", answering(self.alert_history)),
        ]

    async def place(self, request: web.Request) -> object:
        return self._triggers.place(await form_of(request))

    async def triggers(self, _: web.Request) -> object:
        return self._triggers.rows()

    async def trigger(self, request: web.Request) -> object:
        return self._triggers.get(request.match_info["id"])

    async def modify(self, request: web.Request) -> object:
        return self._triggers.modify(request.match_info["id"], await form_of(request))

    async def delete(self, request: web.Request) -> object:
        return self._triggers.delete(request.match_info["id"])

    async def create_alert(self, request: web.Request) -> object:
        return self._alerts.create(await form_of(request))

    async def alerts(self, request: web.Request) -> object:
        query = request.query
        page, page_size = _count(query.get("page"), 1), _count(query.get("page_size"), 0)
        return self._alerts.rows(query.get("status", ""), page, page_size)

    async def delete_alerts(self, request: web.Request) -> object:
        self._alerts.delete(request.query.getall("uuid", []))
        return None

    async def alert(self, request: web.Request) -> object:
        return self._alerts.get(request.match_info["uuid"])

    async def modify_alert(self, request: web.Request) -> object:
        return self._alerts.modify(request.match_info["uuid"], await form_of(request))

    async def alert_history(self, request: web.Request) -> object:
        return self._alerts.history(request.match_info["uuid"])


def _count(text: str | None, usual: int) -> int:
    if not text:
        return usual
    if not text.isdecimal():
        raise bad_input("Invalid `page`.")
    return int(text)
