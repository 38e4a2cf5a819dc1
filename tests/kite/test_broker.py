"""KiteBroker over real sockets: what it sends, what it hands back, and that it needs a login."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Refused, SessionEnded
from alphapanda_desktop.domain.orders import Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Broker
from alphapanda_desktop.domain.session import Profile, Session, Token, verify
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from tests.kite.kite_stub_server import Stub, a_stub, ok, raw

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


class SaysYes:
    """Confirms any token."""

    async def profile(self, token: Token) -> Profile:
        return Profile(token.user_id, "A")


async def a_session(access_token: str = "t1", api_key: str = "key123") -> Session:
    return await verify(SaysYes(), Token(api_key, access_token, "AB1234", NOW), NOW)


@asynccontextmanager
async def a_broker() -> AsyncIterator[tuple[Stub, KiteBroker]]:
    async with a_stub() as stub:
        client = KiteClient("key123", root=stub.root, clock=SystemClock(), timeout_s=60.0)
        try:
            yield stub, KiteBroker(await a_session(), client)
        finally:
            await client.close()


def request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5, "product": "MIS",
        "order_type": "MARKET", "tag": "ap1", "strategy": "momentum", "reason": "crossed",
    }  # fmt: skip
    return OrderRequest(**(values | changes))


def an_order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "order_id": "7", "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY",
        "quantity": 5, "product": "MIS", "order_type": "LIMIT",
    }  # fmt: skip
    return Order(**(values | changes))


def test_a_market_order_goes_out_protected_and_without_our_own_fields(arun: Any) -> None:
    async def story() -> None:
        async with a_broker() as (stub, broker):
            stub.script["POST /orders/regular"] = ok({"order_id": "8"})
            assert await broker.place(request()) == "8"
            assert stub.bodies[0]["market_protection"] == "-1"
            assert {"strategy", "reason", "price"} & set(stub.bodies[0]) == set()

    arun(story())


def test_an_order_is_changed_under_its_own_variety(arun: Any) -> None:
    async def story() -> None:
        async with a_broker() as (stub, broker):
            stub.script["PUT /orders/amo/7"] = ok({"order_id": "7"})
            await broker.modify(an_order(variety="amo"), OrderChange(price=10.5, quantity=4))
            assert stub.bodies[0] | {"price": "10.5", "quantity": "4"} == stub.bodies[0]
            with pytest.raises(Refused, match="nothing to change"):
                await broker.modify(an_order(), OrderChange())

    arun(story())


def test_only_a_cover_orders_leg_is_cancelled_with_its_parent(arun: Any) -> None:
    async def story() -> None:
        async with a_broker() as (stub, broker):
            for variety in ("co", "regular"):
                stub.script[f"DELETE /orders/{variety}/7"] = ok({"order_id": "7"})
                await broker.cancel(an_order(variety=variety, parent_order_id="6"))
            assert stub.queries == [[("parent_order_id", "6")], []]

    arun(story())


def test_the_books_come_back_as_domain_values(arun: Any, kite_samples: Path) -> None:
    async def story() -> None:
        async with a_broker() as (stub, broker):
            for route, name in {"/orders": "orders", "/orders/1": "order_info", "/trades": "order_trades",
                                "/portfolio/positions": "positions", "/user/margins": "margins"}.items():  # fmt: skip
                body = (kite_samples / "mocks" / f"{name}.json").read_bytes()
                stub.script[f"GET {route}"] = raw(body, content_type="application/json")
            typed: Broker = broker
            assert [len(await read) for read in (typed.orders(), typed.fills(), typed.positions())] == [10, 1, 3]
            assert (await typed.order_history("1"))[0].status == "PUT ORDER REQ RECEIVED"
            equity, commodity = await typed.funds()
            assert (equity.segment, equity.live_balance, equity.utilised) == ("equity", 99725.05000000002, 145706.55)
            assert (commodity.segment, commodity.net) == ("commodity", 100661.7)

    arun(story())


def test_a_new_session_takes_over_in_place(arun: Any) -> None:
    async def story() -> None:
        async with a_broker() as (stub, broker):
            stub.script["GET /orders"] = ok([])
            await broker.orders()
            broker.renew(await a_session("t2"))
            await broker.orders()
            assert [h["Authorization"] for h in stub.headers] == ["token key123:t1", "token key123:t2"]
            with pytest.raises(SessionEnded):
                broker.renew(await a_session("t3", api_key="other"))

    arun(story())


def test_there_is_no_broker_without_a_verified_login() -> None:
    with pytest.raises(TypeError):
        Session(object(), Token("key123", "t", "AB1234", NOW), Profile("AB1234", "A"), NOW)
