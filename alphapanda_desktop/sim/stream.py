"""The websocket of the local Kite: who is subscribed to what, and a beat that sends what changed.

A link holds no queue of ticks, only which tokens it has yet to hear of: a slow client skips to the newest picture of
each and holds nobody up. Order updates are never skipped.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.kite.packets import encode_frame, encode_packet
from alphapanda_desktop.sim.market import Market

log = logging.getLogger(__name__)

BEAT_S: Final = 0.25
FASTEST_BEAT_S: Final = 0.004
"""A faster clock is followed with more beats, not with bigger leaps, as far as that goes."""
HEARTBEAT_S: Final = 1.0
MAX_CONNECTIONS: Final = 3
MAX_TOKENS: Final = 3000
"""Connections per api_key, tokens per connection.  Source: CONTRACT 3.3."""
FRAME_PACKETS: Final = 400
TEXTS_HELD: Final = 10_000
"""A client that leaves this many messages unread is cut off."""
CATCH_UP: Final = 10
CATCH_UP_S: Final = 0.05
"""New subscriptions are brought up to date in slices, so that thousands of them do not stop the beat."""
TOO_MANY: Final = f"Can't subscribe to more than {MAX_TOKENS} instruments."
UNKNOWN_PACKET: Final = bytes(range(13))

Authorise = Callable[[str, str], "str | bool | None"]
"""api_key, access_token → the user's id, or only whether they are let in."""


@dataclass(slots=True)
class Faults:
    """What is wrong with the socket at the moment; everything off is a good day. Anyone may turn these."""

    silent: bool = False
    """The link stays up and nothing is sent, heartbeats neither."""
    refuse_upgrade: int = 0
    """HTTP status with which new connections are refused, 0 for none."""
    extra_delay_s: float = 0.0
    """Seconds before each sending."""
    drop_every_s: float = 0.0
    """Seconds after which every connection is cut, 0 for never."""
    unknown_packets: bool = False
    unknown_texts: bool = False


@dataclass(eq=False, slots=True)
class _Link:
    """One connection: its modes, what it has yet to hear, and what it heard last."""

    api_key: str
    access_token: str
    user_id: str | None
    """None hears everybody's orders."""
    request: web.Request
    socket: web.WebSocketResponse
    opened_s: float
    checked_s: float = 0.0
    modes: dict[int, Mode] = field(default_factory=dict)
    dirty: dict[int, None] = field(default_factory=dict)
    heard: dict[int, bytes] = field(default_factory=dict)
    texts: deque[str] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, kind: str, data: object) -> None:
        """Queue a text message; a client that never reads is cut off."""
        self.texts.append(json.dumps({"type": kind, "data": data}))
        self.wake.set()
        if len(self.texts) > TEXTS_HELD:
            self.cut()

    def cut(self) -> None:
        """End the connection without a word, as a broken line does."""
        if self.request.transport is not None:
            self.request.transport.abort()

    def renew(self, token: int, mode: Mode) -> None:
        """Take a token in a mode, and send its picture anew."""
        self.modes[token] = mode
        self.heard.pop(token, None)
        self.dirty[token] = None


class Stream:
    """Websocket endpoint and its beat. Mount `handle`, keep `run` running; both on the same loop."""

    def __init__(self, market: Market, authorise: Authorise, faults: Faults) -> None:
        self._market, self._authorise, self._faults = market, authorise, faults
        self._links: list[_Link] = []
        self._latest: dict[int, Tick] = {}
        self._packets: dict[tuple[int, Mode], tuple[Tick, bytes]] = {}
        self._new: dict[int, None] = {}
        self._hurry = asyncio.Event()
        self._fewer = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One websocket connection, or why it is refused."""
        key, token = request.query.get("api_key", ""), request.query.get("access_token", "")
        user = self._authorise(key, token)
        refusal = self._refusal(key, bool(user))
        if refusal:
            return web.Response(status=refusal)
        socket = web.WebSocketResponse(compress=False)
        opened_s = asyncio.get_running_loop().time()
        link = _Link(key, token, user if isinstance(user, str) else None, request, socket, opened_s)
        self._links.append(link)
        try:
            await socket.prepare(request)
            await self._serve(link)
        finally:
            self._links.remove(link)
            self._fewer = True
        return socket

    def publish_order(self, user_id: str, order: Mapping[str, object]) -> None:
        """Send an order update to all connections of a user."""
        for link in self._links:
            if link.user_id in (None, user_id):
                link.say("order", order)

    def drop_all(self, api_key: str | None = None) -> None:
        """Cut every connection, or those of one key, as a broken line would."""
        for link in self._links:
            if api_key in (None, link.api_key):
                link.cut()

    @property
    def connections(self) -> int:
        return len(self._links)

    async def run(self) -> None:
        """Step the market and send what changed, four times in a second of its clock, until cancelled."""
        loop = asyncio.get_running_loop()
        took_s = 0.0
        while True:
            await self._pause(took_s)
            self._hurry.clear()
            start_s = loop.time()
            self._beat(start_s)
            took_s = loop.time() - start_s

    async def _pause(self, took_s: float) -> None:
        """Wait for the next beat: sooner when somebody subscribed, never so soon that others starve."""
        rest_s = max(FASTEST_BEAT_S, took_s / 2 if self._new else took_s * 2)
        await asyncio.sleep(rest_s)
        beat_s = min(BEAT_S, BEAT_S / max(self._market.clock.speed, 0.01))
        if self._new or beat_s <= rest_s:
            return
        try:
            async with asyncio.timeout(beat_s - rest_s):
                await self._hurry.wait()
        except TimeoutError:
            return

    # --- the beat -----------------------------------------------------------------------------------------------

    def _beat(self, now_s: float) -> None:
        self._forget_unwanted()
        self._catch_up(now_s)
        changed = self._market.step()
        self._latest.update((tick.instrument_token, tick) for tick in changed)
        tokens = [tick.instrument_token for tick in changed]
        for link in list(self._links):
            self._look_after(link, now_s)
            link.dirty.update((token, None) for token in tokens if token in link.modes)
            if link.dirty or link.texts:
                link.wake.set()

    def _look_after(self, link: _Link, now_s: float) -> None:
        """Cut what a fault or a dead token ends."""
        if self._faults.drop_every_s and now_s - link.opened_s > self._faults.drop_every_s:
            link.cut()
        if now_s >= link.checked_s + HEARTBEAT_S:
            link.checked_s = now_s
            if not self._authorise(link.api_key, link.access_token):
                link.cut()
            if self._faults.unknown_texts:
                link.say("app_code", None)
                link.say("a_type_of_tomorrow", {"nested": [1, 2.5, None]})

    def _forget_unwanted(self) -> None:
        if not self._fewer:
            return
        self._fewer = False
        wanted: set[int] = set().union(*(link.modes for link in self._links))
        self._new = {token: None for token in self._new if token in wanted}
        for token in self._market.streamed - wanted:
            self._latest.pop(token, None)
        self._market.streamed &= wanted
        self._packets = {name: kept for name, kept in self._packets.items() if name[0] in wanted}

    def _catch_up(self, now_s: float) -> None:
        loop = asyncio.get_running_loop()
        while self._new and loop.time() < now_s + CATCH_UP_S:
            tokens = list(self._new)[:CATCH_UP]
            for token, tick in zip(tokens, self._market.pictures(tokens), strict=True):
                del self._new[token]
                self._latest[token] = tick
                self._market.streamed.add(token)
            for link in self._links:
                link.dirty.update((token, None) for token in tokens if token in link.modes)

    # --- one connection -----------------------------------------------------------------------------------------

    def _refusal(self, api_key: str, known: bool) -> int:
        if self._faults.refuse_upgrade:
            return self._faults.refuse_upgrade
        if not known:
            return 403
        return 429 if sum(link.api_key == api_key for link in self._links) >= MAX_CONNECTIONS else 0

    async def _serve(self, link: _Link) -> None:
        listed = len(self._market.instruments)
        link.say("instruments_meta", {"count": listed, "etag": f'W/"{listed:x}"'})
        link.say("message", "This is a local Kite: prices are simulated and no order leaves this machine.")
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(link), name="socket writer")
            async for message in link.socket:
                if message.type is WSMsgType.TEXT:
                    self._obey(link, message.data)
            writer.cancel()

    async def _write(self, link: _Link) -> None:
        try:
            while not link.socket.closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await link.wake.wait()
                except TimeoutError:
                    if not self._faults.silent:
                        await link.socket.send_bytes(b"\x00")
                link.wake.clear()
                await self._send(link)
        except ConnectionResetError:
            log.debug("a client went away while it was written to")

    async def _send(self, link: _Link) -> None:
        """Everything the link has yet to hear; while silence is on, all of it stays where it is."""
        while (link.texts or link.dirty) and not self._faults.silent:
            if self._faults.extra_delay_s:
                await asyncio.sleep(self._faults.extra_delay_s)
            while link.texts:
                await link.socket.send_str(link.texts.popleft())
            packets = self._taken(link)
            if packets:
                await link.socket.send_bytes(encode_frame(packets))

    def _taken(self, link: _Link) -> list[bytes]:
        """The next packets that say something new; their tokens are no longer dirty."""
        packets: list[bytes] = []
        while link.dirty and len(packets) < FRAME_PACKETS:
            token = next(iter(link.dirty))
            del link.dirty[token]
            tick, mode = self._latest.get(token), link.modes.get(token)
            if tick is None or mode is None:
                continue
            packet = self._packet(tick, mode)
            if link.heard.get(token) != packet:
                link.heard[token] = packet
                packets.append(packet)
        if packets and self._faults.unknown_packets:
            packets.insert(len(packets) // 2, UNKNOWN_PACKET)
        return packets

    def _packet(self, tick: Tick, mode: Mode) -> bytes:
        name = tick.instrument_token, mode
        kept = self._packets.get(name)
        if kept is None or kept[0] is not tick:
            kept = self._packets[name] = tick, encode_packet(tick, mode)
        return kept[1]

    # --- commands -----------------------------------------------------------------------------------------------

    def _obey(self, link: _Link, text: str) -> None:
        """Carry out one command; what is none is passed over, as Kite does."""
        try:
            command = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(command, dict):
            return
        match command.get("a"), command.get("v"):
            case "subscribe", list(tokens):
                self._subscribe(link, _numbers(tokens))
            case "unsubscribe", list(tokens):
                self._fewer = True
                for token in _numbers(tokens):
                    link.modes.pop(token, None)
                    link.heard.pop(token, None)
            case "mode", [str(mode), list(tokens)] if mode in set(Mode):
                for token in _numbers(tokens):
                    if token in link.modes:
                        self._renew(link, token, Mode(mode))

    def _subscribe(self, link: _Link, tokens: Iterable[int]) -> None:
        refused = False
        for token in tokens:
            if token in link.modes or len(link.modes) < MAX_TOKENS:
                self._renew(link, token, Mode.QUOTE)
            else:
                refused = True
        if refused:
            link.say("error", TOO_MANY)

    def _renew(self, link: _Link, token: int, mode: Mode) -> None:
        link.renew(token, mode)
        if token not in self._latest and self._market.by_token(token) is not None:
            self._new[token] = None
        self._hurry.set()


def _numbers(values: Iterable[object]) -> list[int]:
    """The tokens in a command: whole numbers, as numbers or as text."""
    texts = [str(v) for v in values if isinstance(v, int | str) and not isinstance(v, bool)]
    return [int(text) for text in texts if len(text) <= 10 and text.isascii() and text.isdigit()]
