"""The local Kite's websocket, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import aiohttp
import pytest
from aiohttp import web

from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.market import SimMarket
from alphapanda_desktop.sim.stream import MAX_TOKENS, TOO_MANY, Faults, Stream
from alphapanda_desktop.sim.universe import build_universe

EARLY = datetime(2026, 11, 19, 0, 3, tzinfo=IST)
RELIANCE, INFY, NIFTY = 738561, 408065, 256265
Eventually = Callable[..., Awaitable[object]]


@dataclass
class Client:
    """A websocket with all it was sent, sorted by kind."""

    socket: aiohttp.ClientWebSocketResponse
    frames: list[bytes] = field(default_factory=list)
    texts: list[dict[str, object]] = field(default_factory=list)
    heartbeats: int = 0
    gone: bool = False

    async def read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.texts.append(json.loads(message.data))
            elif len(message.data) == 1:
                self.heartbeats += 1
            else:
                self.frames.append(message.data)
        self.gone = True

    @property
    def ticks(self) -> list[Tick]:
        return [tick for frame in self.frames for tick in decode_frame(frame, 0)]

    def of(self, token: int) -> list[Tick]:
        return [t for t in self.ticks if t.instrument_token == token]

    def heard_from(self, epoch_s: int) -> bool:
        """Whether a tick of that second or later came."""
        return any((tick.exchange_epoch_s or 0) >= epoch_s for tick in self.ticks)

    @property
    def orders(self) -> list[dict[str, object]]:
        return [text for text in self.texts if text["type"] == "order"]

    async def send(self, action: str, value: object) -> None:
        await self.socket.send_json({"a": action, "v": value})

    async def subscribe(self, mode: str, *tokens: int) -> None:
        await self.send("subscribe", list(tokens))
        await self.send("mode", [mode, list(tokens)])


@dataclass
class Place:
    """A market with its stream on a free port."""

    market: SimMarket
    stream: Stream
    faults: Faults
    url: str
    tokens: dict[str, str]
    session: aiohttp.ClientSession
    group: asyncio.TaskGroup

    async def connect(self, access_token: str = "good") -> Client:
        url = f"{self.url}?api_key=key&access_token={access_token}"
        client = Client(await self.session.ws_connect(url))
        self.group.create_task(client.read())
        return client

    def later(self, seconds: float) -> None:
        """Move the market's clock on; the stream hears of it at its next beat."""
        self.market.clock.jump_to(self.market.clock.now() + timedelta(seconds=seconds))


@asynccontextmanager
async def a_place(
    at: datetime = EARLY, speed: float = 0.0, count: int | None = None, **more: str
) -> AsyncIterator[Place]:
    market = SimMarket(SimClock(at, speed), 1, build_universe(at.date(), count, None), **more)
    faults, tokens = Faults(), {"good": "AB1234", "other": "XY9999"}
    stream = Stream(market, lambda key, token: tokens.get(token) if key == "key" else None, faults)
    app = web.Application()
    app.add_routes([web.get("/", stream.handle)])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        beat = group.create_task(stream.run())
        try:
            yield Place(market, stream, faults, f"ws://{host}:{port}/", tokens, session, group)
        finally:
            stream.drop_all()
            await session.close()
            beat.cancel()
            await runner.cleanup()


def test_the_last_tick_comes_at_once_and_then_every_change(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await client.send("subscribe", [RELIANCE])
            await eventually(lambda: client.ticks)
            (first,) = client.ticks
            assert (first.mode, first.last_price) == (Mode.QUOTE, place.market.picture(RELIANCE).last_price)
            place.later(1)
            await eventually(lambda: len(client.ticks) == 2)
            assert client.ticks[1].volume_traded == place.market.picture(RELIANCE).volume_traded

    arun(story())


@pytest.mark.parametrize(("mode", "sizes"), [("ltp", (8, 8)), ("quote", (44, 28)), ("full", (184, 32))])
def test_each_mode_has_its_packets(arun, eventually: Eventually, mode: str, sizes: tuple[int, int]) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await client.subscribe(mode, RELIANCE, NIFTY)
            await eventually(lambda: {t.mode for t in client.ticks} == {Mode(mode)} or len(client.ticks) > 3)
            newest = {t.instrument_token: t for t in client.ticks}
            picture = place.market.picture(RELIANCE)
            assert newest[RELIANCE].last_price == picture.last_price
            assert newest[RELIANCE].raw_depth == (picture.raw_depth if mode == "full" else None)
            assert {_sizes(client.frames)[token] for token in (RELIANCE,)} == {sizes[0]}
            assert _sizes(client.frames)[NIFTY] == sizes[1]

    arun(story())


def _sizes(frames: list[bytes]) -> dict[int, int]:
    """Length of the newest packet of each token."""
    found = {}
    for frame in frames:
        at = 2
        for _ in range(struct.unpack_from(">H", frame)[0]):
            (size,) = struct.unpack_from(">H", frame, at)
            found[struct.unpack_from(">I", frame, at + 2)[0]] = size
            at += 2 + size
        assert at == len(frame)
    return found


def test_the_official_decoder_reads_every_frame(arun, eventually: Eventually) -> None:
    from kiteconnect import KiteTicker

    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            tokens = [i.instrument_token for i in place.market.instruments]
            await client.subscribe("full", *tokens)
            full = lambda: {t.instrument_token for t in client.ticks if t.mode is Mode.FULL}  # noqa: E731
            await eventually(lambda: len(full()) == len(tokens))
            parse = KiteTicker("key", "good")._parse_binary
            theirs = {t["instrument_token"]: t for frame in client.frames for t in parse(frame)}
            for token in tokens:
                picture = place.market.picture(token)
                assert theirs[token]["last_price"] == pytest.approx(picture.last_price, abs=1e-9)
                assert theirs[token]["ohlc"] == pytest.approx(picture.ohlc._asdict())
                if picture.depth is not None:
                    asks = [pytest.approx(level._asdict()) for level in picture.depth.sell]
                    assert theirs[token]["depth"]["sell"] == asks

    arun(story())


def test_ltp_subscribers_hear_of_prices_only(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            ltp, full = await place.connect(), await place.connect()
            await ltp.subscribe("ltp", RELIANCE)
            await full.subscribe("full", RELIANCE)
            await eventually(lambda: ltp.ticks and full.ticks)
            for n in range(1, 11):
                place.later(1)
                epoch = int(place.market.clock.now_s())
                await eventually(lambda e=epoch, n=n: full.ticks[-1].exchange_epoch_s >= e - 1 and len(full.ticks) > n)
            prices = [t.last_price for t in ltp.ticks if t.mode is Mode.LTP]
            # Only the answers to subscribe and mode may repeat a price.
            assert all(a != b for a, b in pairwise(prices[2:]))
            assert 2 < len(prices) < len(full.ticks)

    arun(story())


def test_a_quiet_link_has_a_heartbeat(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await eventually(lambda: client.heartbeats >= 2)
            assert client.frames == []

    arun(story())


def test_a_connection_is_greeted(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await eventually(lambda: len(client.texts) == 2)
            assert [t["type"] for t in client.texts] == ["instruments_meta", "message"]
            assert client.texts[0]["data"]["count"] == len(place.market.instruments)

    arun(story())


def test_unsubscribed_tokens_fall_silent(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await client.send("subscribe", [RELIANCE, INFY])
            await eventually(lambda: client.of(RELIANCE) and client.of(INFY))
            await client.send("unsubscribe", [INFY])
            await eventually(lambda: place.market.streamed == {RELIANCE})
            heard = len(client.of(INFY))
            place.later(5)
            await eventually(lambda: len(client.of(RELIANCE)) >= 2)
            assert len(client.of(INFY)) == heard

    arun(story())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"a":"subscribe"}', '{"a":"subscribe","v":{}}',
     '{"a":"subscribe","v":[null,true,-1,1.5,"x"]}',
     '{"a":"mode","v":["full"]}', '{"a":"mode","v":["deep",[738561]]}', '{"a":"mode","v":["full",[408065]]}',
     '{"a":"dance","v":[1]}', '{"a":[1],"v":[1]}', "[" * 100_000, '{"a":"subscribe","v":[' + "9" * 50 + "]}"],
)  # fmt: skip
def test_commands_that_are_none_are_survived(arun, eventually: Eventually, text: str) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await client.socket.send_str(text)
            await client.socket.send_bytes(b"\x01\x02")
            await client.send("subscribe", [str(RELIANCE)])
            await eventually(lambda: client.ticks)
            assert {t.instrument_token for t in client.ticks} == {RELIANCE}

    arun(story())


def test_tokens_past_the_limit_are_refused_and_the_rest_go_on(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place(count=MAX_TOKENS + 100) as place:
            client = await place.connect()
            tokens = [i.instrument_token for i in place.market.instruments]
            await client.send("subscribe", tokens)
            await eventually(lambda: any(t["type"] == "error" for t in client.texts))
            assert [t["data"] for t in client.texts if t["type"] == "error"] == [TOO_MANY]
            await eventually(lambda: len({t.instrument_token for t in client.ticks}) == MAX_TOKENS)
            assert {t.instrument_token for t in client.ticks} == set(tokens[:MAX_TOKENS])
            assert any(len(decode_frame(frame, 0)) > 40 for frame in client.frames)

    arun(story())


async def _status(place: Place, access_token: str = "good", api_key: str = "key") -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await place.session.ws_connect(f"{place.url}?api_key={api_key}&access_token={access_token}")
    return refused.value.status


def test_bad_tokens_and_a_fourth_connection_are_refused(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            assert await _status(place, "bad") == 403
            assert await _status(place, api_key="no") == 403
            clients = [await place.connect() for _ in range(3)]
            assert await _status(place) == 429
            await clients[0].socket.close()
            await eventually(lambda: place.stream.connections == 2)
            await place.connect()

    arun(story())


def test_orders_reach_their_user_on_every_link_and_nobody_else(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            mine, also, other = await place.connect(), await place.connect(), await place.connect("other")
            place.stream.publish_order("AB1234", {"order_id": "1", "status": "COMPLETE"})
            place.stream.publish_order("XY9999", {"order_id": "2"})
            await eventually(lambda: all(len(c.texts) == 3 for c in (mine, also, other)))
            assert mine.texts[2] == also.texts[2] == {"type": "order", "data": {"order_id": "1", "status": "COMPLETE"}}
            assert other.texts[2]["data"] == {"order_id": "2"}

    arun(story())


def test_a_client_that_does_not_read_holds_nobody_up_and_misses_no_order(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place(count=2500) as place:
            tokens = [i.instrument_token for i in place.market.instruments]
            url = f"{place.url}?api_key=key&access_token=good"
            slow = Client(await place.session.ws_connect(url, autoping=False))
            quick = await place.connect()
            for client in (slow, quick):
                await client.subscribe("full", *tokens)
            await eventually(lambda: len({t.instrument_token for t in quick.ticks}) == len(tokens))
            for n in range(5):
                place.later(60)
                heard = len(quick.frames)
                place.stream.publish_order("AB1234", {"order_id": str(n)})
                await eventually(lambda h=heard: len(quick.frames) > h)
            place.group.create_task(slow.read())
            now = {t: place.market.picture(t).exchange_epoch_s for t in tokens}
            await eventually(lambda: {t.instrument_token: t.exchange_epoch_s for t in slow.ticks} == now)
            orders = [t["data"]["order_id"] for t in slow.texts if t["type"] == "order"]
            assert orders == [str(n) for n in range(5)]

    arun(story())


def test_the_last_tick_comes_after_hours_too(arun, eventually: Eventually) -> None:
    async def story() -> None:
        sunday = datetime(2026, 11, 22, 20, tzinfo=IST)
        async with a_place(sunday, speed=5.0, hours="real") as place:
            client = await place.connect()
            await client.subscribe("full", RELIANCE, NIFTY)
            await eventually(lambda: client.of(RELIANCE) and client.of(NIFTY) and client.heartbeats)
            friday = client.of(RELIANCE)[-1].exchange_timestamp
            assert friday is not None and friday.astimezone(IST).date().isoformat() == "2026-11-20"

    arun(story())


# --- faults ------------------------------------------------------------------------------------------------------


def test_silence_keeps_the_link_and_says_nothing(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            quiet, loud = await place.connect(), await place.connect()
            await quiet.subscribe("full", RELIANCE)
            await eventually(lambda: quiet.ticks and quiet.heartbeats and loud.heartbeats)
            place.faults.silent = True
            silent_from, beats = int(place.market.clock.now_s()) + 1, quiet.heartbeats
            place.later(3)
            place.stream.publish_order("AB1234", {"order_id": "1"})
            await asyncio.sleep(2.3)  # longer than two heartbeats take to come; one was under way
            assert quiet.heartbeats <= beats + 1 and not quiet.heard_from(silent_from) and not quiet.orders
            place.faults.silent = False
            await eventually(lambda: quiet.heard_from(silent_from) and quiet.orders)
            assert not quiet.gone

    arun(story())


@pytest.mark.parametrize("status", [403, 429])
def test_upgrades_are_refused_while_told_so(arun, status: int) -> None:
    async def story() -> None:
        async with a_place() as place:
            place.faults.refuse_upgrade = status
            assert await _status(place) == status
            place.faults.refuse_upgrade = 0
            await place.connect()

    arun(story())


def test_a_dropped_link_breaks_without_a_word_and_can_come_back(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            await eventually(lambda: client.texts)
            place.stream.drop_all()
            await eventually(lambda: client.gone and place.stream.connections == 0)
            assert client.socket.close_code == 1006
            again = await place.connect()
            await again.send("subscribe", [RELIANCE])
            await eventually(lambda: again.ticks)

    arun(story())


def test_links_are_cut_every_so_often(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            place.faults.drop_every_s = 0.3
            client = await place.connect()
            await eventually(lambda: client.gone)

    arun(story())


def test_the_link_of_a_dead_token_is_cut(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            client = await place.connect()
            del place.tokens["good"]
            await eventually(lambda: client.gone)
            assert await _status(place) == 403

    arun(story())


def test_things_of_tomorrow_are_sent_among_those_of_today(arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_place() as place:
            place.faults.unknown_packets = place.faults.unknown_texts = True
            client = await place.connect()
            await client.send("subscribe", [RELIANCE])
            await eventually(lambda: client.ticks and any(t["type"] == "a_type_of_tomorrow" for t in client.texts))
            problems: dict[str, int] = {}
            decode_frame(client.frames[0], 0, problems)
            assert problems

    arun(story())


def test_a_fast_clock_skips_no_trade_of_a_second(arun, eventually: Eventually) -> None:
    """At twelve times the speed each second of INFY is still told on its own."""

    async def story() -> None:
        async with a_place(speed=12.0) as place:
            client = await place.connect()
            await client.subscribe("full", INFY)

            def told() -> float:
                """The best share of 24 seconds in a row: a machine that stands still for a moment skips some."""
                seconds = [t.exchange_epoch_s for t in client.of(INFY) if t.mode is Mode.FULL]
                well = [after - before <= 2 for before, after in pairwise(seconds)]
                return max((sum(well[at : at + 24]) / 24 for at in range(len(well) - 23)), default=0.0)

            await eventually(lambda: told() > 0.8)

    arun(story())
