"""GTTs, conversions, holdings, margins, charges and slices: what is sent, what is read back, what is never known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import BadData, Offline, Refused, Rejected, Unknown
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, GttOrder, GttRequest, Slices
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import Profile, Token, verify
from alphapanda_desktop.kite import contract as k
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.portfolio import KiteCalculator, KiteGtts, KitePortfolio
from tests.kite.kite_stub_server import Reply, Stub, a_stub, drop, no, ok, raw

TOKEN = Token("key123", "t1", "AB1234", datetime(2026, 11, 20, 3, tzinfo=UTC))
SELL = GttOrder(transaction_type="SELL", quantity=5, price=1395.0, product="CNC")
SINGLE = GttRequest(
    exchange="NSE", tradingsymbol="INFY", trigger_values=(1400.0,), last_price=1500.0, orders=(SELL,)
)  # fmt: skip
OCO = replace(SINGLE, trigger_values=(1400.0, 1600.0), orders=(SELL, replace(SELL, price=1605.0)))
HELD = Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=10)
REQUEST = OrderRequest(
    exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=5, product="MIS", order_type="LIMIT",
    price=1500.0, tag="ap1",
)  # fmt: skip

Call = Callable[[KiteClient], Awaitable[Any]]
WRITES: list[tuple[str, Call]] = [
    ("POST /gtt/triggers", lambda c: KiteGtts(c).place(SINGLE)),
    ("PUT /gtt/triggers/7", lambda c: KiteGtts(c).modify(7, OCO)),
    ("DELETE /gtt/triggers/7", lambda c: KiteGtts(c).delete(7)),
    ("PUT /portfolio/positions", lambda c: KitePortfolio(c).convert(HELD, 10, "CNC")),
    ("POST /orders/regular", lambda c: c.place_sliced("regular", k.request_to_params(REQUEST))),
]


@asynccontextmanager
async def a_pair(**options: Any) -> AsyncIterator[tuple[Stub, KiteClient]]:
    async with a_stub() as stub:
        client = KiteClient("key123", root=stub.root, clock=SystemClock(), timeout_s=60.0, **options)
        client.use(TOKEN)
        try:
            yield stub, client
        finally:
            await client.close()


@pytest.mark.parametrize(("route", "call"), WRITES, ids=[route for route, _ in WRITES])
@pytest.mark.parametrize(
    ("reply", "becomes"),
    [
        (drop, Unknown),
        (no(503, "NetworkException", "down"), Unknown),
        (raw("<html>bad gateway</html>", 502), Unknown),
        (ok({}), Unknown),
        (ok(None), Unknown),
        (no(400, "InputException", "Invalid `price`."), Rejected),
    ],
    ids=["dropped", "503", "html", "empty", "null", "400"],
)
def test_a_writing_call_without_a_clear_answer_is_unknown_and_is_not_sent_again(
    arun: Any, route: str, call: Call, reply: Reply, becomes: type[Exception]
) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script[route] = reply
            with pytest.raises(becomes):
                await call(client)
            assert stub.seen == [route]

    arun(story())


@pytest.mark.parametrize("request_", [SINGLE, OCO], ids=["single", "two-leg"])
def test_a_gtt_is_sent_as_kite_wants_it(arun: Any, request_: GttRequest) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["POST /gtt/triggers"] = stub.script["PUT /gtt/triggers/123"] = ok({"trigger_id": 123})
            assert await KiteGtts(client).place(request_) == 123
            assert await KiteGtts(client).modify(123, request_) == 123
            for body in stub.bodies:
                condition, orders = json.loads(body["condition"]), json.loads(body["orders"])
                assert body["type"] == request_.type
                assert condition["trigger_values"] == list(request_.trigger_values)
                assert condition["last_price"] == 1500.0
                assert [order["price"] for order in orders] == [order.price for order in request_.orders]
                assert {(order["order_type"], order["transaction_type"]) for order in orders} == {("LIMIT", "SELL")}

    arun(story())


def test_the_official_samples_of_gtts_and_holdings_are_understood(arun: Any, kite_samples: Path) -> None:
    def sample(name: str) -> Any:
        return json.loads((kite_samples / "mocks" / f"{name}.json").read_bytes())["data"]

    gtt = k.gtt_from_wire(sample("gtt_get_order"))
    assert (gtt.id, gtt.type, gtt.status, gtt.key, gtt.trigger_values) == (
        123, "two-leg", "triggered", "NSE:RAIN", (102.0, 103.7),
    )  # fmt: skip
    assert not gtt.active and gtt.orders[0].result is None
    fired = gtt.orders[1].result
    assert fired is not None and (fired.status, fired.order_id, fired.triggered_at) == ("failed", "", 103.7)
    assert "circuit limit" in fired.rejection_reason
    holdings = k.holdings_from_wire(sample("auctions_list"))
    assert all(h.isin and h.pnl_at(h.last_price) == pytest.approx(h.pnl, abs=0.01) for h in holdings)
    notes = k.charges_from_wire(sample("virtual_contract_note"), 3)
    assert [note.transaction_tax_type for note in notes] == ["stt", "ctt", "stt"]
    assert notes[1].brokerage == 17_586 and notes[1].gst == 3_450


def test_a_gtt_that_kite_would_not_take_never_leaves(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            for wrong, words in (
                (replace(SINGLE, trigger_values=(1500.0,)), "differ from the last price"),
                (replace(OCO, last_price=1700.0), "between the two triggers 1400 and 1600"),
                (replace(SINGLE, orders=()), "one or two triggers and as many orders"),
                (replace(SINGLE, orders=(replace(SELL, product="MIS"),)), "CNC, NRML, MTF, not MIS"),
                (replace(SINGLE, orders=(replace(SELL, quantity=0),)), "not 0 and 1395"),
                (replace(OCO, orders=(replace(SELL, transaction_type="BUY"),) * 2), "derivatives only"),
            ):
                with pytest.raises(Refused, match=words):
                    await KiteGtts(client).place(wrong)
            assert stub.seen == []

    arun(story())


def test_a_conversion_names_the_side_and_the_part_it_takes_from(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["PUT /portfolio/positions"] = ok(True)
            portfolio = KitePortfolio(client)
            carried = Position(
                exchange="NFO", tradingsymbol="NIFTY26NOVFUT", product="NRML", quantity=-75, overnight_quantity=-50
            )
            await portfolio.convert(HELD, 4, "CNC")
            await portfolio.convert(carried, 50, "MIS")
            await portfolio.convert(carried, 75, "MIS")
            sent = [(b["transaction_type"], b["position_type"], b["quantity"], b["new_product"]) for b in stub.bodies]
            assert sent == [
                ("BUY", "day", "4", "CNC"), ("SELL", "overnight", "50", "MIS"), ("SELL", "day", "75", "MIS"),
            ]  # fmt: skip
            for quantity, product, words in ((11, "CNC", "11 asked"), (1, "MIS", "already"), (1, "NRML", "knows CNC")):
                with pytest.raises(Refused, match=words):
                    await portfolio.convert(HELD, quantity, product)
            assert len(stub.bodies) == 3

    arun(story())


SLICES = [
    ({"order_id": "9", "children": []}, Slices(order_ids=("9",))),
    ([{"order_id": "9"}], Slices(order_ids=("9",))),
    (
        {"order_id": "p", "children": [{"order_id": "1"}, {"error": {"code": 400, "message": "No funds."}}]},
        Slices(order_ids=("1",), refused=("No funds.",), parent="p"),
    ),
    ([{"order_id": "1"}, {"error": {"message": "No funds."}}], Slices(order_ids=("1",), refused=("No funds.",))),
]


@pytest.mark.parametrize(("data", "slices"), SLICES)
def test_both_shapes_of_a_sliced_answer_are_read(arun: Any, data: object, slices: Slices) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["POST /orders/regular"] = ok(data)
            broker = KiteBroker(await verify(_SaysYes(), TOKEN, TOKEN.login_time), client)
            assert await broker.place_sliced(REQUEST) == slices
            assert (stub.bodies[0]["autoslice"], stub.bodies[0]["tag"]) == ("true", "ap1")

    arun(story())


def test_an_auction_order_carries_the_number_of_todays_auction(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            row = {"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 3, "auction_number": "7529"}
            stub.script["GET /portfolio/holdings/auctions"] = ok([row])
            stub.script["POST /orders/auction"] = ok({"order_id": "1"})
            broker = KiteBroker(await verify(_SaysYes(), TOKEN, TOKEN.login_time), client)
            offer = replace(REQUEST, variety="auction", transaction_type="SELL", product="CNC")
            assert await broker.place(offer) == "1"
            assert stub.bodies[-1]["auction_number"] == "7529"
            with pytest.raises(Refused, match="no auction asks for it"):
                await broker.place(replace(offer, tradingsymbol="TCS"))
            assert stub.seen.count("POST /orders/auction") == 1

    arun(story())


def test_a_margin_says_what_is_needed_and_what_is_there(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            need = {"total": 1500.5, "leverage": 5, "charges": {"total": 3.25}}
            funds = {"net": 1, "available": {"live_balance": 1000}, "utilised": {}}
            stub.script["POST /margins/orders"] = ok([need])
            stub.script["POST /margins/basket"] = ok({"final": need | {"charges": None}, "orders": []})
            stub.script["GET /user/margins"] = ok({"equity": funds, "commodity": funds | {"enabled": False}})
            calculator = KiteCalculator(client)
            margin = await calculator.margin([REQUEST])
            assert (margin.required, margin.available, margin.charges, margin.leverage) == (1500.5, 1000, 3.25, 5)
            assert margin.short_by == 500.5
            both = await calculator.margin([REQUEST, replace(REQUEST, exchange="MCX")])
            assert (both.required, both.available, both.charges, both.short_by) == (1500.5, None, None, None)
            assert dict(stub.queries[-1])["consider_positions"] == "True"
            stub.script["GET /user/margins"] = no(503, "NetworkException", "down")
            assert (await calculator.margin([REQUEST])).available is None

    arun(story())


def test_charges_that_do_not_match_the_question_are_bad_data(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, client):
            stub.script["POST /charges/orders"] = ok([])
            calculator = KiteCalculator(client)
            assert await calculator.charges([]) == []
            with pytest.raises(BadData, match="1 orders were asked for, 0 came"):
                await calculator.charges([ChargeQuery.of_request(REQUEST, 1500.0)])
            stub.script["POST /charges/orders"] = drop
            with pytest.raises(Offline):
                await calculator.charges([ChargeQuery.of_request(REQUEST, 1500.0)])

    arun(story())


class _SaysYes:
    """Confirms any token."""

    async def profile(self, token: Token) -> Profile:
        return Profile(token.user_id, "A")
