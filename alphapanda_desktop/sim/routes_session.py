"""Routes of login, logout and the person behind a token.  Source: CONTRACT 1.2, 1.3 and 2.2."""

from __future__ import annotations

from aiohttp import web

from alphapanda_desktop.sim.answers import answering, form_of, not_found
from alphapanda_desktop.sim.venue import LocalKite


class SessionRoutes:
    """/session/* and /user/*."""

    def __init__(self, kite: LocalKite) -> None:
        self._sessions = kite.sessions
        self._accounts = kite.book.accounts

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/session/token", answering(self.exchange)),
            web.delete("/session/token", answering(self.logout)),
            web.post("/session/refresh_token", answering(self.refresh)),
            web.get("/user/profile", answering(self.profile)),
            web.get("/user/profile/full", answering(self.full_profile)),
            web.get("/user/margins", answering(self.margins)),
            web.get("/user/margins/{segment}", answering(self.segment)),
        ]

    async def exchange(self, request: web.Request) -> object:
        return self._sessions.exchange(await form_of(request))

    async def refresh(self, request: web.Request) -> object:
        return self._sessions.refresh(await form_of(request))

    async def logout(self, request: web.Request) -> object:
        """Ends the session when the pair is the live one; a refresh token is revoked with it."""
        if request.query.get("refresh_token"):
            return True
        self._sessions.logout(request.query.get("api_key", ""), request.query.get("access_token", ""))
        return True

    async def profile(self, _: web.Request) -> object:
        return self._sessions.profile()

    async def full_profile(self, _: web.Request) -> object:
        return self._sessions.full_profile()

    async def margins(self, _: web.Request) -> object:
        return {segment: self._accounts.margins(segment) for segment in self._accounts.cash}

    async def segment(self, request: web.Request) -> object:
        segment = request.match_info["segment"]
        if segment not in self._accounts.cash:
            raise not_found()
        return self._accounts.margins(segment)
