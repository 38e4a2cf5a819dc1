"""The REST client against real sockets: what each way of failing becomes, and that lanes do not wait for each other."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import (
    AlphaPandaError,
    NotPermitted,
    Offline,
    RateLimited,
    Refused,
    Rejected,
    SessionEnded,
    Unknown,
)
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.portfolio import GttOrder, GttRequest
from alphapanda_desktop.domain.session import Token
from alphapanda_desktop.kite import contract as k
from alphapanda_desktop.kite import official as official_
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.official import fetch, official_client
from alphapanda_desktop.kite.reader import KiteReader
from tests.kite.kite_stub_server import Reply, Stub, a_stub, drop, no, ok, raw

TOKEN = Token("key123", "s3cr3t-access", "AB1234", datetime(2026, 11, 20, 3, tzinfo=UTC))
PARAMS: k.Params = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1,
                    "product": "MIS", "order_type": "MARKET", "market_protection": -1, "tag": "ap1"}  # fmt: skip
INFY = Instrument(408065, 1594, "INFY", "INFOSYS", 0, None, 0, 0.05, 1, "EQ", "NSE", "NSE")

Call = Callable[[KiteClient], Awaitable[Any]]


@asynccontextmanager
async def a_pair(**options: Any) -> AsyncIterator[tuple[Stub, KiteClient]]:
    """A server and a client that speaks to it with a token."""
    async with a_stub() as stub:
        client = KiteClient("key123", root=stub.root, clock=SystemClock(), **({"timeout_s": 60.0} | options))
        client.use(TOKEN)
        try:
            yield stub, client
        finally:
            await client.close()


A_GTT = GttRequest(
    exchange="NSE",
    tradingsymbol="INFY",
    trigger_values=(1400.0,),
    last_price=1500.0,
    orders=(GttOrder(transaction_type="SELL", quantity=1, price=1395.0, product="CNC"),),
)


def place(client: KiteClient) -> Awaitable[Any]:
    return client.place("regular", PARAMS)


def book(client: KiteClient) -> Awaitable[Any]:
    return client.orders()


async def error_of(call: Call, route: str, reply: Reply) -> AlphaPandaError:
    """What a call raises when its route answers so."""
    async with a_pair() as (stub, client):
        stub.script[route] = reply
        with pytest.raises(AlphaPandaError) as refused:
            await call(client)
        assert stub.seen == [route], "nothing is retried inside the client"
        assert "s3cr3t" not in f"{refused.value!r} {refused.value.__context__!r} {refused.value.__cause__!r}"
        return refused.value


PLACE, BOOK = "POST /orders/regular", "GET /orders"
FAILURES: list[tuple[Reply, type[AlphaPandaError], type[AlphaPandaError]]] = [
    # reply, what reading becomes, what placing becomes
    (no(403, "TokenException", "Incorrect `api_key` or `access_token`."), SessionEnded, SessionEnded),
    (no(400, "InputException", "Invalid `api_key` or `access_token`."), SessionEnded, SessionEnded),
    (no(403, "PermissionException", "Insufficient permission for that call."), NotPermitted, NotPermitted),
    (no(400, "MarginException", "Insufficient funds."), Rejected, Rejected),
    (no(428, "HoldingException", "5 quantity needs authorisation at depository."), Rejected, Rejected),
    (no(400, None, "no type"), Rejected, Rejected),
    (no(400, "BrandNewException", "?"), Rejected, Rejected),
    (no(429, "NetworkException", "Too many requests"), RateLimited, RateLimited),
    (raw("<h1>slow down</h1>", 429), RateLimited, RateLimited),
    (no(429, "NetworkException", "Maximum allowed order requests exceeded."), Rejected, Rejected),
    (no(500, "OrderException", "?"), Offline, Unknown),
    (no(503, "NetworkException", "down"), Offline, Unknown),
    (raw("<html>bad gateway</html>", 502), Offline, Unknown),
    (raw("<html>request too large</html>", 400), Offline, Unknown),
    (raw("<html>log in to the café</html>", 200), Offline, Unknown),
    (raw("{", 200, "application/json"), Offline, Unknown),
    (raw("{}", 302, "application/json"), Offline, Unknown),
    (raw("a,b", 200, "text/csv"), Offline, Unknown),
    (drop, Offline, Unknown),
]


@pytest.mark.parametrize(("reply", "reading", "placing"), FAILURES)
def test_each_failure_says_whether_an_order_may_exist(
    arun: Any, reply: Reply, reading: type[AlphaPandaError], placing: type[AlphaPandaError]
) -> None:
    assert type(arun(error_of(book, BOOK, reply))) is reading
    assert type(arun(error_of(place, PLACE, reply))) is placing


@pytest.mark.parametrize("data", [None, [], {}, "x"])
def test_a_success_without_an_order_id_is_unknown(arun: Any, data: object) -> None:
    assert type(arun(error_of(place, PLACE, ok(data)))) is Unknown


def test_modifying_and_cancelling_may_have_happened_too(arun: Any) -> None:
    modify = arun(error_of(lambda c: c.modify("regular", "7", {"price": 1}), "PUT /orders/regular/7", drop))
    cancel = arun(error_of(lambda c: c.cancel("regular", "7"), "DELETE /orders/regular/7", drop))
    assert (type(modify), type(cancel)) == (Unknown, Unknown)


def test_a_rejection_keeps_kites_words_type_and_code(arun: Any) -> None:
    refused = arun(error_of(place, PLACE, no(400, "MarginException", "Insufficient funds. Required margin is 5.")))
    assert isinstance(refused, Rejected)
    assert str(refused) == "Insufficient funds. Required margin is 5."
    assert (refused.kind, refused.code) == ("MarginException", 400)


@pytest.mark.parametrize("kind", ["PermissionException", "InputException", "GeneralException"])
@pytest.mark.parametrize(
    "message",
    [
        "No IPs configured for this app. Add allowed IPs on the Kite developer console.",
        "IP (1.2.3.4) is not allowed to place orders for this app. Update allowed IPs on the Kite developer console.",
    ],
)
def test_a_static_ip_refusal_says_what_happened_and_where_to_register(arun: Any, kind: str, message: str) -> None:
    refused = arun(error_of(place, PLACE, no(403, kind, message)))
    assert isinstance(refused, NotPermitted)
    assert message in str(refused)
    assert "developers.kite.trade" in str(refused)
    assert "The order was not accepted." in str(refused)
    assert "Reading data works from any address." in str(refused)


@pytest.mark.parametrize(("address", "version", "other"), [("1.2.3.4", 4, 6), ("2405:201:e00c::1", 6, 4)])
def test_a_refused_address_is_named_with_its_family(arun: Any, address: str, version: int, other: int) -> None:
    text = (
        f"IP ({address}) is not allowed to place orders for this app. Update allowed IPs on the Kite developer console."
    )
    refused = str(arun(error_of(place, PLACE, no(403, "PermissionException", text))))
    assert f"this one came from {address}." in refused
    assert f"it left by IPv{version} this time and not by IPv{other}" in refused


def test_a_static_ip_refusal_without_a_readable_address_still_says_what_to_do(arun: Any) -> None:
    refused = str(arun(error_of(place, PLACE, no(403, "InputException", "IP (::zz) is not allowed to place orders."))))
    assert "Register this machine's public address at https://developers.kite.trade/apps." in refused


def test_a_placement_without_answer_is_unknown_after_the_time_limit(arun: Any) -> None:
    async def story() -> None:
        async with a_pair(timeout_s=0.1) as (stub, client):
            stub.script[PLACE] = stub.held
            with pytest.raises(Unknown, match="no reply in time"):
                await place(client)
            stub.script[BOOK] = stub.held
            with pytest.raises(Offline, match="no reply in time"):
                await book(client)

    arun(story())


def test_a_refused_connection_is_offline_even_for_an_order(arun: Any) -> None:
    async def story() -> None:
        with socket.socket() as taken:  # bound and deaf: nobody else can come to listen there
            taken.bind(("127.0.0.1", 0))
            root = f"http://127.0.0.1:{taken.getsockname()[1]}"
            client = KiteClient("key123", root=root, clock=SystemClock(), timeout_s=60.0)
            client.use(TOKEN)
            with pytest.raises(Offline, match="connection refused"):
                await place(client)
            await client.close()

    arun(story())


def test_an_unknown_host_is_offline_even_for_an_order(arun: Any) -> None:
    async def story() -> None:
        client = KiteClient("key123", root="http://no-such-host.invalid", clock=SystemClock())
        client.use(TOKEN)
        with pytest.raises(Offline, match="does not resolve"):
            await place(client)
        await client.close()

    arun(story())


def test_nothing_is_sent_without_a_login(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            client.use(None)
            for call in (place, book, lambda c: c.quote(["NSE:INFY"])):
                with pytest.raises(SessionEnded):
                    await call(client)
            assert stub.seen == []

    arun(story())


def test_a_token_of_another_key_is_refused() -> None:
    client = KiteClient("other", clock=SystemClock())
    with pytest.raises(SessionEnded, match="another api_key"):
        client.use(TOKEN)


def test_a_new_token_is_used_from_the_next_request_on(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[BOOK] = ok([])
            await client.orders()
            client.use(Token("key123", "next", "AB1234", TOKEN.login_time))
            await client.orders()
            assert [h["Authorization"] for h in stub.headers] == ["token key123:s3cr3t-access", "token key123:next"]
            assert {h["X-Kite-Version"] for h in stub.headers} == {"3"}

    arun(story())


def test_a_former_tokens_end_is_no_news_of_the_new_one(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):

            async def ended_late(web_request: Any) -> Any:
                await stub.let_go.wait()
                return await no(403, "TokenException", "Incorrect `api_key` or `access_token`.")(web_request)

            stub.script[BOOK] = ended_late
            asked = asyncio.gather(book(client), return_exceptions=True)
            await eventually(lambda: stub.seen)
            client.use(Token("key123", "next", "AB1234", TOKEN.login_time))
            stub.let_go.set()
            assert [type(error) for error in await asked] == [Offline]
            with pytest.raises(SessionEnded):
                await book(client)

    arun(story())


def test_an_order_is_sent_as_form_fields(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[PLACE] = ok({"order_id": "1953367517640548352"})
            assert await place(client) == "1953367517640548352"
            sent = {name: value for name, value in stub.bodies[0].items() if name != "variety"}
            assert sent == {name: str(value) for name, value in PARAMS.items()}

    arun(story())


def test_a_held_up_placement_or_history_delays_neither_cancel_nor_book(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client), asyncio.TaskGroup() as group:
            stub.script[PLACE] = stub.script["GET /instruments/historical/408065/minute"] = stub.held
            stub.script["DELETE /orders/regular/7"] = ok({"order_id": "7"})
            stub.script[BOOK] = ok([])
            now = datetime(2026, 1, 1, tzinfo=UTC)
            held = group.create_task(client.candles(INFY, Interval.MINUTE, now, now))
            await eventually(lambda: stub.seen)
            assert await client.orders() == []
            group.create_task(client.place("regular", PARAMS))
            await eventually(lambda: PLACE in stub.seen)
            assert await client.cancel("regular", "7") == "7"
            held.cancel()
            stub.let_go.set()

    arun(story())


def test_a_gtt_without_an_answer_delays_neither_cancellations_nor_orders_nor_books(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client), asyncio.TaskGroup() as group:
            stub.script["POST /gtt/triggers"] = stub.held
            stub.script["DELETE /orders/regular/7"] = ok({"order_id": "7"})
            stub.script["DELETE /gtt/triggers/8"] = ok({"trigger_id": 8})
            stub.script[PLACE] = ok({"order_id": "9"})
            stub.script[BOOK] = ok([])
            held = group.create_task(client.place_gtt(A_GTT))
            await eventually(lambda: stub.seen)
            assert await client.orders() == []
            assert await client.place("regular", PARAMS) == "9"
            assert await client.cancel("regular", "7") == "7"
            assert await client.delete_gtt(8) == 8
            held.cancel()
            stub.let_go.set()

    arun(story())


def test_a_cancelled_wait_is_never_sent_and_gives_its_turn_on(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client), asyncio.TaskGroup() as group:
            stub.script[BOOK], stub.script["GET /trades"] = stub.held, ok([])
            first = group.create_task(client.get("/orders"))
            await eventually(lambda: stub.seen)
            waits = group.create_task(client.get("/never"))
            after = group.create_task(client.get("/trades"))
            await asyncio.sleep(0)
            waits.cancel()
            stub.let_go.set()
            assert await after == []
            assert await first == {"order_id": "late"}
            assert stub.seen == ["GET /orders", "GET /trades"]

    arun(story())


def test_closing_does_not_wait_for_what_hangs(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[PLACE] = stub.held
            both = asyncio.gather(place(client), place(client), return_exceptions=True)
            await eventually(lambda: stub.seen)
            await client.close()
            hanging, waiting = await both
            assert isinstance(hanging, Unknown)
            assert isinstance(waiting, Offline)
            with pytest.raises(Offline, match="closed"):
                await client.orders()
            hangs = [t for t in threading.enumerate() if t.name == "kite-books"]
            assert hangs
            assert all(t.daemon for t in hangs)

    arun(story())


HANGING = """
import asyncio, sys
from datetime import UTC, datetime
from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.session import Token
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.official import fetch, official_client
from alphapanda_desktop.kite.reader import KiteReader

assert not {"kiteconnect", "twisted", "requests"} & set(sys.modules), "imported before it was needed"

async def main(root):
    client = KiteClient("key123", root=root, clock=SystemClock(), timeout_s=3600)
    client.use(Token("key123", "t", "AB1234", datetime(2026, 11, 20, tzinfo=UTC)))
    try:
        await asyncio.wait_for(client.orders(), 0.5)
    except TimeoutError:
        sys.stdout.write("gave up")
    await client.close()

asyncio.run(main(sys.argv[1]))
"""


def test_a_call_that_hangs_does_not_keep_the_program_from_ending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", HANGING, root], capture_output=True, text=True, timeout=100, check=False
        )
    assert (done.stdout, done.stderr, done.returncode) == ("gave up", "", 0)


def test_a_proxy_of_the_environment_is_no_way_to_the_local_kite(arun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[BOOK] = ok([])
            assert await client.orders() == []

    arun(story())


def test_a_netrc_goes_to_nobody_and_takes_no_tokens_place(
    arun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password a-netrc-password\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "*")
    heads = list[str | None]()

    async def heard(request: web.Request) -> web.StreamResponse:
        heads.append(request.headers.get("Authorization"))
        return await ok([])(request)

    async def story() -> None:
        async with a_stub() as stub:
            stub.script["GET /orders"] = heard
            official = official_client("key123", stub.root, 60)
            official.reqsession.trust_env = True  # as it is where Kite is not this computer
            official.set_access_token("s3cr3t-access")
            await asyncio.to_thread(fetch, official, "GET", "/orders")
            assert heads == ["token key123:s3cr3t-access"]

    arun(story())


async def dripping(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse()
    reply.content_type = "application/json"
    await reply.prepare(request)
    with suppress(ConnectionError):
        while True:
            await reply.write(b" ")
            await asyncio.sleep(0.02)
    return reply


def test_an_answer_that_drips_keeps_its_lane_no_longer_than_one_that_does_not_come(arun: Any) -> None:
    async def story() -> None:
        async with a_pair(timeout_s=0.2) as (stub, client):
            stub.script[BOOK] = stub.script["POST /orders/regular"] = dripping
            with pytest.raises(Offline, match="did not answer"):
                await book(client)
            with pytest.raises(Unknown, match="look before sending again"):
                await place(client)

    arun(story())


def test_an_answer_without_end_is_given_up(arun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official_, "LARGEST", 1_000_000)

    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[BOOK] = raw(b" " * 1_000_001, content_type="application/json")
            with pytest.raises(Offline, match="more than 1,000,000 bytes"):
                await book(client)

    arun(story())


HALF = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n%s\r\n\r\n%sinstrument_token,exchange_token\n"


@pytest.mark.parametrize("head", [(b"Content-Length: 900", b""), (b"Transfer-Encoding: chunked", b"ff\r\n")])
def test_an_answer_that_is_cut_off_is_none(arun: Any, head: tuple[bytes, bytes]) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HALF % head)
        await writer.drain()
        writer.close()

    async def story() -> None:
        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            client = KiteClient("key123", root=root, clock=SystemClock(), timeout_s=60.0)
            client.use(TOKEN)
            with pytest.raises(Offline, match="did not answer"):
                await client.instruments()
            await client.close()

    arun(story())


def test_one_connection_carries_many_answers(arun: Any) -> None:
    peers = set[object]()

    async def seen(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return await ok([])(request)

    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[BOOK] = seen
            for _ in range(5):
                assert await book(client) == []
        assert len(peers) == 1

    arun(story())


def test_no_log_at_any_level_holds_a_token(arun: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["DELETE /session/token"] = drop
            with pytest.raises(Offline):
                await client.end(TOKEN)
            stub.script["DELETE /session/token"] = ok(True)
            await client.end(TOKEN)

    arun(story())
    said = [r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp")]  # the stub's own server
    assert [text for text in said if "s3cr3t" in text] == []


def test_a_connection_that_rested_too_long_is_not_used_again(arun: Any) -> None:
    class Sleeper(SystemClock):
        slept_ns = 0

        def now_ns(self) -> int:
            return super().now_ns() + self.slept_ns

    async def story() -> None:
        clock = Sleeper()
        async with a_stub() as stub:
            client = KiteClient("key123", root=stub.root, clock=clock, timeout_s=60.0)
            client.use(TOKEN)
            stub.script[PLACE] = ok({"order_id": "8"})
            for slept_s in (0, 0, 60):
                clock.slept_ns += slept_s * 1_000_000_000
                await place(client)
            first, second, third = stub.peers
            assert first == second != third
            await client.close()

    arun(story())


def test_a_profile_can_be_asked_for_any_token(arun: Any, kite_samples: Path) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            client.use(None)
            stub.script["GET /user/profile"] = raw((kite_samples / "mocks" / "profile.json").read_bytes(),
                                                   content_type="application/json")  # fmt: skip
            profile = await client.profile(TOKEN)
            assert (profile.user_id, profile.broker) == ("AB1234", "ZERODHA")
            assert stub.headers[0]["Authorization"] == "token key123:s3cr3t-access"

    arun(story())


READS: list[tuple[str, str, Call]] = [
    ("orders", BOOK, book),
    ("order_info", "GET /orders/171229000724687", lambda c: c.order_history("171229000724687")),
    ("order_trades", "GET /trades", lambda c: c.trades()),
    ("positions", "GET /portfolio/positions", lambda c: c.positions()),
    ("auctions_list", "GET /portfolio/holdings", lambda c: c.holdings()),
    ("margins", "GET /user/margins", lambda c: c.margins()),
    ("quote", "GET /quote", lambda c: c.quote(["NSE:INFY"])),
    ("ohlc", "GET /quote/ohlc", lambda c: c.ohlc(["NSE:INFY"])),
    ("ltp", "GET /quote/ltp", lambda c: c.ltp(["NSE:INFY"])),
    ("order_margins", "POST /margins/orders", lambda c: c.order_margins([])),
    ("virtual_contract_note", "POST /charges/orders", lambda c: c.charges([])),
]


@pytest.mark.parametrize(("name", "route", "call"), READS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_read_understands_the_official_sample(
    arun: Any, kite_samples: Path, name: str, route: str, call: Call
) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            body = (kite_samples / "mocks" / f"{name}.json").read_bytes()
            stub.script[route] = raw(body, content_type="application/json")
            data = json.loads(body)["data"]
            assert len(await call(client)) == len(data["net"] if name == "positions" else data)

    arun(story())


def test_a_master_is_read_from_csv(arun: Any, kite_samples: Path) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            body = (kite_samples / "mocks" / "instruments_nse.csv").read_bytes()
            stub.script["GET /instruments/NSE"] = raw(body, content_type="text/csv")
            assert len(await client.instruments("NSE")) == len(body.splitlines()) - 1

    arun(story())


def test_long_history_comes_in_pages_under_kites_cap(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            candle = ["2026-01-01T09:15:00+0530", 1, 2, 0.5, 1.5, 10, 0]
            stub.script["GET /instruments/historical/408065/minute"] = ok({"candles": [candle]})
            start = datetime(2026, 1, 1, tzinfo=UTC)
            bars = await client.candles(INFY, Interval.MINUTE, start, start + timedelta(days=100))
            spans = [dict(query) for query in stub.queries]
            assert [(s["from"], s["to"]) for s in spans] == [
                ("2026-01-01 05:30:00", "2026-03-02 05:29:59"), ("2026-03-02 05:30:00", "2026-04-11 05:30:00")
            ]  # fmt: skip
            assert len(bars) == 1, "a candle that both pages bring counts once"

    arun(story())


def test_a_futures_days_are_asked_for_stitched_when_that_is_wanted(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["GET /instruments/historical/408065/day"] = ok({"candles": []})
            start = datetime(2026, 1, 1, tzinfo=UTC)
            for continuous in (False, True):
                await client.candles(INFY, Interval.DAY, start, start, continuous=continuous)
            assert [dict(query)["continuous"] for query in stub.queries] == ["0", "1"]

    arun(story())


def test_many_quotes_are_asked_in_batches(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["GET /quote"] = ok({})
            await client.quote(f"NSE:A SYMBOL & {n:04}" for n in range(300))
            assert len(stub.queries) == 2
            assert [value for query in stub.queries for _, value in query][-1] == "NSE:A SYMBOL & 0299"

    arun(story())


def test_a_client_that_only_reads_sends_no_order_at_all(arun: Any) -> None:
    async def story() -> None:
        async with a_pair(trades=False) as (stub, client):
            stub.script["GET /orders"] = ok([])
            for order_call in (
                lambda: client.place("regular", PARAMS),
                lambda: client.place_sliced("regular", PARAMS),
                lambda: client.modify("regular", "1", PARAMS),
                lambda: client.cancel("regular", "1"),
                lambda: client.place_gtt(A_GTT),
                lambda: client.modify_gtt(1, A_GTT),
                lambda: client.delete_gtt(1),
                lambda: client.convert({"exchange": "NSE"}),
            ):
                with pytest.raises(Refused, match="only reads from Kite"):
                    await order_call()
            assert await client.orders() == []
            assert stub.seen == ["GET /orders"]

    arun(story())


def test_a_reading_connection_lets_no_order_out_even_when_asked_for_one(arun: Any) -> None:
    async def story() -> None:
        async with a_stub() as stub:
            official = official_client("key123", stub.root, 60.0, KiteReader.reads_only)
            sending: list[Callable[[], Any]] = [
                lambda: official.place_order("regular", **PARAMS),
                lambda: official.modify_order("regular", "1", price=2),
                lambda: official.cancel_order("regular", "1"),
                lambda: official.delete_gtt(1),
                lambda: official.convert_position("NSE", "INFY", "BUY", "day", 1, "MIS", "CNC"),
                lambda: official.place_mf_order("INF1", "BUY"),
                lambda: fetch(official, "post", "/orders/regular"),
                lambda: fetch(official, "DELETE", "/orders/regular/1"),
            ]
            for send in sending:
                with pytest.raises(Refused, match="only reads"):
                    await asyncio.to_thread(send)
            assert stub.seen == []
            stub.script["POST /margins/orders"] = ok([])
            assert await asyncio.to_thread(official.order_margins, []) == []
            assert stub.seen == ["POST /margins/orders"]

    arun(story())
