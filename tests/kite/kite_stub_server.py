"""A small real server that answers each path as a script says: for what a well-behaved Kite never does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ok(data: Any, status: int = 200) -> Reply:
    """Kite's success envelope."""

    async def reply(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "success", "data": data}, status=status)

    return reply


def no(status: int, kind: str | None, message: str) -> Reply:
    """Kite's error envelope; `kind` None leaves its type out."""

    async def reply(_: web.Request) -> web.StreamResponse:
        body = {"status": "error", "message": message} | ({"error_type": kind} if kind else {})
        return web.json_response(body, status=status)

    return reply


def raw(body: str | bytes, status: int = 200, content_type: str = "text/html") -> Reply:
    """Any body at all."""

    async def reply(_: web.Request) -> web.StreamResponse:
        data = body.encode() if isinstance(body, str) else body
        return web.Response(body=data, status=status, content_type=content_type)

    return reply


async def drop(request: web.Request) -> web.StreamResponse:
    """Take the request and close the line without a word."""
    assert request.transport is not None
    await request.read()
    request.transport.close()
    return web.Response()


@dataclass
class Stub:
    """The running server; `script` is "METHOD /path" → reply, `seen` what was asked in order of arrival."""

    root: str = ""
    script: dict[str, Reply] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    queries: list[list[tuple[str, str]]] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def held(self, request: web.Request) -> web.StreamResponse:
        """Keep the request waiting until `let_go` is set."""
        await self.let_go.wait()
        return await ok({"order_id": "late"})(request)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        self.peers.append(request.transport and request.transport.get_extra_info("peername"))
        self.headers.append(dict(request.headers))
        self.queries.append([(key, value) for key, value in request.query.items()])
        text = await request.text()
        self.bodies.append(json.loads(text) if text[:1] in ("[", "{") else dict(await request.post()))
        missing = no(404, "GeneralException", f"no route {request.method} {request.path}")
        return await self.script.get(f"{request.method} {request.path}", missing)(request)


@asynccontextmanager
async def a_stub() -> AsyncIterator[Stub]:
    """A server on a free port of this machine, until the block ends."""
    stub = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stub.root = f"http://{host}:{port}"
    try:
        yield stub
    finally:
        stub.let_go.set()
        await runner.cleanup()
