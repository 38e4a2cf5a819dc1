"""The feed over a real websocket server on this machine: what it asks for, and how it takes every kind of trouble."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import socket as sockets
import ssl
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Feed, LinkReport, LinkState
from alphapanda_desktop.domain.quotes import Batch, LatestTable
from alphapanda_desktop.domain.session import Profile, Session, Token, verify
from alphapanda_desktop.kite import ticker as module
from alphapanda_desktop.kite.packets import HEARTBEAT, encode_frame, encode_packet
from alphapanda_desktop.kite.ticker import Patience, Ticker, commands

INFY, SBIN, NIFTY = 408065, 779521, 256265
SECRET = "se+cr/et=to&ken %41"
QUICK = Patience(silence_s=60, first_s=0.001, cap_s=0.01, stable_s=0.0, too_many_s=0.02, connect_s=60, close_s=0.5)
INFY_FRAME = encode_frame([encode_packet(Tick(INFY, Mode.LTP, 1412.95), Mode.LTP)])


class RealClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_s(self) -> float:
        return time.monotonic()


class Even(random.Random):
    """Jitter that is always the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class KnowsEveryone:
    """Stands for Kite's profile call."""

    async def profile(self, token: Token) -> Profile:
        return Profile(token.user_id, "A Trader")


async def a_session(access_token: str = SECRET) -> Session:
    now = datetime(2026, 11, 23, 4, tzinfo=UTC)
    return await verify(KnowsEveryone(), Token("kitekey", access_token, "AB1234", now), now)


@dataclass
class Ear:
    """A sink that remembers; `on_ticks` is done for every batch."""

    got: list[Tick] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    links: list[LinkReport] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    on_ticks: Callable[[], None] = lambda: None

    def ticks(self, ticks: Sequence[Tick]) -> None:
        self.got.extend(ticks)
        self.on_ticks()

    def order(self, order: Order) -> None:
        self.orders.append(order)

    def link(self, report: LinkReport) -> None:
        self.links.append(report)

    def notice(self, kind: str, text: str) -> None:
        self.notices.append((kind, text))

    @property
    def state(self) -> LinkState:
        return self.links[-1].state if self.links else LinkState.OFF

    def states(self) -> list[LinkState]:
        return [report.state for report in self.links]


class LocalKite:
    """Kite's websocket as far as a feed sees it; `answers` are HTTP statuses for the next upgrades."""

    def __init__(self) -> None:
        self.answers: deque[int] = deque()
        self.beating = True
        self.pinging = False
        self.pongs = 0
        self.dead_tokens: set[str] = set()
        self.upgrades: list[Mapping[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.said: list[list[dict[str, Any]]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.beats = 0
        self.longest_pause_s = 0.0
        """Between two beats: the machine may hold up this process, and with it both ends of a link."""
        self.port = 0

    @property
    def live(self) -> list[web.WebSocketResponse]:
        return [socket for socket in self.sockets if not socket.closed]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.upgrades.append(dict(request.query))
        self.headers.append(dict(request.headers))
        status = self.answers.popleft() if self.answers else 101
        if request.query["access_token"] in self.dead_tokens:
            status = 403
        if status != 101:
            return web.Response(status=status, text=f"refused {request.url}")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        said: list[dict[str, Any]] = []
        self.said.append(said)
        self.sockets.append(socket)
        beat = asyncio.create_task(self._beat(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.PONG:
                    self.pongs += 1
                else:
                    said.append(json.loads(message.data))
        finally:
            beat.cancel()
        return socket

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            last_s = time.monotonic()
            while not socket.closed:
                self.longest_pause_s = max(self.longest_pause_s, time.monotonic() - last_s)
                last_s = time.monotonic()
                if self.beating:
                    await socket.send_bytes(HEARTBEAT)
                    self.beats += 1
                if self.pinging:
                    await socket.ping()
                await asyncio.sleep(0.01)

    async def send(self, message: bytes | str) -> None:
        for socket in self.live:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))

    async def drop(self, number: int = -1) -> None:
        """End one link without a closing handshake, as a broken network does."""
        transport = self.sockets[number]._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    def told(self, number: int = -1) -> dict[int, str]:
        """Tokens with their modes, as Kite would keep them for that connection."""
        modes: dict[int, str] = {}
        for command in self.said[number] if self.said else []:
            match command:
                case {"a": "subscribe", "v": tokens}:
                    modes |= dict.fromkeys(tokens, "quote")
                case {"a": "unsubscribe", "v": tokens}:
                    for token in tokens:
                        del modes[token]
                case {"a": "mode", "v": [mode, tokens]}:
                    assert set(tokens) <= set(modes), "mode before subscribe"
                    modes |= dict.fromkeys(tokens, mode)
        return modes


@contextlib.asynccontextmanager
async def a_kite(tls: ssl.SSLContext | None = None) -> AsyncIterator[LocalKite]:
    kite, app = LocalKite(), web.Application()
    app.router.add_get("/", kite.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        kite.port = runner.addresses[0][1]
        yield kite
    finally:
        await runner.cleanup()


def read_order(data: Mapping[str, object]) -> Order:
    if "order_id" not in data:
        raise BadData("order_id is missing")
    return Order(
        order_id=str(data["order_id"]),
        status=str(data["status"]),
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="BUY",
        quantity=1,
        product="MIS",
        order_type="LIMIT",
    )


async def a_ticker(kite: LocalKite, patience: Patience = QUICK, **more: Any) -> Ticker:
    options = {"root": f"ws://127.0.0.1:{kite.port}", "order_of": read_order, "rng": Even(), "patience": patience}
    return Ticker(await a_session(), RealClock(), **(options | more))


@contextlib.asynccontextmanager
async def running(feed: Ticker, ear: Any = None) -> AsyncIterator[Any]:
    ear = ear if ear is not None else Ear()
    task = asyncio.create_task(feed.run(ear))
    try:
        yield ear
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


# What is asked of Kite.


def modes(**by_mode: Iterable[int]) -> dict[int, Mode]:
    return {token: Mode(mode) for mode, tokens in by_mode.items() for token in tokens}


@pytest.mark.parametrize(
    ("told", "wanted", "texts"),
    [
        ({}, {}, []),
        ({}, modes(full=[1, 2], ltp=[3]), [
            '{"a":"subscribe","v":[1,2,3]}', '{"a":"mode","v":["ltp",[3]]}', '{"a":"mode","v":["full",[1,2]]}',
        ]),
        (modes(full=[1], ltp=[2]), modes(full=[1], ltp=[2]), []),
        (modes(full=[1], ltp=[2]), modes(full=[1, 2]), ['{"a":"mode","v":["full",[2]]}']),
        (modes(full=[1, 2]), modes(full=[2], quote=[3]), [
            '{"a":"unsubscribe","v":[1]}', '{"a":"subscribe","v":[3]}', '{"a":"mode","v":["quote",[3]]}',
        ]),
    ],
)  # fmt: skip
def test_only_the_difference_is_said(told: dict[int, Mode], wanted: dict[int, Mode], texts: list[str]) -> None:
    assert commands(told, wanted) == texts


def test_ticks_flow_and_changes_of_mind_are_sent_while_connected(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            feed: Feed = (ticker := await a_ticker(kite))
            feed.watch([INFY, SBIN], Mode.FULL)
            feed.watch([NIFTY], Mode.LTP)
            async with running(ticker) as ear:
                await eventually(lambda: kite.told() == {INFY: "full", SBIN: "full", NIFTY: "ltp"})
                await kite.send(INFY_FRAME)
                await eventually(lambda: ear.got)
                assert (ear.got[0].instrument_token, ear.got[0].last_price) == (INFY, 1412.95)
                assert abs(ear.got[0].received_ns - time.time_ns()) < 60e9
                before = len(kite.said[0])
                feed.watch([NIFTY], Mode.QUOTE)
                feed.unwatch([SBIN, 12345])
                await eventually(lambda: kite.told() == {INFY: "full", NIFTY: "quote"})
                assert kite.said[0][before:] == [
                    {"a": "unsubscribe", "v": [SBIN]},
                    {"a": "mode", "v": ["quote", [NIFTY]]},
                ]
            assert len(kite.upgrades) == 1
            assert ear.states() == [LinkState.CONNECTING, LinkState.UP, LinkState.OFF]

    arun(story())


def test_the_token_and_version_arrive_as_they_are(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: ear.state is LinkState.UP)
            assert kite.upgrades == [{"api_key": "kitekey", "access_token": SECRET}]
            assert kite.headers[0]["X-Kite-Version"] == "3"

    arun(story())


def test_the_feed_runs_on_the_qt_loop(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: kite.live)
            await kite.send(INFY_FRAME)
            await eventually(lambda: ear.got)

    run(story())


# Trouble on the line.


def test_a_dropped_link_comes_back_with_the_same_tokens_and_modes(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            ticker = await a_ticker(kite)
            ticker.watch([INFY], Mode.FULL)
            ticker.watch([NIFTY], Mode.LTP)
            async with running(ticker) as ear:
                await eventually(lambda: kite.told() == {INFY: "full", NIFTY: "ltp"})
                await kite.drop()
                await eventually(lambda: len(kite.said) == 2 and kite.told() == {INFY: "full", NIFTY: "ltp"})
                states = ear.states()
            assert states == [
                LinkState.CONNECTING, LinkState.UP, LinkState.WAITING, LinkState.CONNECTING, LinkState.UP,
            ]  # fmt: skip

    arun(story())


def test_a_link_that_kite_closes_comes_back(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: kite.live)
            await kite.sockets[0].close(code=1001)
            await eventually(lambda: len(kite.sockets) == 2 and ear.state is LinkState.UP)
            assert "1001" in next(report.detail for report in ear.links if report.state is LinkState.WAITING)

    arun(story())


@pytest.mark.parametrize("pinging", [False, True])
def test_a_silent_link_is_dropped_even_when_it_pings(arun: Any, eventually: Any, pinging: bool) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            kite.beating, kite.pinging = False, pinging
            quick = Patience(silence_s=0.1, first_s=0.001, connect_s=60, close_s=0.2)
            async with running(await a_ticker(kite, quick)) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
                kite.beating = True
                await eventually(lambda: len(kite.upgrades) > 1)
            waiting = next(report for report in ear.links if report.state is LinkState.WAITING)
            assert waiting.detail == "nothing heard for 0.1 s"

    arun(story())


def test_heartbeats_alone_keep_a_link_up_and_pings_are_answered(arun: Any, eventually: Any) -> None:
    async def story() -> float:
        async with a_kite() as kite:
            kite.pinging = True
            async with running(await a_ticker(kite, Patience(silence_s=0.3, connect_s=60))) as ear:
                await eventually(lambda: kite.beats > 60 and kite.pongs > 10)
                assert ear.states() == [LinkState.CONNECTING, LinkState.UP] or kite.longest_pause_s > 0.2
                assert ear.got == []
            return kite.longest_pause_s

    while arun(story()) > 0.2:
        pass  # the machine itself was silent for that long


def test_a_loop_that_was_held_up_does_not_cost_the_link(
    arun: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOP_HELD_UP_S", 0.0)

    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite, Patience(silence_s=0.3, connect_s=60))) as ear:
            await eventually(lambda: kite.beats > 3)
            time.sleep(0.6)  # noqa: ASYNC251  # a window that paints for far too long
            beats = kite.beats
            await eventually(lambda: kite.beats > beats + 5)
            assert ear.states() == [LinkState.CONNECTING, LinkState.UP]

    arun(story())


def test_delays_double_up_to_the_cap_and_start_again_after_a_stable_link(arun: Any, eventually: Any) -> None:
    async def story(stable_s: float) -> list[float]:
        patience = Patience(silence_s=60, first_s=0.001, cap_s=0.004, stable_s=stable_s, connect_s=60)
        async with a_kite() as kite:
            kite.answers.extend([500, 502, 503, 101, 500])
            async with running(await a_ticker(kite, patience)) as ear:
                await eventually(lambda: ear.state is LinkState.UP)
                await kite.drop()
                await eventually(lambda: len(kite.sockets) == 2)
        return [report.retry_in_s for report in ear.links if report.state is LinkState.WAITING]

    assert arun(story(stable_s=1000)) == [0.001, 0.002, 0.004, 0.004, 0.004]
    assert arun(story(stable_s=0)) == [0.001, 0.002, 0.004, 0.001, 0.002]


def test_jitter_spreads_the_delays(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        patience = Patience(first_s=0.004, cap_s=0.004, connect_s=60)
        async with a_kite() as kite:
            kite.answers.extend([500] * 8)
            async with running(await a_ticker(kite, patience, rng=random.Random(7))) as ear:
                await eventually(lambda: kite.sockets)
            delays = {report.retry_in_s for report in ear.links if report.state is LinkState.WAITING}
            assert len(delays) > 3
            assert 0.003 <= min(delays) <= max(delays) <= 0.004

    arun(story())


def test_a_refused_token_stops_and_a_new_login_goes_on_with_the_same_tokens(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            kite.dead_tokens.add(SECRET)
            ticker = await a_ticker(kite)
            ticker.watch([INFY], Mode.FULL)
            async with running(ticker) as ear:
                await eventually(lambda: ear.state is LinkState.REFUSED)
                ticker.watch([SBIN], Mode.QUOTE)  # wanting more is no reason to knock again
                await asyncio.sleep(50 * QUICK.first_s)
                assert (len(kite.upgrades), ear.state) == (1, LinkState.REFUSED)
                ticker.renew(await a_session("fresh"))
                await eventually(lambda: kite.told() == {INFY: "full", SBIN: "quote"})
            assert [query["access_token"] for query in kite.upgrades] == [SECRET, "fresh"]

    arun(story())


def test_a_session_that_dies_under_the_feed_ends_in_refused(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: kite.live)
            kite.dead_tokens.add(SECRET)
            await kite.drop()
            await eventually(lambda: ear.state is LinkState.REFUSED)
            assert len(kite.upgrades) == 2

    arun(story())


def test_a_new_login_under_a_live_link_takes_over_at_once(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            ticker = await a_ticker(kite)
            ticker.watch([INFY], Mode.FULL)
            async with running(ticker) as ear:
                await eventually(lambda: kite.told() == {INFY: "full"})
                ticker.renew(await a_session("fresh"))
                await eventually(lambda: len(kite.said) == 2 and kite.told() == {INFY: "full"})
                await eventually(lambda: len(kite.live) == 1)
                ticker.renew(await a_session("fresh"))  # the same login proved once more: nothing to do
                await kite.send(INFY_FRAME)
                await eventually(lambda: ear.got)
            assert [query["access_token"] for query in kite.upgrades] == [SECRET, "fresh"]
            assert LinkState.WAITING not in ear.states()

    arun(story())


def test_a_new_login_cuts_a_long_wait_short(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            kite.answers.append(500)
            ticker = await a_ticker(kite, Patience(silence_s=60, first_s=3600, cap_s=3600, connect_s=60))
            async with running(ticker) as ear:
                await eventually(lambda: ear.state is LinkState.WAITING)
                ticker.watch([INFY], Mode.LTP)
                ticker.renew(await a_session("fresh"))
                await eventually(lambda: kite.told() == {INFY: "ltp"})

    arun(story())


def test_too_many_connections_wait_long_and_say_so(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            kite.answers.append(429)
            async with running(await a_ticker(kite)) as ear:
                await eventually(lambda: kite.sockets)
            waiting = ear.links[1]
            assert waiting.state is LinkState.WAITING
            assert "429" in waiting.detail
            assert waiting.retry_in_s >= QUICK.too_many_s > QUICK.cap_s

    arun(story())
    assert Patience().too_many_s >= 30


def test_a_kite_that_never_answers_is_given_up(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        held: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
        async with server:
            root = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ticker = await a_ticker(LocalKite(), Patience(connect_s=0.1), root=root)
            async with running(ticker) as ear:
                await eventually(lambda: ear.state is LinkState.WAITING)
            assert ear.links[1].detail == "no answer within 0.1 s"
            for writer in held:
                writer.close()

    arun(story())


def test_nobody_at_the_address_is_said_in_words(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        kite = LocalKite()
        with sockets.socket() as taken:  # bound and deaf: nobody else can come to listen there
            taken.bind(("127.0.0.1", 0))
            kite.port = taken.getsockname()[1]
            async with running(await a_ticker(kite)) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
            assert f"127.0.0.1:{kite.port}" in ear.links[1].detail

    arun(story())


# Secrets and certificates.


@pytest.fixture
def self_signed(tmp_path: Path) -> Path:
    """Key and certificate of a "localhost" that nobody vouches for, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "localhost.pem"
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def _tls_server(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_self_signed_server_never_sees_the_token(arun: Any, eventually: Any, self_signed: Path) -> None:
    async def story() -> None:
        async with a_kite(_tls_server(self_signed)) as kite:
            root = f"wss://localhost:{kite.port}"
            async with running(await a_ticker(kite, root=root)) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
                assert "certificate of localhost is not trusted" in ear.links[1].detail
                assert kite.upgrades == []

    arun(story())


def test_a_server_that_is_vouched_for_is_connected(arun: Any, eventually: Any, self_signed: Path) -> None:
    async def story() -> None:
        trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(self_signed)))
        async with a_kite(_tls_server(self_signed)) as kite, aiohttp.ClientSession(connector=trusting) as http:
            ticker = await a_ticker(kite, root=f"wss://localhost:{kite.port}", http=http)
            async with running(ticker) as ear:
                await eventually(lambda: ear.state is LinkState.UP)
            assert not http.closed

    arun(story())


def test_the_token_is_in_no_log_and_no_report(arun: Any, eventually: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> list[LinkReport]:
        async with a_kite() as kite:
            kite.answers.extend([400, 429, 500, 101, 101, 403])
            async with running(await a_ticker(kite)) as ear:
                await eventually(lambda: len(kite.sockets) == 1)
                await kite.drop()
                await eventually(lambda: len(kite.sockets) == 2)
                await kite.send(encode_frame([bytes(61)]))
                await kite.send('{"type":"order","data":{"status":1}}')
                await kite.drop()
                await eventually(lambda: ear.state is LinkState.REFUSED)
        return ear.links

    links = arun(story())
    said = caplog.text + repr(links)
    assert "403" in said
    for secret in (SECRET, "se%2Bcr", "se+cr", "ken%20", "kitekey"):
        assert secret not in said


# Many instruments.


def test_tokens_fill_as_few_connections_as_possible(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            ticker = await a_ticker(kite)
            ticker.watch(range(1, 3001), Mode.LTP)
            async with running(ticker) as ear:
                await eventually(lambda: len(kite.told()) == 3000)
                assert len(kite.upgrades) == 1
                ticker.watch([5000, 5001], Mode.FULL)
                await eventually(lambda: kite.told(1) == {5000: "full", 5001: "full"} if len(kite.said) > 1 else None)
                ticker.unwatch([7, 8])
                await eventually(lambda: len(kite.live) == 1)
                await eventually(lambda: kite.told(0).get(5001) == "full")
                assert len(kite.told(0)) == 3000
                await eventually(lambda: ear.state is LinkState.UP)
            assert LinkState.WAITING not in ear.states()

    arun(story())


def test_nine_thousand_instruments_are_three_connections_and_one_more_is_refused(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            ticker = await a_ticker(kite)
            ticker.watch(range(1, 9001), Mode.QUOTE)
            with pytest.raises(Refused, match="9,001 instruments asked, 9,000 allowed"):
                ticker.watch([1, 9001], Mode.FULL)
            async with running(ticker):
                await eventually(lambda: len(kite.said) == 3 and all(len(kite.told(k)) == 3000 for k in range(3)))
                everything = kite.told(0) | kite.told(1) | kite.told(2)
                assert everything == dict.fromkeys(range(1, 9001), "quote")

    arun(story())


def test_the_state_of_several_links_is_the_worst_of_them(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            ticker = await a_ticker(kite, Patience(silence_s=60, first_s=3600, cap_s=3600, connect_s=60))
            ticker.watch(range(1, 3002), Mode.LTP)
            async with running(ticker) as ear:
                await eventually(lambda: len(kite.said) == 2 and all(kite.told(k) for k in (0, 1)))
                assert ear.state is LinkState.UP
                await kite.drop(0)
                await eventually(lambda: ear.state is LinkState.WAITING)
                assert len(kite.live) == 1
                await kite.send(INFY_FRAME)
                await eventually(lambda: ear.got)

    arun(story())


# What Kite says in text, and what nobody can read.


def test_text_messages_become_orders_and_notices(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: kite.live)
            for text in (
                '{"type":"order","data":{"order_id":"1","status":"OPEN"}}',
                '{"type":"order","data":{"order_id":"1","status":"COMPLETE"}}',
                '{"type":"error","data":"Invalid instrument"}',
                '{"type":"message","data":"Markets close early today"}',
                '{"type":"weather","data":{"rain":true}}',
                '{"type":"instruments_meta","data":{"count":1,"etag":"x"}}',
            ):
                await kite.send(text)
            await kite.send(INFY_FRAME)
            await eventually(lambda: ear.got)
            assert [(order.order_id, order.status) for order in ear.orders] == [("1", "OPEN"), ("1", "COMPLETE")]
            assert ear.notices == [
                ("error", "Invalid instrument"),
                ("message", "Markets close early today"),
                ("weather", '{"rain": true}'),
            ]

    arun(story())


def test_what_cannot_be_read_is_survived_and_logged_once_per_kind(
    arun: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> Mapping[str, int]:
        async with a_kite() as kite:
            ticker = await a_ticker(kite)
            async with running(ticker) as ear:
                await eventually(lambda: kite.live)
                for _ in range(3):
                    await kite.send(encode_frame([bytes(61), INFY_FRAME[4:]]))
                    await kite.send(struct.pack(">H", 7))
                    await kite.send("{not json")
                    await kite.send("[" * 100_000)
                    await kite.send('["a list"]')
                    await kite.send('{"type":"order","data":"no object"}')
                    await kite.send('{"type":"order","data":{}}')
                await kite.send(INFY_FRAME)
                await eventually(lambda: len(ear.got) == 4)
                assert [kind for kind, _ in ear.notices] == ["error"] * 6
                assert ear.states() == [LinkState.CONNECTING, LinkState.UP]
            return ticker.problems

    assert arun(story()) == {
        "packet of unknown length 61": 3,
        "frame ends before its last packet": 3,
        "text message that is no JSON object": 9,
        "order update that cannot be read": 6,
    }
    assert caplog.text.count("packet of unknown length 61") == 1


def test_an_error_of_the_sink_ends_the_feed_and_is_heard(arun: Any, eventually: Any) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a fault in whoever takes the ticks")

    async def story() -> None:
        async with a_kite() as kite:
            ear = Ear(on_ticks=fail)
            task = asyncio.create_task((await a_ticker(kite)).run(ear))
            await eventually(lambda: kite.live)
            await kite.send(INFY_FRAME)
            with pytest.raises(ExceptionGroup) as caught:
                await task
            assert caught.group_contains(ZeroDivisionError)
            assert ear.state is LinkState.OFF
            await eventually(lambda: not kite.live)

    arun(story())


# The loop.


def test_a_burst_lets_other_tasks_run_between_frames(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite)) as ear:
            await eventually(lambda: kite.live)
            unbroken, longest = 0, 0

            def work_for_a_millisecond() -> None:
                nonlocal unbroken, longest
                unbroken += 1
                longest = max(longest, unbroken)
                end = time.perf_counter() + 0.001
                while time.perf_counter() < end:
                    pass

            async def others() -> None:
                nonlocal unbroken
                while True:
                    unbroken = 0
                    await asyncio.sleep(0)

            ear.on_ticks = work_for_a_millisecond
            task = asyncio.create_task(others())
            for _ in range(300):
                kite.live[0]._writer.transport.write(_unmasked(INFY_FRAME))  # type: ignore[union-attr]
            await eventually(lambda: len(ear.got) == 300)
            task.cancel()
            assert longest < 30

    arun(story())


def _unmasked(payload: bytes) -> bytes:
    """A binary websocket frame as a server sends it."""
    return bytes([0x82, len(payload)]) + payload


@dataclass
class TableEar(Ear):
    """A sink that takes frames as rows, and needs so many more turns for each."""

    table: LatestTable = field(default_factory=LatestTable)
    turns: int = 0
    left: int = 0
    story: list[str] = field(default_factory=list)

    def batch(self, batch: Batch) -> bool:
        self.story.append("frame")
        self.got.extend(batch.ticks(range(len(batch.rows))))
        self.left = self.turns
        return self.left > 0

    def more(self) -> bool:
        self.story.append("more")
        self.left -= 1
        return self.left > 0

    def ticks(self, ticks: Sequence[Tick]) -> None:
        raise AssertionError("one that takes frames is told no ticks")

    def order(self, order: Order) -> None:
        self.story.append("order")


def test_a_sink_with_a_table_gets_rows_and_what_is_damaged_is_counted(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(ticker := await a_ticker(kite), TableEar()) as ear:
            await eventually(lambda: kite.live)
            await kite.send(INFY_FRAME)
            await kite.send(INFY_FRAME + b"!")
            await eventually(lambda: len(ear.got) == 2)
            assert ear.table.tick(0) == ear.got[-1] and ear.got[0].instrument_token == INFY
            assert ticker.problems == {"frame goes on after its last packet": 1}

    arun(story())


def test_a_frame_in_slices_lets_others_run_and_nothing_overtakes_it(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_kite() as kite, running(await a_ticker(kite), TableEar(turns=3)) as ear:
            await eventually(lambda: kite.live)

            async def others() -> None:
                while True:
                    if ear.left and ear.story[-1:] != ["others"]:
                        ear.story.append("others")
                    await asyncio.sleep(0)

            task = asyncio.create_task(others())
            await kite.send(INFY_FRAME)
            await kite.send(json.dumps({"type": "order", "data": {"order_id": "1", "status": "OPEN"}}))
            await eventually(lambda: "order" in ear.story)
            task.cancel()
            assert ear.story == ["frame", "others", "more", "others", "more", "others", "more", "order"]

    arun(story())


@pytest.mark.parametrize("answer", [101, 500, 403])
def test_cancelling_in_any_state_closes_everything(arun: Any, eventually: Any, answer: int) -> None:
    async def story() -> None:
        async with a_kite() as kite:
            kite.answers.append(answer)
            ticker = await a_ticker(kite, Patience(silence_s=60, first_s=3600, cap_s=3600, connect_s=60))
            async with running(ticker) as ear:
                await eventually(lambda: ear.state not in (LinkState.OFF, LinkState.CONNECTING))
            await eventually(lambda: not kite.live)
            assert ear.state is LinkState.OFF
            kite.answers.clear()
            async with running(ticker) as ear:  # and it can be run again
                await eventually(lambda: ear.state is LinkState.UP)

    arun(story())
