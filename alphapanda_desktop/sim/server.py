"""The HTTP face of the local Kite: one port for REST, websocket and login page, on 127.0.0.1 only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from alphapanda_desktop.sim.answers import Handler, KiteError, bad_input, failure, not_found
from alphapanda_desktop.sim.checks import static_ip_refusal
from alphapanda_desktop.sim.limits import class_of, too_many
from alphapanda_desktop.sim.login_page import LoginPage, at_the_door
from alphapanda_desktop.sim.routes_calculators import CalculatorRoutes
from alphapanda_desktop.sim.routes_control import ControlRoutes
from alphapanda_desktop.sim.routes_faults import FaultRoutes
from alphapanda_desktop.sim.routes_funds import FundRoutes
from alphapanda_desktop.sim.routes_market import MarketRoutes
from alphapanda_desktop.sim.routes_orders import OrderRoutes
from alphapanda_desktop.sim.routes_portfolio import PortfolioRoutes
from alphapanda_desktop.sim.routes_session import SessionRoutes
from alphapanda_desktop.sim.routes_triggers import TriggerRoutes
from alphapanda_desktop.sim.venue import LocalKite

HOST: Final = "127.0.0.1"
_NO_SESSION: Final = ("/connect/", "/sim/", "/session/")
_HUGE: Final = 4 * 1024 * 1024
_LONG_LINE: Final = 128 * 1024
"""Longest request line: a thousand instruments of /quote/ltp are named in the query."""


class Doorman:
    """What happens to every request before and after its route: host, faults, version, token, limits, envelope."""

    def __init__(self, kite: LocalKite) -> None:
        self._kite = kite

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request in, or answer for the handler."""
        if not _is_loopback(request.host):
            return web.Response(status=403, text="This exchange answers on the loopback address only.\n")
        if request.path.startswith("/sim/") and "Origin" in request.headers:
            return web.Response(status=403, text="A page in a browser has no business with the simulator's controls.\n")
        if request.path == "/" or request.path.startswith(_NO_SESSION[:2]):
            return await handler(request)
        return await self._kite.plan.around(request, lambda: self._answer(request, handler))

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            await self._admit(request)
            response = await handler(request)
        except KiteError as error:
            response = failure(error)
        except web.HTTPNotFound:
            response = failure(not_found())
        except web.HTTPMethodNotAllowed:
            response = failure(KiteError(405, "GeneralException", "Method not allowed."))
        self._kite.memory.commit()
        return response

    async def _admit(self, request: web.Request) -> None:
        kite = self._kite
        if kite.trouble.delay_s:
            await asyncio.sleep(kite.trouble.delay_s * (1 + kite.random.random() / 2))
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        if kite.trouble.too_many:
            raise too_many()
        master = request.path.startswith("/instruments") and "historical" not in request.path
        if not master and request.headers.get("X-Kite-Version") != "3":
            raise bad_input("Missing api_key")
        kite.exchange.roll_over()
        api_key = "" if master else self._api_key(request)
        kind = class_of(request.method, request.path)
        if kite.switches.rate_limits == "on" and api_key:
            kite.limits.request(api_key, kind)
        refusal = static_ip_refusal(kite.switches.static_ip, request.remote or "") if kind == "order" else None
        if refusal:
            raise refusal

    def _api_key(self, request: web.Request) -> str:
        if request.path.startswith(_NO_SESSION):
            return ""
        return self._kite.sessions.check_header(request.headers.get("Authorization"))


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0].strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def make_app(kite: LocalKite) -> web.Application:
    """The application with every route of CONTRACT 2.1."""
    doorman = Doorman(kite)

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await doorman(request, handler)

    app = web.Application(middlewares=[admit], client_max_size=_HUGE)
    parts = (
        SessionRoutes(kite), OrderRoutes(kite), PortfolioRoutes(kite), MarketRoutes(kite), CalculatorRoutes(kite),
        TriggerRoutes(kite), FundRoutes(kite), ControlRoutes(kite), FaultRoutes(kite),
    )  # fmt: skip
    for part in parts:
        app.add_routes(part.table())
    app.add_routes(LoginPage(kite.sessions, kite.options.redirect).table())

    async def front(request: web.Request) -> web.StreamResponse:
        if "Upgrade" in request.headers:
            return await kite.stream.handle(request)
        return at_the_door(kite.credentials.api_key, request.query)

    app.add_routes([web.get("/", front)])
    return app


@asynccontextmanager
async def serving(kite: LocalKite) -> AsyncIterator[dict[str, str]]:
    """Listen while inside; gives the addresses and the demo app, token included."""
    runner = web.AppRunner(
        make_app(kite), access_log=None, shutdown_timeout=0.1, handler_cancellation=True, max_line_size=_LONG_LINE
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, kite.options.port)
        await site.start()
        port = runner.addresses[0][1]
        kite.memory.commit()
        yield announcement(kite, port)
    finally:
        kite.stream.drop_all()
        await runner.cleanup()


def announcement(kite: LocalKite, port: int) -> dict[str, str]:
    """What the command line prints when it listens."""
    who = kite.credentials
    return {
        "rest": f"http://{HOST}:{port}",
        "ws": f"ws://{HOST}:{port}",
        "login": f"http://{HOST}:{port}",
        "api_key": who.api_key,
        "api_secret": who.api_secret,
        "user_id": who.user_id,
        "access_token": kite.first_token,
    }


async def run_parts(kite: LocalKite) -> None:
    """The market, the socket and the scenario, until cancelled."""
    async with asyncio.TaskGroup() as parts:
        parts.create_task(kite.stream.run(), name="stream")
        parts.create_task(kite.director.run(), name="scenario")
