"""Controls of the practice exchange that the torture plays with: a login without the page, a GTT that fires."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.sim.practice_kite import served, still_kite

Run = Callable[[Any], Any]
LEG = {"transaction_type": "BUY", "quantity": 3, "order_type": "LIMIT", "product": "CNC", "price": 1400}
GTT = {
    "type": "single",
    "condition": json.dumps({"exchange": "NSE", "tradingsymbol": "INFY", "trigger_values": [1400], "last_price": 1500}),
    "orders": json.dumps([LEG]),
}


def test_a_login_that_was_ended_is_followed_by_another_and_a_live_one_stays(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            _, first = await call("POST", "/sim/login")
            assert first["access_token"] == call.said["access_token"]
            assert first["user_id"] == call.said["user_id"]
            await call("POST", "/sim/expire")
            assert (await call("GET", "/user/profile"))[0] == 403
            _, second = await call("POST", "/sim/login")
            assert second["access_token"] != first["access_token"]
            header = {"Authorization": f"token {second['api_key']}:{second['access_token']}"}
            assert (await call("GET", "/user/profile", headers=header))[0] == 200

    arun(story())


def test_a_trigger_fires_once_when_it_is_told_to_and_places_its_order(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            placed = await call.data("POST", "/gtt/triggers", data=GTT)
            status, fired = await call("POST", "/sim/trigger", json=placed)
            assert (status, fired["status"]) == (200, "triggered")
            (order,) = await call.data("GET", "/orders")
            assert fired["orders"][0]["result"]["order_result"]["order_id"] == order["order_id"]
            assert (order["quantity"], order["price"], order["tag"]) == (3, 1400, None)
            assert (await call("POST", "/sim/trigger", json=placed))[0] == 400
            assert (await call("POST", "/sim/trigger", json={"trigger_id": 1}))[0] == 400
            assert (await call("POST", "/sim/trigger", json={}))[0] == 400
            assert len(await call.data("GET", "/orders")) == 1

    arun(story())
