"""Controls of the simulator itself, for tests and the tour. The real Kite has none of this; no client uses it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web

from alphapanda_desktop.sim.answers import form_of
from alphapanda_desktop.sim.scenarios import SCENARIOS, find
from alphapanda_desktop.sim.switches import VALUES
from alphapanda_desktop.sim.venue import LocalKite

_FOR_THE_START: Final = {"hours", "calendar"}
"""Switches that the market is made with."""


class ControlRoutes:
    """/sim/*: clock, scenario, switches, the end of the session."""

    def __init__(self, kite: LocalKite) -> None:
        self._kite = kite

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/sim/clock", self.clock),
            web.post("/sim/clock", self.set_clock),
            web.get("/sim/scenario", self.scenario),
            web.post("/sim/scenario", self.play),
            web.post("/sim/switch", self.switch),
            web.post("/sim/expire", self.expire),
            web.post("/sim/login", self.login),
        ]

    async def clock(self, _: web.Request) -> web.Response:
        clock = self._kite.clock
        return web.json_response({"now": clock.now().isoformat(), "speed": clock.speed})

    async def set_clock(self, request: web.Request) -> web.Response:
        """`now` (ISO, with a zone) and `speed`, each if given."""
        given = await self._given(request)
        try:
            if "now" in given:
                at = datetime.fromisoformat(given["now"])
                if at.tzinfo is None:
                    raise ValueError("now needs a zone")
                self._kite.set_clock(at)
            if "speed" in given:
                self._kite.clock.speed = float(given["speed"])
        except ValueError as error:
            return _refused(error)
        return await self.clock(request)

    async def scenario(self, _: web.Request) -> web.Response:
        told = {name: scenario.told for name, scenario in SCENARIOS.items()}
        return web.json_response({"playing": self._kite.director.playing, "scenarios": told})

    async def play(self, request: web.Request) -> web.Response:
        """Start the scenario `name`; what prices do is settled when the simulator starts."""
        try:
            name = (await self._given(request)).get("name", "")
            if find(name).volatility != 1:
                raise ValueError(f"{name} is chosen with --scenario when the simulator starts")
            self._kite.director.play(name)
        except ValueError as error:
            return _refused(error)
        return await self.scenario(request)

    async def switch(self, request: web.Request) -> web.Response:
        """Turn the switches that are given by name."""
        try:
            given = await self._given(request)
            for name in _FOR_THE_START & set(given):
                raise ValueError(f"{name} is chosen with --switch when the simulator starts")
            for name, value in given.items():
                self._kite.switches.set(name, value)
        except ValueError as error:
            return _refused(error)
        return web.json_response({"switches": self._kite.switches.as_dict(), "allowed": VALUES})

    async def expire(self, _: web.Request) -> web.Response:
        """Kill the live token, as 06:00 would."""
        self._kite.sessions.end()
        self._kite.memory.commit()
        return web.json_response({"ended": True})

    async def login(self, _: web.Request) -> web.Response:
        """The live login, a new one where there is none: what the command line prints, without the page."""
        login, credentials = self._kite.sessions.open(), self._kite.credentials
        self._kite.memory.commit()
        said = {"api_key": credentials.api_key, "user_id": credentials.user_id, "access_token": login.access_token}
        return web.json_response(said)

    async def _given(self, request: web.Request) -> dict[str, str]:
        if request.content_type == "application/json":
            body = await request.json()
            return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}
        return await form_of(request)


def _refused(error: ValueError) -> web.Response:
    return web.json_response({"error": str(error)}, status=400)
