"""Client, login and broker against the local Kite in a process of its own: the whole wire, nothing replaced."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import LoginFailed, RateLimited, Rejected, SessionEnded, Unknown
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import OrderChange, OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery
from alphapanda_desktop.domain.session import Token, verify
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.login import KiteLogin

REDIRECT = "http://127.0.0.1:5599/"


@dataclass(frozen=True)
class Local:
    """Where a local Kite listens and whom it knows."""

    rest: str
    ws: str
    login: str
    api_key: str
    api_secret: str
    user_id: str
    access_token: str

    def token(self) -> Token:
        return Token(self.api_key, self.access_token, self.user_id, datetime.now(UTC))


@contextmanager
def a_local_kite(*arguments: str) -> Iterator[Local]:
    """A local Kite in a process of its own, ended with the block."""
    child = subprocess.Popen(
        [sys.executable, "-m", "alphapanda_desktop.sim", "--port", "0", "--seed", "7", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, "the local Kite did not start"
        yield Local(**json.loads(line))
    finally:
        child.terminate()
        child.communicate(timeout=60)


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    # Each test brings a client of its own, so no one of them sees all that is sent with the key.
    with a_local_kite("--switch", "rate_limits=off") as local:
        yield local


def a_client(local: Local, clock: SystemClock | None = None, timeout_s: float = 60.0) -> KiteClient:
    """A client that does not give up an exchange which has to wait for its turn on this machine."""
    return KiteClient(local.api_key, root=local.rest, clock=clock or SystemClock(), timeout_s=timeout_s)


@asynccontextmanager
async def a_broker(local: Local, clock: SystemClock | None = None) -> AsyncIterator[tuple[KiteClient, KiteBroker]]:
    client = a_client(local, clock)
    try:
        session = await verify(client, local.token(), datetime.now(UTC))
        yield client, KiteBroker(session, client)
    finally:
        await client.close()


def request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 2, "product": "MIS",
        "order_type": "MARKET", "tag": "t1",
    }  # fmt: skip
    return OrderRequest(**(values | changes))


def test_an_order_goes_its_whole_way(arun: Any, local: Local, eventually: Any) -> None:
    async def story() -> None:
        async with a_broker(local) as (client, broker):
            order_id = await broker.place(request(tag="whole-way"))

            async def filled() -> bool:
                return any(o.order_id == order_id and o.status == "COMPLETE" for o in await broker.orders())

            await eventually(filled)
            order = next(o for o in await broker.orders() if o.order_id == order_id)
            fills = [fill for fill in await broker.fills() if fill.order_id == order_id]
            assert (order.tag, order.filled_quantity, order.placed_by) == ("whole-way", 2, local.user_id)
            assert sum(fill.quantity for fill in fills) == 2
            assert fills[0].average_price == pytest.approx(order.average_price, abs=0.01)
            position = next(p for p in await broker.positions() if p.key == "NSE:INFY")
            assert position.quantity == 2
            assert {funds.segment for funds in await broker.funds()} == {"equity", "commodity"}
            assert len(await client.charges([ChargeQuery.of_order(order)])) == 1

    arun(story())


def test_a_resting_order_is_changed_and_cancelled(arun: Any, local: Local, eventually: Any) -> None:
    async def story() -> None:
        async with a_broker(local) as (client, broker):
            last = (await client.ltp(["NSE:SBIN"]))["NSE:SBIN"].last_price
            price = round(last * 0.97, 0)
            order_id = await broker.place(request(tradingsymbol="SBIN", order_type="LIMIT", price=price))

            async def statuses() -> list[str]:
                return [order.status for order in await broker.order_history(order_id)]

            async def rests() -> bool:
                return (await statuses())[-1] == "OPEN"

            await eventually(rests)
            resting = next(order for order in await broker.orders() if order.order_id == order_id)
            assert await broker.modify(resting, OrderChange(price=price - 1)) == order_id

            async def changed() -> bool:
                return (await broker.order_history(order_id))[-1].price == price - 1 and await rests()

            await eventually(changed)
            assert await broker.cancel(resting) == order_id

            async def cancelled() -> bool:
                return (await statuses())[-1] == "CANCELLED"

            await eventually(cancelled)
            with pytest.raises(Rejected):
                await broker.cancel(resting)

    arun(story())


def test_kites_own_refusals_arrive_in_its_words(arun: Any, local: Local) -> None:
    async def story() -> None:
        async with a_broker(local) as (_, broker):
            with pytest.raises(Rejected) as refused:
                await broker.place(request(order_type="LIMIT", price=1000.001))
            assert (refused.value.kind, refused.value.code) == ("InputException", 400)
            with pytest.raises(Rejected):
                await broker.place(request(tradingsymbol="NO SUCH SHARE"))

    arun(story())


def test_masters_quotes_and_candles_agree(arun: Any, local: Local) -> None:
    async def story() -> None:
        async with a_broker(local) as (client, _):
            master = InstrumentMaster(await client.instruments())
            infy = master.by_key("NSE:INFY")
            assert infy is not None
            quotes = await client.quote(["NSE:INFY", "NSE:NIFTY 50", "NSE:NO SUCH SHARE"])
            assert set(quotes) == {"NSE:INFY", "NSE:NIFTY 50"}
            assert quotes["NSE:INFY"].instrument_token == infy.instrument_token
            assert quotes["NSE:NIFTY 50"].volume_traded is None
            now = datetime.now(UTC)
            bars = await client.candles(infy, Interval.MINUTE, now - timedelta(days=70), now)
            assert all(after.start_s > before.start_s for before, after in pairwise(bars))
            assert bars[-1].start_s - bars[0].start_s > 60 * 86400
            assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)

    arun(story())


async def log_in_by_hand(local: Local, url: str) -> str:
    """Fill in the login page as a person would; the address it redirects to."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as web:
        page = await (await web.get(url)).text()
        shown = dict(re.findall(r'id="demo-(\w+)">([^<]+)<', page))
        form = {"userid": shown["userid"], "password": shown["password"]}
        page = await (await web.post(f"{local.login}/connect/login", data=form)).text()
        ticket = re.findall(r'name="ticket" value="(\w+)"', page)[0]
        code = re.findall(r'id="demo-totp">([^<]+)<', page)[0]
        answer = await web.post(
            f"{local.login}/connect/totp", data={"ticket": ticket, "totp": code}, allow_redirects=False
        )
        return answer.headers["Location"]


def test_a_login_by_hand_gives_a_token_that_works_until_it_is_ended(arun: Any) -> None:
    async def story(local: Local) -> None:
        client = a_client(local)
        login = KiteLogin(local.api_key, local.api_secret, REDIRECT, client, login_root=local.login)
        try:
            request_token = login.request_token_of(await log_in_by_hand(local, login.login_url()))
            token = await login.exchange(request_token)
            session = await verify(login, token, datetime.now(UTC))
            assert session.user_id == local.user_id
            with pytest.raises(SessionEnded):  # one live token for each key: the new login ended the first
                await login.profile(local.token())
            with pytest.raises(LoginFailed, match="Log in once more"):
                await login.exchange(request_token)
            await login.log_out(token)
            with pytest.raises(SessionEnded):
                await login.profile(token)
        finally:
            await client.close()

    with a_local_kite() as local:
        arun(story(local))


def test_a_wrong_secret_says_so(arun: Any, local: Local) -> None:
    async def story() -> None:
        client = a_client(local)
        login = KiteLogin(local.api_key, "wrong", REDIRECT, client, login_root=local.login)
        request_token = login.request_token_of(await log_in_by_hand(local, login.login_url()))
        with pytest.raises(LoginFailed, match="api_secret does not belong"):
            await login.exchange(request_token)
        await client.close()

    arun(story())


def test_a_lost_reply_is_unknown_and_the_order_is_found_by_its_tag(arun: Any, eventually: Any) -> None:
    async def story(local: Local) -> None:
        async with a_broker(local) as (client, broker):
            hasty = a_client(local, timeout_s=1.0)
            session = await verify(client, local.token(), datetime.now(UTC))
            with pytest.raises(Unknown):
                await KiteBroker(session, hasty).place(request(tag="lost-1"))
            await hasty.close()

            async def found() -> bool:
                return [order.tag for order in await broker.orders()] == ["lost-1"]

            await eventually(found)

    with a_local_kite("--scenario", "lost-reply") as local:
        arun(story(local))


class Unhurried(SystemClock):
    """Its second lasts one and a half: requests held up on their way for half a second do not come in too fast."""

    def monotonic_s(self) -> float:
        return super().monotonic_s() / 1.5


def test_our_pace_is_never_too_fast_and_an_ended_session_is_known(arun: Any) -> None:
    async def story(local: Local) -> None:
        async with a_broker(local, Unhurried()) as (client, broker):
            ways = [client.orders, client.positions, client.holdings, lambda: client.ltp(["NSE:INFY"])]
            answers = await asyncio.gather(*(way() for way in [*ways[:3] * 8, *ways[3:] * 2]))
            assert len(answers) == 26
            asked = [request(tag=f"pace-{n}", product="CNC") for n in range(12)]
            assert len(set(await asyncio.gather(*(broker.place(order) for order in asked)))) == 12
            async with aiohttp.ClientSession() as web:
                await web.post(f"{local.rest}/sim/expire")
            with pytest.raises(SessionEnded):
                await client.orders()

    with a_local_kite() as local:
        arun(story(local))


def test_being_too_fast_all_the_same_is_rate_limited(arun: Any, eventually: Any) -> None:
    async def story(local: Local) -> None:
        client = a_client(local)

        async def too_fast() -> bool:
            try:
                await client.profile(local.token())
            except RateLimited:
                return True
            return False

        await eventually(too_fast)  # five seconds in fifteen, and nobody knows which these are
        await client.close()

    with a_local_kite("--scenario", "rate-limited") as local:
        arun(story(local))
