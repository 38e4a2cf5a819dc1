"""Kite's live market data over websockets on the running loop: a Feed that stays connected by itself.

What is wanted is remembered, what Kite was told is remembered per connection, and only the difference is sent.
A silent link is a dead link; a refused token waits for a new login; everything else is tried again, ever more slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import WSMsgType

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import Clock, FeedSink, LinkReport, LinkState
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.kite.inbox import Inbox, OnFrame, OrderOf

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 3
MAX_TOKENS: Final = 3000
"""Per connection.  Source: CONTRACT 3.3."""

LONGEST_HOLD_S: Final = 0.008
"""How long a burst of frames may keep the loop from painting and from orders."""

REALLY_WAITED_S: Final = 0.0005
"""aiohttp hands out buffered frames without giving up the loop, in microseconds; a longer wait let others run."""

LOOP_HELD_UP_S: Final = 1.0
"""A watchdog that wakes this late tells of a busy loop, whose unread frames may say that the link lives."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.  Source: CONTRACT 4.10."""

    silence_s: float = 5.0
    first_s: float = 1.0
    cap_s: float = 60.0
    stable_s: float = 10.0
    too_many_s: float = 30.0
    connect_s: float = 10.0
    close_s: float = 1.0


def commands(told: Mapping[int, Mode], wanted: Mapping[int, Mode]) -> list[str]:
    """JSON texts that take Kite from what it was told to what is wanted.

    Kite puts every subscribed token on quote, so each new one is followed by its mode.
    """
    texts: list[str] = []
    gone = [token for token in told if token not in wanted]
    new = [token for token in wanted if token not in told]
    if gone:
        texts.append(_command("unsubscribe", gone))
    if new:
        texts.append(_command("subscribe", new))
    changed = [token for token, mode in wanted.items() if told.get(token) is not mode]
    for mode in Mode:
        tokens = [token for token in changed if wanted[token] is mode]
        if tokens:
            texts.append(_command("mode", [mode.value, tokens]))
    return texts


def _command(action: str, value: object) -> str:
    return json.dumps({"a": action, "v": value}, separators=(",", ":"))


class Ticker:
    """Feed of one Kite session over at most three connections of 3000 instruments.

    Calls come from the loop's thread. `order_of` reads the order in a text message.
    An `http` that is handed in is used as it is, TLS settings included, and never closed here.
    """

    def __init__(
        self,
        session: Session,
        clock: Clock,
        root: str = "wss://ws.kite.trade",
        *,
        order_of: OrderOf,
        rng: random.Random | None = None,
        http: aiohttp.ClientSession | None = None,
        patience: Patience | None = None,
        on_frame: OnFrame | None = None,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Ticker needs a verified Session")
        self._on_frame = on_frame
        self._clock = clock
        self._order_of = order_of
        self._http = http
        self._problems: dict[str, int] = {}
        line = _Line(session, root, patience or Patience(), rng or random.Random())
        self._line = line
        self._links = tuple(_Link(number, line) for number in range(1, MAX_CONNECTIONS + 1))
        self._home: dict[int, _Link] = {}

    @property
    def problems(self) -> Mapping[str, int]:
        """What was received and could not be read, with how often, since the program started."""
        return self._problems

    def watch(self, tokens: Iterable[int], mode: Mode) -> None:
        """Want these instruments in this mode; raises Refused, and changes nothing, past 9000 of them."""
        asked = [int(token) for token in dict.fromkeys(tokens)]
        new = [token for token in asked if token not in self._home]
        total, limit = len(self._home) + len(new), MAX_CONNECTIONS * MAX_TOKENS
        if total > limit:
            raise Refused(
                f"{total:,} instruments asked, {limit:,} allowed: {MAX_CONNECTIONS} connections × {MAX_TOKENS:,} each",
                rule="feed tokens",
            )
        for token in new:
            self._home[token] = _one_with_room(self._links)
            self._home[token].wanted[token] = mode
        for token in asked:
            self._home[token].wanted[token] = mode
        self._wake()

    def unwatch(self, tokens: Iterable[int]) -> None:
        """Want these instruments no longer; unknown ones are no error."""
        for token in tokens:
            link = self._home.pop(int(token), None)
            if link is not None:
                del link.wanted[int(token)]
        self._pack()
        self._wake()

    def renew(self, session: Session) -> None:
        """Go on with a new session in place: every link connects again with its token, at once."""
        self._line.session = session
        self._wake()

    async def run(self, sink: FeedSink) -> None:
        """Connect and stay connected until cancelled; sockets are closed when it ends."""
        board = _Board(sink)
        inbox = Inbox(sink, self._clock, self._order_of, self._problems, self._on_frame)
        try:
            async with self._client() as http, asyncio.TaskGroup() as group:
                for link in self._links:
                    group.create_task(link.run(http, inbox, board), name=f"ticker/link {link.number}")
        finally:
            board.off()

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[aiohttp.ClientSession]:
        if self._http is not None:
            yield self._http
            return
        staying = aiohttp.TraceConfig()
        staying.on_request_redirect.append(_refuse_to_follow)  # ws_connect would follow, to plain text as well
        async with aiohttp.ClientSession(trace_configs=[staying]) as http:
            yield http

    def _pack(self) -> None:
        """Empty the last connection into the others once they have room: fewer links, less to fail."""
        for index in range(MAX_CONNECTIONS - 1, 0, -1):
            last, others = self._links[index], self._links[:index]
            if len(last.wanted) > sum(MAX_TOKENS - len(link.wanted) for link in others):
                return
            for token, mode in last.wanted.items():
                self._home[token] = _one_with_room(others)
                self._home[token].wanted[token] = mode
            last.wanted.clear()

    def _wake(self) -> None:
        for link in self._links:
            link.changed.set()


@dataclass(slots=True)
class _Line:
    """What the links of one ticker share."""

    session: Session
    root: str
    patience: Patience
    rng: random.Random

    @property
    def secret(self) -> tuple[str, str]:
        return self.session.token.api_key, self.session.token.access_token

    def address(self) -> str:
        """The address with its token: it must not be logged, nor any error that quotes it."""
        api_key, access_token = self.secret
        return f"{self.root}?{urlencode({'api_key': api_key, 'access_token': access_token}, quote_via=quote)}"


class _Why(Enum):
    LOST = "lost"
    TOO_MANY = "too many connections"
    REFUSED = "token refused"
    CHANGED = "nothing is wanted of this link any more, or the login has changed"


class _Ended(Exception):
    """A connection came to its end, or could not begin."""

    def __init__(self, why: _Why, detail: str = "") -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


async def _refuse_to_follow(*_: object) -> None:
    raise _Ended(_Why.LOST, "the feed's address sends elsewhere, which is not followed")


class _Link:
    """One connection: what is wanted of it, and the loop that keeps it up."""

    def __init__(self, number: int, line: _Line) -> None:
        self.number = number
        self.wanted: dict[int, Mode] = {}
        self.changed = asyncio.Event()
        self._line = line
        self._failures = 0
        self._heard_s = 0.0

    @property
    def needed(self) -> bool:
        """The first link is: order updates come even where no instrument is watched."""
        return self.number == 1 or bool(self.wanted)

    async def run(self, http: aiohttp.ClientSession, inbox: Inbox, board: _Board) -> None:
        self._failures = 0
        while True:
            await self._wait_while(lambda: not self.needed)
            session = self._line.session
            board.show(self.number, LinkReport(LinkState.CONNECTING))
            ended = await self._one_connection(http, inbox, board)
            await self._recover(ended, session, board)

    async def _one_connection(self, http: aiohttp.ClientSession, inbox: Inbox, board: _Board) -> _Ended:
        # WORKAROUND gh-102780, CPython 3.11.0 to 3.11.2 (Debian 12's own): a task in which a TaskGroup failed stays
        # marked as being cancelled, and its next asyncio.timeout ends it instead of raising TimeoutError: the feed
        # would never come back. A task of its own takes the mark with it. To be dropped with 3.11.2.
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(
                self._connect_and_talk(http, inbox, board), name=f"ticker/connection {self.number}"
            )
        return talking.result()

    async def _connect_and_talk(self, http: aiohttp.ClientSession, inbox: Inbox, board: _Board) -> _Ended:
        ended, secret = _Ended(_Why.LOST), self._line.secret
        try:
            socket = await self._connect(http)
        except _Ended as refused:
            return refused
        try:
            board.show(self.number, LinkReport(LinkState.UP))
            await self._talk(socket, secret, inbox)
        except* _Ended as group:
            ended = _first(group)
        except* (aiohttp.ClientError, OSError) as group:
            ended = _Ended(_Why.LOST, f"sending failed ({type(group.exceptions[0]).__name__})")
        finally:
            await socket.close()
        return ended

    async def _connect(self, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        patience = self._line.patience
        try:
            async with asyncio.timeout(patience.connect_s):
                return await http.ws_connect(
                    self._line.address(),
                    headers={"X-Kite-Version": "3"},
                    timeout=aiohttp.ClientWSTimeout(ws_close=patience.close_s),
                    autoping=False,  # a proxy's pings must not pass for Kite's data: they are answered in _read
                )
        except aiohttp.WSServerHandshakeError as error:
            raise _not_upgraded(error.status) from None
        except TimeoutError:
            raise _Ended(_Why.LOST, f"no answer within {patience.connect_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Ended(_Why.LOST, _in_words(error)) from None

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse, secret: tuple[str, str], inbox: Inbox) -> None:
        loop = asyncio.get_running_loop()
        self._heard_s = began = loop.time()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tell_wishes(socket, secret), name=f"ticker/wishes {self.number}")
                group.create_task(self._notice_silence(), name=f"ticker/silence {self.number}")
                group.create_task(self._read(socket, inbox), name=f"ticker/read {self.number}")
        finally:
            if loop.time() - began >= self._line.patience.stable_s:
                self._failures = 0

    async def _tell_wishes(self, socket: aiohttp.ClientWebSocketResponse, secret: tuple[str, str]) -> None:
        told: dict[int, Mode] = {}
        while self.needed and self._line.secret == secret:
            self.changed.clear()
            wanted = dict(self.wanted)
            for text in commands(told, wanted):
                await socket.send_str(text)
            told = wanted
            await self.changed.wait()
        raise _Ended(_Why.CHANGED)

    async def _notice_silence(self) -> None:
        loop, silence_s = asyncio.get_running_loop(), self._line.patience.silence_s
        while True:
            due = self._heard_s + silence_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            if now - due > LOOP_HELD_UP_S:
                self._heard_s = now
            elif now >= self._heard_s + silence_s:
                raise _Ended(_Why.LOST, f"nothing heard for {silence_s:g} s")

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, inbox: Inbox) -> None:
        loop = asyncio.get_running_loop()
        free = loop.time()  # when other tasks last had the loop
        while True:
            asked = loop.time()
            message = await socket.receive()
            now = loop.time()
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                self._heard_s = now
                more = inbox.take(message.data)
                while more:  # the frame was too much for one slice: others have their turn before the next message
                    await asyncio.sleep(0)
                    more = inbox.more()
                    free = loop.time()
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                raise _Ended(_Why.LOST, f"the link was closed (code {socket.close_code})")
            if now - asked > REALLY_WAITED_S:
                free = now
            if loop.time() - free > LONGEST_HOLD_S:
                await asyncio.sleep(0)
                free = loop.time()

    async def _recover(self, ended: _Ended, session: Session, board: _Board) -> None:
        if ended.why is _Why.REFUSED:
            log.warning("feed link %d: %s", self.number, ended.detail)
            board.show(self.number, LinkReport(LinkState.REFUSED, ended.detail))
            await self._wait_while(lambda: self.needed and self._line.session is session)
        elif ended.why is not _Why.CHANGED:
            await self._back_off(ended, session, board)
        if self._line.session is not session:
            self._failures = 0
        if not self.needed:
            board.drop(self.number)

    async def _back_off(self, ended: _Ended, session: Session, board: _Board) -> None:
        delay_s = self._delay(ended.why)
        log.warning("feed link %d: %s; next try in %.1f s", self.number, ended.detail, delay_s)
        board.show(self.number, LinkReport(LinkState.WAITING, ended.detail, delay_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._wait_while(lambda: self.needed and self._line.session is session)

    def _delay(self, why: _Why) -> float:
        """1, 2, 4 … seconds with a quarter of jitter either way, so that many programs do not return as one."""
        patience, rng = self._line.patience, self._line.rng
        delay_s = min(patience.cap_s, patience.first_s * 2.0 ** min(self._failures, 20))
        self._failures += 1
        if why is _Why.TOO_MANY:
            return max(patience.too_many_s, delay_s) * rng.uniform(1.0, 1.25)
        return min(patience.cap_s, delay_s * rng.uniform(0.75, 1.25))

    async def _wait_while(self, condition: Callable[[], bool]) -> None:
        while condition():
            self.changed.clear()
            await self.changed.wait()


def _one_with_room(links: Sequence[_Link]) -> _Link:
    return next(link for link in links if len(link.wanted) < MAX_TOKENS)


def _not_upgraded(status: int) -> _Ended:
    if status == 403:
        return _Ended(_Why.REFUSED, "Kite refused the login of this feed (403)")
    if status == 429:
        text = f"Kite has too many connections of this key (429): {MAX_CONNECTIONS} allowed over all programs"
        return _Ended(_Why.TOO_MANY, text)
    return _Ended(_Why.LOST, f"Kite answered {status} instead of opening the feed")


def _in_words(error: Exception) -> str:
    """What went wrong, from parts that cannot quote the address and its token."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host} is not trusted ({_verdict(error.certificate_error)})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port} ({error.os_error.strerror or type(error).__name__})"
    return f"no connection ({type(error).__name__})"


def _verdict(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__


def _first(group: BaseExceptionGroup[_Ended]) -> _Ended:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


_WORST_FIRST: Final = (LinkState.REFUSED, LinkState.WAITING, LinkState.CONNECTING, LinkState.UP)


class _Board:
    """States of the links as one: the worst is told, and only when that changes."""

    def __init__(self, sink: FeedSink) -> None:
        self._sink = sink
        self._reports: dict[int, LinkReport] = {}
        self._told = LinkReport(LinkState.OFF)

    def show(self, number: int, report: LinkReport) -> None:
        self._reports[number] = report
        self._tell()

    def drop(self, number: int) -> None:
        self._reports.pop(number, None)
        self._tell()

    def off(self) -> None:
        self._reports.clear()
        self._tell()

    def _tell(self) -> None:
        reports = sorted(self._reports.values(), key=lambda report: _WORST_FIRST.index(report.state))
        worst = reports[0] if reports else LinkReport(LinkState.OFF)
        if worst != self._told:
            self._told = worst
            self._sink.link(worst)
