"""A login page's server, a place where the redirect must never arrive, and a gate that takes what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui.edge import Edge, FrameClock


@dataclass
class Site:
    """One server on 127.0.0.1 that counts what it is asked."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        self.cookies.append(request.headers.get("Cookie", ""))
        if request.path in self.redirects:
            return web.Response(status=302, headers={"Location": self.redirects[request.path]})
        body = self.pages.get(request.path)
        if body is None:
            return web.Response(status=404, text="nothing here")
        return web.Response(
            text=f"<!doctype html><body>{body}</body>", content_type="text/html", headers={"Set-Cookie": "who=first"}
        )


@asynccontextmanager
async def a_site(**pages: str) -> AsyncIterator[Site]:
    site = Site(pages={f"/{name}": body for name, body in pages.items()})
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        site.port = runner.addresses[0][1]
        yield site
    finally:
        await runner.cleanup()


class FakeGate:
    """What the login view asks of the session gate."""

    changed = Signal()

    def __init__(self, login_url: str, redirect_url: str) -> None:
        self.login_url = login_url
        self.redirect_url = redirect_url
        self.state = GateState.LOGIN_NEEDED
        self.detail = "Log in to Kite to begin."
        self.given: list[str] = []
        self.error: AlphaPandaError | None = None

    async def complete(self, address: str) -> None:
        self.given.append(address)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error


@dataclass
class Stage:
    """An edge on a scope, and what was said."""

    edge: Edge
    notices: list[tuple[str, str]]


@asynccontextmanager
async def a_stage() -> AsyncIterator[Stage]:
    errors: list[str] = []
    notices: list[tuple[str, str]] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        yield Stage(Edge(scope, FrameClock(), lambda text, level: notices.append((text, level))), notices)
    assert errors == []
