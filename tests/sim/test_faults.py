"""Faults by plan, the truth behind them, and the fresh account: what a client is tried out with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from alphapanda_desktop.sim.faults import FAULTS, KINDS, kind_of
from tests.sim.practice_kite import Caller, order, served, still_kite

Run = Callable[[Any], Any]


async def _plan(call: Caller, *rows: dict[str, object], **socket: object) -> None:
    status, body = await call("POST", "/sim/faults", json={"plan": list(rows), "socket": socket})
    assert status == 200, body


async def _truth(call: Caller) -> Any:
    status, body = await call("GET", "/sim/truth")
    assert status == 200
    return body


async def _place(call: Caller, tag: str, **fields: object) -> tuple[int, Any]:
    """Status and body of a placement; 0 where no answer came."""
    try:
        return await call("POST", "/orders/regular", data=order(tag=tag, price=1400, **fields))
    except aiohttp.ClientError:
        return 0, None


@pytest.mark.parametrize(
    ("fault", "status", "held"),
    [
        ("lost_request", 0, []),
        ("lost_reply", 0, ["a"]),
        ("429", 429, []),
        ("500_before", 500, []),
        ("503_after", 503, ["a"]),
        ("html_before", 502, []),
        ("html_after", 502, ["a"]),
        ("slow_ms:5", 200, ["a"]),
        ("disconnect", 200, ["a"]),
        ("reject", 200, ["a"]),
    ],
)
def test_a_planned_fault_meets_the_request_it_names_and_no_other(
    arun: Run, fault: str, status: int, held: list[str]
) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            await _plan(call, {"on": "place", "nth": 2, "fault": fault})
            assert (await _place(call, "first"))[0] == 200
            assert (await _place(call, "a"))[0] == status
            assert (await _place(call, "last"))[0] == 200
            truth = await _truth(call)
            assert [row["tag"] for row in truth["orders"]] == ["first", *held, "last"]
            assert [(row["fault"], row["done"]) for row in truth["log"]] == [
                ("", True), (fault, bool(held)), ("", True),
            ]  # fmt: skip
            assert truth["seen"]["place"] == 3
            rejected = [row["tag"] for row in truth["orders"] if row["status"] == "REJECTED"]
            assert rejected == (["a"] if fault == "reject" else [])

    arun(story())


def test_a_late_request_is_carried_out_after_its_caller_has_gone(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            await _plan(call, {"on": "place", "nth": 1, "fault": "late_ms:2000"})
            assert (await _place(call, "late"))[0] == 0
            assert (await _truth(call))["orders"] == []
            while not (truth := await _truth(call))["orders"]:
                await asyncio.sleep(0.01)
            assert [row["tag"] for row in truth["orders"]] == ["late"]
            assert truth["log"][0]["done"] is True

    arun(story())


def test_cancels_and_reads_can_fail_too(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            _, body = await _place(call, "a")
            path = f"/orders/regular/{body['data']['order_id']}"
            await _plan(
                call,
                {"on": "orders", "nth": 1, "fault": "500_before", "times": 2},
                {"on": "cancel", "nth": 1, "fault": "500_after"},
            )
            assert [(await call("GET", "/orders"))[0] for _ in range(3)] == [500, 500, 200]
            assert (await call("DELETE", path))[0] == 500
            assert (await _truth(call))["orders"][0]["status"] == "CANCELLED"
            assert (await call("DELETE", path))[0] == 400

    arun(story())


def test_what_is_no_plan_is_refused_by_name(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            for row, word in (
                ({"on": "teleport", "nth": 1, "fault": "429"}, "teleport"),
                ({"on": "place", "nth": 1, "fault": "meteor"}, "meteor"),
                ({"on": "place", "nth": 0, "fault": "429"}, "nth"),
                ({"on": "orders", "nth": 1, "fault": "late_ms:5"}, "late_ms"),
            ):
                status, body = await call("POST", "/sim/faults", json={"plan": [row]})
                assert status == 400 and word in body["error"]
            status, body = await call("POST", "/sim/faults", json={"socket": {"explode": [1]}})
            assert status == 400 and "explode" in body["error"]
            _, told = await call("GET", "/sim/faults")
            assert told["allowed"]["on"] == list(KINDS) and told["allowed"]["fault"] == list(FAULTS)

    arun(story())


def test_order_updates_are_lost_doubled_and_overtaken_as_planned(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        heard: list[dict[str, object]] = []
        kite.stream.publish_order = lambda _, update: heard.append(dict(update))  # type: ignore[method-assign, assignment]
        async with served(kite) as call:
            await _plan(call, drop=[1], duplicate=[2], reorder=[3])
            await _place(call, "a")
            kite.exchange.settle_all()
            assert [row["status"] for row in heard] == [
                "VALIDATION PENDING",
                "VALIDATION PENDING",
                "OPEN",
                "OPEN PENDING",
            ]
            assert (await _truth(call))["updates"] == 4

    arun(story())


def test_a_fresh_account_forgets_everything_but_the_login(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            before = await _truth(call)
            await _place(call, "a")
            await call("POST", "/orders/regular", data=order(price=1600, tag="b"))
            trigger = {
                "type": "single",
                "condition": '{"exchange":"NSE","tradingsymbol":"INFY","trigger_values":[1400],"last_price":1500}',
                "orders": '[{"transaction_type":"SELL","quantity":1,"order_type":"LIMIT","product":"CNC","price":139}]',
            }
            assert (await call("POST", "/gtt/triggers", data=trigger))[0] == 200
            await _plan(call, {"on": "orders", "nth": 1, "fault": "500_before"})
            used = await _truth(call)
            assert used["orders"] and used["gtts"]
            assert (await call("POST", "/sim/reset"))[0] == 200
            after = await _truth(call)
            assert after == before | {"seen": {}}
            assert (await call("GET", "/orders")) == (200, {"status": "success", "data": []})
            _, body = await _place(call, "c")
            assert body["data"]["order_id"] not in {row["order_id"] for row in used["orders"]}

    arun(story())


def test_an_open_order_can_be_filled_in_part_on_demand(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            _, body = await _place(call, "a")
            asked = {"order_id": body["data"]["order_id"], "quantity": 4}
            assert await call("POST", "/sim/fill", json=asked) == (200, {"status": "OPEN", "filled_quantity": 4})
            truth = await _truth(call)
            assert truth["positions"][0]["quantity"] == 4 and truth["trades"][0]["average_price"] == 1400
            _, done = await call("POST", "/sim/fill", json=asked | {"quantity": 99})
            assert done == {"status": "COMPLETE", "filled_quantity": 10}
            assert (await call("POST", "/sim/fill", json=asked))[0] == 400

    arun(story())


def test_a_page_in_a_browser_cannot_plan_faults(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            for path in ("/sim/faults", "/sim/reset", "/sim/fill"):
                assert (await call("POST", path, json={}, headers={"Origin": "https://example.org"}))[0] == 403

    arun(story())


def test_kinds_are_told_by_verb_and_path() -> None:
    asked = [("POST", "/orders/regular"), ("PUT", "/orders/co/12"), ("DELETE", "/orders/amo/12"), ("GET", "/orders/12")]
    assert [kind_of(*one) for one in asked] == ["place", "modify", "cancel", "history"]
    assert kind_of("GET", "/quote") == ""
