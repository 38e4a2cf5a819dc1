"""The line between a desk and the exchange, which loses, delays, repeats and breaks what it carries: as it is told.

It stands between the two as a proxy, so the exchange is whole and knows nothing of it, and so does the desk.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

import aiohttp
from aiohttp import WSMsgType, web

from alphapanda_desktop.commands.torture_points import KILLS, Fault, Trouble
from alphapanda_desktop.trading.scope import Scope

GIVEN_UP_S: Final = 1.0
"""How long a desk waits for an answer, by the wall."""

SILENCE_S: Final = GIVEN_UP_S * 1.3
"""How long a line is silent that is not heard of again."""

SLOW_S: Final = 0.15
HELD_S: Final = 0.08
"""How long updates are held back to be shuffled."""

_NAMES: Final = {
    "/orders": "orders", "/trades": "trades", "/portfolio/positions": "positions", "/user/margins": "funds",
    "/portfolio/holdings": "holdings",
}  # fmt: skip
_SENDS: Final = {"POST": "place", "PUT": "modify", "DELETE": "cancel"}
_PASSED_ON: Final = ("Authorization", "X-Kite-Version", "Content-Type")
_BODIES: Final = {
    429: {"status": "error", "message": "Too many requests", "data": None, "error_type": "NetworkException"},
    500: {"status": "error", "message": "Something went wrong.", "data": None, "error_type": "GeneralException"},
}


@dataclass(slots=True)
class Heard:
    """A request that came down the line; `at_ns` by the machine's monotonic clock."""

    at_ns: int
    name: str
    tag: str
    trouble: str = ""
    passed_on: bool = False


class Line:
    """One port that stands for the exchange at `rest`. Carries one story after another; `begin` starts each."""

    def __init__(self, rest: str, http: aiohttp.ClientSession, scope: Scope) -> None:
        self._rest, self._http, self._scope = rest, http, scope
        self._fault: Fault | None = None
        self._kill: Callable[[], None] = lambda: None
        self._random = random.Random()
        self._counts: dict[str, int] = {}
        self._sockets: list[web.Request] = []
        self._carrying = 0
        self.heard: list[Heard] = []
        self.struck = False

    def begin(self, fault: Fault, seed: str, kill: Callable[[], None]) -> None:
        """Carry a new story, in which this goes wrong; `kill` ends the desk."""
        self._fault, self._kill, self._random = fault, kill, random.Random(seed)
        self._counts, self.heard, self.struck = {}, [], False

    def mend(self) -> None:
        """Carry everything from now on."""
        self._fault = None

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._carrying

    def _strikes(self, name: str) -> Trouble | None:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        fault = self._fault
        if fault is None or fault.on != name or not fault.nth <= count < fault.nth + fault.times:
            return None
        self.struck = True
        return fault.trouble

    # --- requests ---------------------------------------------------------------------------------------------------

    async def carry(self, request: web.Request) -> web.StreamResponse:
        """One request and its answer, or what becomes of them."""
        if "Upgrade" in request.headers:
            return await self._bridge(request)
        self._carrying += 1
        try:
            return await self._carry(request)
        finally:
            self._carrying -= 1

    async def _carry(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        heard = Heard(time.monotonic_ns(), _name_of(request), _tag_in(body))
        self.heard.append(heard)
        trouble = self._strikes(heard.name)
        if trouble is None:
            return await self._pass_on(request, body, heard)
        heard.trouble = trouble
        return await self._spoil(trouble, request, lambda: self._pass_on(request, body, heard))

    async def _pass_on(self, request: web.Request, body: bytes, heard: Heard) -> web.Response:
        heard.passed_on = True
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with self._http.request(
            request.method, f"{self._rest}{request.path_qs}", data=body or None, headers=headers
        ) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), headers={"Content-Type": answer.headers["Content-Type"]}
            )

    async def _spoil(
        self, trouble: Trouble, request: web.Request, pass_on: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        match trouble:
            case Trouble.LOST_REPLY | Trouble.SILENT_AFTER | Trouble.KILL_AFTER:
                await pass_on()
            case Trouble.TOO_MANY:
                return web.json_response(_BODIES[429], status=429)
            case Trouble.ERROR_BEFORE:
                return web.json_response(_BODIES[500], status=500)
            case Trouble.GATEWAY_BEFORE:
                return _gateway(502)
            case Trouble.ERROR_AFTER | Trouble.GATEWAY_AFTER | Trouble.HALF_REPLY:
                return _spoilt(trouble, await pass_on())
            case Trouble.SLOW:
                await asyncio.sleep(SLOW_S)
                return await pass_on()
            case Trouble.DISCONNECT:
                self._cut_sockets()
                return await pass_on()
        if trouble in KILLS:
            self._kill()
        if trouble in (Trouble.SILENT_BEFORE, Trouble.SILENT_AFTER, Trouble.LATE):
            await asyncio.sleep(SILENCE_S)
        if trouble is Trouble.LATE:
            await pass_on()
        return _cut(request)

    # --- the socket -------------------------------------------------------------------------------------------------

    async def _bridge(self, request: web.Request) -> web.StreamResponse:
        async with self._http.ws_connect(
            f"{self._rest}{request.path_qs}".replace("http", "ws", 1), headers={"X-Kite-Version": "3"}
        ) as far:
            near = web.WebSocketResponse(compress=False)
            try:
                await near.prepare(request)
            except ConnectionError:
                return _cut(request)  # the desk is gone
            self._sockets.append(request)
            down = self._scope.spawn("line down", self._down(far, near))
            try:
                async for message in near:
                    if message.type is WSMsgType.TEXT and not far.closed:
                        await far.send_str(message.data)
            finally:
                self._sockets.remove(request)
                down.cancel()
        return near

    async def _down(self, far: aiohttp.ClientWebSocketResponse, near: web.WebSocketResponse) -> None:
        held: list[str] = []
        try:
            async for message in far:
                if message.type is WSMsgType.BINARY:
                    await near.send_bytes(message.data)
                elif message.type is WSMsgType.TEXT:
                    for text in self._update(message.data, held, near):
                        await near.send_str(text)
        except ConnectionError:
            return  # the desk is gone

    def _update(self, text: str, held: list[str], near: web.WebSocketResponse) -> list[str]:
        """What is sent on of a text message now."""
        trouble = self._strikes("update") if json.loads(text).get("type") == "order" else None
        match trouble:
            case Trouble.REPEATED:
                return [text, text]
            case Trouble.MISSED:
                return []
            case Trouble.SHUFFLED:
                if not held:
                    self._scope.spawn("line shuffles", self._release(held, near))
                held.append(text)
                return []
            case Trouble.DISCONNECT:
                self._cut_sockets()
                return []
            case Trouble.KILL_BEFORE:
                self._kill()
                return []
            case Trouble.KILL_AFTER:
                asyncio.get_running_loop().call_later(0.01, self._kill)
        return [text]

    async def _release(self, held: list[str], near: web.WebSocketResponse) -> None:
        await asyncio.sleep(HELD_S)
        texts = held + self._random.sample(held, len(held) // 2)
        held.clear()
        self._random.shuffle(texts)
        try:
            for text in texts:
                await near.send_str(text)
        except ConnectionError:
            return  # the desk is gone

    def _cut_sockets(self) -> None:
        for request in self._sockets:
            _cut(request)


@asynccontextmanager
async def a_line(rest: str, scope: Scope) -> AsyncIterator[tuple[Line, str]]:
    """A line to the exchange at `rest`, and the address at which it listens."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        line = Line(rest, http, scope)
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", line.carry)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield line, f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _name_of(request: web.Request) -> str:
    if request.method in _SENDS and request.path.startswith("/orders/"):
        return _SENDS[request.method]
    if request.path.startswith("/gtt/triggers") and request.method in _SENDS:
        return "gtt"
    if request.path == "/portfolio/positions" and request.method == "PUT":
        return "convert"
    return _NAMES.get(request.path, request.path)


def _tag_in(body: bytes) -> str:
    return parse_qs(body.decode()).get("tag", [""])[0]


def _cut(request: web.Request) -> web.Response:
    """End the connection without a word, as a broken line does."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _gateway(status: int) -> web.Response:
    return web.Response(status=status, text="<html><h1>Bad gateway</h1></html>", content_type="text/html")


def _spoilt(trouble: Trouble, answer: web.Response) -> web.Response:
    if trouble is Trouble.GATEWAY_AFTER:
        return _gateway(504)
    if trouble is Trouble.ERROR_AFTER:
        return web.json_response(_BODIES[500], status=500)
    body = answer.body if isinstance(answer.body, bytes) else b""
    return web.Response(status=answer.status, body=body[: len(body) // 2], content_type="application/json")
