"""Every answer has the keys and types of Kite's official samples."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.sim.venue import LocalKite
from tests.sim.practice_kite import INFY, SBIN, Caller, order, served, still_kite

Run = Callable[[Any], Any]

FREE: dict[str, str] = {
    "step_up": "keys are dates",
    "condition": "a text in history, an object in a trigger",
    "iceberg": "only icebergs have it",
    "NSE:RELIANCE": "not asked for",
}


def differences(sample: Any, ours: Any, where: str = "data") -> list[str]:
    """What of a sample's shape is missing or of another type in ours; extra keys are no difference."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        found = []
        for name, inner in sample.items():
            if name in FREE:
                continue
            if name not in ours:
                found.append(f"{where}.{name} is missing")
            else:
                found += differences(inner, ours[name], f"{where}.{name}")
        return found
    if isinstance(sample, list) and isinstance(ours, list):
        return differences(sample[0], ours[0], f"{where}[0]") if sample and ours else []
    if sample is None or ours is None:
        return []
    kinds = [(bool,), (int, float), (str,), (list,), (dict,)]
    same = next(kind for kind in kinds if isinstance(sample, kind))
    return [] if isinstance(ours, same) and (bool in same) == isinstance(ours, bool) else [
        f"{where} is {type(ours).__name__}, Kite's {type(sample).__name__}"]  # fmt: skip


def sample_of(folder: Path, name: str) -> Any:
    return json.loads((folder / "mocks" / f"{name}.json").read_text())["data"]


QUOTED = "i=NSE:INFY"
SPAN = "from=2026-11-23 09:15:00&to=2026-11-23 09:20:00"
CALLS = {
    "profile": "/user/profile",
    "full_profile": "/user/profile/full",
    "margins": "/user/margins",
    "margins_equity": "/user/margins/equity",
    "margin_commodity": "/user/margins/commodity",
    "orders": "/orders",
    "positions": "/portfolio/positions",
    "holdings_compact": "/portfolio/holdings/compact",
    "holdings_summary": "/portfolio/holdings/summary",
    "auctions_list": "/portfolio/holdings/auctions",
    "quote": f"/quote?{QUOTED}",
    "ohlc": f"/quote/ohlc?{QUOTED}",
    "ltp": f"/quote/ltp?{QUOTED}",
    "trigger_range": f"/instruments/trigger_range/buy?{QUOTED}",
    "historical_minute": f"/instruments/historical/408065/minute?{SPAN}",
    "historical_oi": f"/instruments/historical/408065/minute?{SPAN}&oi=1",
    "mf_orders": "/mf/orders",
    "mf_sips": "/mf/sips",
    "mf_holdings": "/mf/holdings",
    "order_info": "/orders/{order}",
    "order_trades": "/orders/{order}/trades",
    "mf_orders_info": "/mf/orders/{fund_order}",
    "mf_sip_info": "/mf/sips/{sip}",
    "alerts_get": "/alerts",
    "alerts_get_one": "/alerts/{alert}",
    "gtt_get_order": "/gtt/triggers/{trigger}",
}


def traded(kite: LocalKite) -> dict[str, str]:
    """Ids of one of everything: a filled order, a fired trigger, an alert."""
    placed: Any = kite.exchange.place("regular", order(price=1500.1, tag="sample"))
    kite.exchange.settle_all()
    leg = {"transaction_type": "SELL", "quantity": 1, "order_type": "LIMIT", "product": "CNC"}
    trigger = kite.triggers.place({
        "type": "two-leg",
        "condition": json.dumps({"exchange": "NSE", "tradingsymbol": "SBIN", "trigger_values": [700, 900],
                                 "last_price": 800}),
        "orders": json.dumps([leg | {"price": 699}, leg | {"price": 901}]),
    })  # fmt: skip
    kite.market.prices[SBIN.instrument_token] = 901.0  # type: ignore[attr-defined]
    kite.market.step()
    alert = kite.alerts.create(ALERT)
    fund, sip = kite.funds.orders()[0], kite.funds.sips()[0]
    return {"order": placed["order_id"], "trigger": str(trigger["trigger_id"]), "alert": alert["uuid"],
            "fund_order": str(fund["order_id"]), "sip": str(sip["sip_id"])}  # fmt: skip


ALERT = {
    "name": "NIFTY 50", "type": "simple", "lhs_exchange": "INDICES", "lhs_tradingsymbol": "NIFTY 50",
    "lhs_attribute": "LastTradedPrice", "operator": ">=", "rhs_type": "constant", "rhs_constant": "27000",
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_has_the_shape_of_kites_sample(arun: Run, kite_samples: Path, name: str) -> None:
    async def story() -> None:
        kite = still_kite("rate_limits=off")
        async with served(kite) as call:
            ours = await call.data("GET", CALLS[name].format(**traded(kite)))
            assert differences(sample_of(kite_samples, name), ours) == []
            assert ours, "an empty answer proves nothing"

    arun(story())


async def _writes(kite: LocalKite, call: Caller) -> dict[str, Any]:
    """What calls that change something answer, by the name of their sample."""
    ids = traded(kite)
    got: dict[str, Any] = {}
    got["order_response"] = await call.data("POST", "/orders/regular", data=order(price=1490))
    id_ = got["order_response"]["order_id"]
    got["order_modify"] = await call.data("PUT", f"/orders/regular/{id_}", data={"price": "1489"})
    got["order_cancel"] = await call.data("DELETE", f"/orders/regular/{id_}")
    position = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "position_type": "day",
                "quantity": "5", "old_product": "MIS", "new_product": "CNC"}  # fmt: skip
    got["convert_position"] = await call.data("PUT", "/portfolio/positions", data=position)
    got["holdings_auth"] = await call.data("POST", "/portfolio/holdings/authorise")
    leg = {"exchange": "NSE", "tradingsymbol": "INFY", "product": "CNC", "order_type": "LIMIT",
           "transaction_type": "BUY", "quantity": 1, "price": 1400}  # fmt: skip
    condition = {"exchange": "NSE", "tradingsymbol": "INFY", "trigger_values": [1400], "last_price": 1500}
    gtt = {"type": "single", "condition": json.dumps(condition), "orders": json.dumps([leg])}
    got["gtt_place_order"] = await call.data("POST", "/gtt/triggers", data=gtt)
    path = f"/gtt/triggers/{got['gtt_place_order']['trigger_id']}"
    got["gtt_modify_order"] = await call.data("PUT", path, data=gtt)
    got["gtt_delete_order"] = await call.data("DELETE", path)
    got["alerts_create"] = await call.data("POST", "/alerts", data=ALERT)
    uuid = got["alerts_create"]["uuid"]
    got["alerts_modify"] = await call.data("PUT", f"/alerts/{uuid}", data=ALERT | {"rhs_constant": "27500"})
    got["alerts_delete"] = await call.data("DELETE", f"/alerts?uuid={uuid}&uuid={ids['alert']}")
    got["mf_order_response"] = await call.data(
        "POST", "/mf/orders", data={"tradingsymbol": "INF000P01011", "transaction_type": "BUY", "amount": "5000"}
    )
    got["mf_order_cancel"] = await call.data("DELETE", f"/mf/orders/{ids['fund_order']}")
    sip = {"tradingsymbol": "INF000P01011", "amount": "1000", "instalments": "12", "frequency": "monthly"}
    got["mf_sip_place"] = await call.data("POST", "/mf/sips", data=sip)
    got["mf_sip_modify"] = await call.data("PUT", f"/mf/sips/{ids['sip']}", data={"amount": "2000"})
    got["mf_sip_cancel"] = await call.data("DELETE", f"/mf/sips/{ids['sip']}")
    row = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular",
           "product": "CNC", "order_type": "LIMIT", "quantity": 1, "price": 1400}  # fmt: skip
    got["order_margins"] = await call.data("POST", "/margins/orders", json=[row])
    note = row | {"average_price": 1400, "order_id": "1"}
    got["virtual_contract_note"] = await call.data("POST", "/charges/orders", json=[note])
    sliced = order(INFY, quantity=200, price=1490, autoslice="true")
    got["autoslice_response"] = await call.data("POST", "/orders/regular", data=sliced)
    basket = {"name": "x", "type": "alert", "tags": [], "items": [{
        "type": "insert", "exchange": "NSE", "tradingsymbol": "INFY", "weight": 1,
        "params": {"transaction_type": "BUY", "product": "CNC", "order_type": "LIMIT", "quantity": 1, "price": 1490},
    }]}  # fmt: skip
    ato = ALERT | {"type": "ato", "basket": json.dumps(basket)}
    got["alerts_create_ato"] = await call.data("POST", "/alerts", data=ato)
    got["postback"] = kite.book.get(ids["order"]).postback("secret")
    login = kite.sessions.open()
    got["generate_session"] = kite.sessions.describe(login)
    pair = {"api_key": call.said["api_key"], "access_token": login.access_token}
    got["session_logout"] = await call.data("DELETE", "/session/token", params=pair)
    return got


def test_what_changes_something_answers_in_the_shape_of_kites_samples(arun: Run, kite_samples: Path) -> None:
    async def story() -> None:
        kite = still_kite("rate_limits=off")
        async with served(kite) as call:
            got = await _writes(kite, call)
        wrong = []
        for name, ours in got.items():
            whole = json.loads((kite_samples / "mocks" / f"{name}.json").read_text())
            wrong += [f"{name}: {one}" for one in differences(whole.get("data", whole), ours)]
        assert wrong == []

    arun(story())


@pytest.mark.parametrize(
    ("name", "path"), [("instruments_nse", "/instruments/NSE"), ("mf_instruments", "/mf/instruments")]
)
def test_tables_have_kites_columns(arun: Run, kite_samples: Path, name: str, path: str) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            _, text = await call("GET", path)
        theirs = (kite_samples / "mocks" / f"{name}.csv").read_text().splitlines()[0]
        assert text.splitlines()[0] == theirs
        assert list(csv.DictReader(io.StringIO(text)))

    arun(story())


def test_every_sample_is_looked_at(kite_samples: Path) -> None:
    here = {path.stem for path in (kite_samples / "mocks").iterdir()}
    written = {
        "order_response", "order_modify", "order_cancel", "convert_position", "holdings_auth", "gtt_place_order",
        "gtt_modify_order", "gtt_delete_order", "alerts_create", "alerts_create_ato", "alerts_modify", "alerts_delete",
        "mf_order_response", "mf_order_cancel", "mf_sip_place", "mf_sip_modify", "mf_sip_cancel", "order_margins",
        "virtual_contract_note", "autoslice_response", "postback", "generate_session", "session_logout",
    }  # fmt: skip
    elsewhere = {"instruments_nse", "instruments_all", "mf_instruments", "ticker_ltp", "ticker_quote"}
    assert here - set(CALLS) - written - elsewhere == set()
