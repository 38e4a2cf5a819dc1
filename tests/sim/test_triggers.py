"""GTT and alerts: when they fire, what they place, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.sim.answers import KiteError
from alphapanda_desktop.sim.venue import LocalKite
from tests.sim.practice_kite import INFY, NIFTY, SBIN, StillMarket, still_kite


def gtt(
    values: list[float], prices: list[float], symbol: str = "INFY", last: float = 1500, **leg: Any
) -> dict[str, str]:
    usual = {"exchange": "NSE", "tradingsymbol": symbol, "product": "CNC", "order_type": "LIMIT", "quantity": 10,
             "transaction_type": "BUY"}  # fmt: skip
    condition = {"exchange": "NSE", "tradingsymbol": symbol, "trigger_values": values, "last_price": last}
    orders = [usual | leg | {"price": price} for price in prices]
    kind = "single" if len(values) == 1 else "two-leg"
    return {"type": kind, "condition": json.dumps(condition), "orders": json.dumps(orders)}


def move(kite: LocalKite, instrument: Any, price: float) -> None:
    assert isinstance(kite.market, StillMarket)
    kite.market.move(instrument, price)


def test_a_single_trigger_places_its_limit_order_once() -> None:
    kite = still_kite()
    id_ = kite.triggers.place(gtt([1490], [1492]))["trigger_id"]
    move(kite, INFY, 1491)
    assert kite.triggers.get(str(id_))["status"] == "active" and kite.book.rows() == []
    move(kite, INFY, 1485)
    body = kite.triggers.get(str(id_))
    result = body["orders"][0]["result"]
    (row,) = kite.book.rows()
    assert body["status"] == "triggered" and result["triggered_at"] == 1490
    assert result["order_result"] == {"status": "success", "order_id": row["order_id"], "rejection_reason": ""}
    assert json.loads(result["meta"])["gtt"] == id_
    assert row["meta"] == {"gtt": id_}
    move(kite, INFY, 1480)
    assert len(kite.book.rows()) == 1


def test_only_one_leg_of_two_fires() -> None:
    kite = still_kite()
    id_ = kite.triggers.place(gtt([780, 820], [779, 819], "SBIN", 800, transaction_type="SELL"))["trigger_id"]
    move(kite, SBIN, 825)
    body = kite.triggers.get(str(id_))
    assert [one["result"] is not None for one in body["orders"]] == [False, True]
    move(kite, SBIN, 770)
    assert len(kite.book.rows()) == 1


def test_a_refused_order_is_told_in_the_trigger() -> None:
    kite = still_kite()
    id_ = kite.triggers.place(gtt([1490], [1000]))["trigger_id"]
    move(kite, INFY, 1489)
    result = kite.triggers.get(str(id_))["orders"][0]["result"]["order_result"]
    assert result["status"] == "failed" and "lower circuit limit" in result["rejection_reason"]


def test_a_trigger_is_modified_deleted_and_expires() -> None:
    kite = still_kite()
    ids = [str(kite.triggers.place(gtt([1490], [1490]))["trigger_id"]) for _ in range(3)]
    kite.triggers.modify(ids[0], gtt([1400], [1400]))
    assert kite.triggers.get(ids[0])["condition"]["trigger_values"] == [1400]
    kite.triggers.delete(ids[1])
    assert [body["status"] for body in kite.triggers.rows()] == ["active", "deleted", "active"]
    with pytest.raises(KiteError, match="deleted"):
        kite.triggers.modify(ids[1], gtt([1400], [1400]))
    kite.clock.jump_to(kite.clock.now() + timedelta(days=366))
    kite.market.step()
    assert kite.triggers.get(ids[2])["status"] == "expired"
    assert len(kite.triggers.rows()) == 2, "what ended more than a week ago is listed no more"


@pytest.mark.parametrize(
    "form",
    [
        gtt([1490], [1490]) | {"type": "three-leg"},
        gtt([1490], [1490]) | {"condition": "{"},
        gtt([1490], [1490]) | {"orders": "[]"},
        gtt([1490], [1490], order_type="MARKET"),
        gtt([1490], [1490], quantity=0),
        gtt([1510, 1520], [1510, 1520]),
        gtt([1490], [1490], symbol="NOSUCH"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(form: dict[str, str]) -> None:
    with pytest.raises(KiteError) as caught:
        still_kite().triggers.place(form)
    assert caught.value.error_type == "InputException"


def alert(**fields: object) -> dict[str, str]:
    usual = {
        "name": "high", "type": "simple", "lhs_exchange": "INDICES", "lhs_tradingsymbol": "NIFTY 50",
        "lhs_attribute": "LastTradedPrice", "operator": ">=", "rhs_type": "constant", "rhs_constant": 25100,
    }  # fmt: skip
    return {name: str(value) for name, value in (usual | fields).items()}


BASKET = json.dumps({"name": "b", "type": "alert", "tags": [], "items": [{
    "type": "insert", "exchange": "NSE", "tradingsymbol": "INFY", "weight": 1,
    "params": {"transaction_type": "BUY", "product": "CNC", "order_type": "LIMIT", "quantity": 3, "price": 1501},
}]})  # fmt: skip


def test_an_alert_fires_once_and_keeps_what_it_saw() -> None:
    kite = still_kite()
    uuid = kite.alerts.create(alert())["uuid"]
    move(kite, NIFTY, 25099)
    assert kite.alerts.history(uuid) == []
    move(kite, NIFTY, 25120)
    move(kite, NIFTY, 25130)
    (event,) = kite.alerts.history(uuid)
    assert event["meta"][0]["last_price"] == 25120
    assert event["meta"][0]["last_trade_time"] == "0001-01-01 00:00:00"
    assert event["condition"] == 'LastTradedPrice("INDICES:NIFTY 50") >= 25100'
    body = kite.alerts.get(uuid)
    assert (body["status"], body["alert_count"]) == ("disabled", 1)


def test_an_alert_compares_two_instruments() -> None:
    kite = still_kite()
    fields = {"lhs_exchange": "NSE", "lhs_tradingsymbol": "SBIN", "operator": ">", "rhs_type": "instrument",
              "rhs_exchange": "NSE", "rhs_tradingsymbol": "INFY", "rhs_attribute": "LastTradedPrice"}  # fmt: skip
    uuid = kite.alerts.create(alert(**fields))["uuid"]
    move(kite, SBIN, 1501)
    assert len(kite.alerts.history(uuid)) == 1


def test_an_alert_with_a_basket_places_its_orders() -> None:
    kite = still_kite()
    uuid = kite.alerts.create(alert(type="ato", basket=BASKET))["uuid"]
    move(kite, NIFTY, 25200)
    (row,) = kite.book.rows()
    assert (row["tradingsymbol"], row["quantity"], row["status"]) == ("INFY", 3, "COMPLETE")
    assert kite.alerts.history(uuid)[0]["order_meta"][0]["order_id"] == row["order_id"]


def test_alerts_are_listed_by_status_and_page() -> None:
    kite = still_kite()
    ids = [kite.alerts.create(alert(name=f"a{n}"))["uuid"] for n in range(5)]
    kite.alerts.delete(ids[:1])
    assert [body["name"] for body in kite.alerts.rows("", 2, 2)] == ["a3", "a4"]
    assert [body["uuid"] for body in kite.alerts.rows("deleted", 1, 0)] == ids[:1]
    with pytest.raises(KiteError, match="Alert not found"):
        kite.alerts.get(ids[0])


@pytest.mark.parametrize(
    "fields",
    [{"type": "x"}, {"operator": "="}, {"rhs_constant": "much"}, {"lhs_tradingsymbol": "NOSUCH"}, {"name": ""},
     {"type": "ato"}, {"type": "ato", "basket": "{}"}],
)  # fmt: skip
def test_an_alert_that_makes_no_sense_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(KiteError) as caught:
        still_kite().alerts.create(alert(**fields))
    assert caught.value.status == 400


def test_triggers_and_alerts_outlive_a_restart(tmp_path: Path) -> None:
    first = still_kite(state=tmp_path / "sim.state")
    trigger = str(first.triggers.place(gtt([1490], [1490]))["trigger_id"])
    uuid = first.alerts.create(alert())["uuid"]
    first.memory.close()
    second = still_kite(state=tmp_path / "sim.state")
    move(second, NIFTY, 25200)
    move(second, INFY, 1480)
    assert second.triggers.get(trigger)["status"] == "triggered"
    assert len(second.alerts.history(uuid)) == 1
    second.memory.close()
