"""Zerodha's own Python client against the simulator: every call it has, and its ticker in a process of its own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from kiteconnect import KiteConnect
from kiteconnect import exceptions as ex

from tests.sim.sim_process import Child, child

SWITCHES = ("--switch", "rate_limits=off")


@pytest.fixture(scope="module")
def sim() -> Iterator[Child]:
    with child(*SWITCHES) as running:
        yield running


@pytest.fixture(scope="module")
def kite(sim: Child) -> KiteConnect:
    return KiteConnect(sim.said["api_key"], sim.said["access_token"], root=sim.said["rest"], timeout=60)


@pytest.fixture(scope="module")
def last(kite: KiteConnect) -> float:
    return float(kite.ltp("NSE:INFY")["NSE:INFY"]["last_price"])


def at(last: float, share: float) -> float:
    """A price that far from the last, on every tick size there is for it."""
    return float(round(last * share))


def yesterday() -> datetime:
    """Naive Indian time, as Kite's client sends it."""
    return (datetime.now(UTC) + timedelta(hours=5, minutes=30) - timedelta(days=1)).replace(tzinfo=None, microsecond=0)


def place(kite: KiteConnect, **fields: Any) -> str:
    usual: dict[str, Any] = {
        "variety": "regular", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 2,
        "product": "MIS", "order_type": "LIMIT",
    }  # fmt: skip
    return str(kite.place_order(**(usual | fields)))


def test_profile_and_margins(kite: KiteConnect, sim: Child) -> None:
    assert kite.profile()["user_id"] == sim.said["user_id"]
    assert set(kite.margins()) == {"equity", "commodity"}
    assert kite.margins("commodity")["enabled"] is True


def test_instruments_are_typed(kite: KiteConnect) -> None:
    rows = kite.instruments()
    assert {row["exchange"] for row in rows} >= {"NSE", "BSE", "NFO", "CDS", "MCX"}
    option = next(row for row in rows if row["instrument_type"] == "CE")
    assert isinstance(option["expiry"], date) and option["strike"] > 0 and isinstance(option["lot_size"], int)
    assert {row["exchange"] for row in kite.instruments("NFO")} == {"NFO"}
    assert {"NSE:RELIANCE", "NSE:INFY", "NSE:SBIN"} <= {f"{row['exchange']}:{row['tradingsymbol']}" for row in rows}


def test_quotes(kite: KiteConnect) -> None:
    keys = ["NSE:INFY", "NSE:NIFTY 50", "NSE:NOSUCH"]
    quote = kite.quote(keys)
    assert set(quote) == {"NSE:INFY", "NSE:NIFTY 50"}
    infy = quote["NSE:INFY"]
    assert isinstance(infy["timestamp"], datetime) and len(infy["depth"]["buy"]) == 5
    assert infy["lower_circuit_limit"] < infy["last_price"] < infy["upper_circuit_limit"]
    assert set(kite.ohlc(*keys)["NSE:INFY"]["ohlc"]) == {"open", "high", "low", "close"}
    assert set(kite.trigger_range("BUY", "NSE:INFY")["NSE:INFY"]) == {"instrument_token", "lower", "upper"}


@pytest.mark.parametrize(
    "interval", ["minute", "3minute", "5minute", "10minute", "15minute", "30minute", "60minute", "day"]
)
def test_candles(kite: KiteConnect, interval: str) -> None:
    until = yesterday()
    rows = kite.historical_data(408065, until - timedelta(days=10), until, interval, oi=True)
    assert rows == sorted(rows, key=lambda row: row["date"]) and len(rows) >= 4
    assert all(row["low"] <= min(row["open"], row["close"]) <= row["high"] and row["volume"] >= 0 for row in rows)
    assert rows[0]["date"].utcoffset() == timedelta(hours=5, minutes=30) and "oi" in rows[0]
    with pytest.raises(ex.InputException, match="interval exceeds max limit"):
        kite.historical_data(408065, until - timedelta(days=2001), until, interval)


def test_continuous_candles_of_a_future(kite: KiteConnect) -> None:
    future = next(row for row in kite.instruments("NFO") if row["instrument_type"] == "FUT")
    until = yesterday()
    rows = kite.historical_data(future["instrument_token"], until - timedelta(days=300), until, "day", continuous=True)
    assert len(rows) > 150
    with pytest.raises(ex.InputException):
        kite.historical_data(408065, until, until, "day", continuous=True)


def test_an_order_is_placed_modified_and_cancelled(kite: KiteConnect, last: float) -> None:
    id_ = place(kite, price=at(last, 0.97), tag="official")
    assert kite.order_history(id_)[-1]["status"] == "OPEN"
    assert kite.modify_order("regular", id_, price=at(last, 0.96), quantity=3) == id_
    row = kite.order_history(id_)[-1]
    assert (row["quantity"], row["price"]) == (3, at(last, 0.96))
    assert kite.cancel_order("regular", id_) == id_
    assert kite.order_history(id_)[-1]["status"] == "CANCELLED"
    mine = next(row for row in kite.orders() if row["order_id"] == id_)
    assert mine["tag"] == "official" and isinstance(mine["order_timestamp"], datetime)


def test_a_market_order_makes_trades_and_a_position_that_converts(kite: KiteConnect) -> None:
    id_ = place(kite, order_type="MARKET", market_protection=kite.MARKET_PROTECTION_AUTO)
    assert kite.order_history(id_)[-1]["status"] == "COMPLETE"
    assert sum(trade["quantity"] for trade in kite.order_trades(id_)) == 2
    assert id_ in {trade["order_id"] for trade in kite.trades()}
    assert kite.convert_position("NSE", "INFY", "BUY", "day", 1, "MIS", "CNC") is True
    assert {row["product"] for row in kite.positions()["net"]} >= {"MIS", "CNC"}
    assert {row["product"] for row in kite.positions()["day"]} >= {"MIS", "CNC"}


def test_every_variety_and_type(kite: KiteConnect, last: float) -> None:
    low, high = at(last, 0.97), at(last, 1.03)
    ids = {
        "TRIGGER PENDING": [
            place(kite, order_type="SL", price=high + 1, trigger_price=high),
            place(kite, order_type="SL-M", trigger_price=high, market_protection=2),
        ],
        "AMO REQ RECEIVED": [place(kite, variety="amo", price=low)],
        "OPEN": [
            place(kite, variety="co", price=low, trigger_price=at(last, 0.95)),
            place(kite, variety="iceberg", price=low, quantity=10, iceberg_legs=2, iceberg_quantity=5),
            place(kite, price=low, validity="TTL", validity_ttl=5),
            place(kite, price=low, quantity=10, disclosed_quantity=5),
        ],
        "CANCELLED": [place(kite, price=low, validity="IOC")],
    }
    auction = kite.get_auction_instruments()[0]
    ids["OPEN"].append(
        place(kite, variety="auction", tradingsymbol=auction["tradingsymbol"], transaction_type="SELL", product="CNC",
              price=round(auction["last_price"]), auction_number=auction["auction_number"], quantity=1)
    )  # fmt: skip
    for status, many in ids.items():
        assert [kite.order_history(id_)[-1]["status"] for id_ in many] == [status] * len(many)
    cover = ids["OPEN"][0]
    assert kite.exit_order("co", cover) == cover


def test_slices(kite: KiteConnect) -> None:
    option = next(row for row in kite.instruments("NFO") if row["instrument_type"] == "CE" and row["name"] == "NIFTY")
    key = f"NFO:{option['tradingsymbol']}"
    price = kite.quote(key)[key]["lower_circuit_limit"]
    answer = kite.place_autoslice_order(
        "regular", "NFO", option["tradingsymbol"], "BUY", option["lot_size"] * 60, "NRML", "LIMIT", price=price
    )
    assert len(answer["children"]) == 3 and all("order_id" in one for one in answer["children"])
    tags = {tuple(row["tags"]) for row in kite.orders() if "autoslice" in row["tags"]}
    assert tags == {("autoslice", f"autoslice:{answer['order_id']}")}


def test_portfolio(kite: KiteConnect) -> None:
    holding = kite.holdings()[0]
    assert holding["pnl"] == pytest.approx((holding["last_price"] - holding["average_price"]) * holding["quantity"])
    assert kite.get_auction_instruments()[0]["auction_number"]


def test_triggers(kite: KiteConnect, last: float) -> None:
    leg = {"transaction_type": "SELL", "quantity": 1, "order_type": "LIMIT", "product": "CNC", "price": at(last, 0.9)}
    values = [at(last, 0.9), at(last, 1.1)]
    id_ = kite.place_gtt(kite.GTT_TYPE_OCO, "INFY", "NSE", values, last, [leg, leg])["trigger_id"]
    single = kite.place_gtt(kite.GTT_TYPE_SINGLE, "INFY", "NSE", values[:1], last, [leg])["trigger_id"]
    assert {row["id"] for row in kite.get_gtts()} >= {id_, single}
    assert kite.modify_gtt(id_, kite.GTT_TYPE_OCO, "INFY", "NSE", [values[0] + 1, values[1]], last, [leg, leg])
    assert kite.get_gtt(id_)["condition"]["trigger_values"][0] == values[0] + 1
    assert kite.delete_gtt(id_) == {"trigger_id": id_}
    assert kite.get_gtt(id_)["status"] == "deleted"


def test_calculators(kite: KiteConnect, last: float) -> None:
    row = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular",
           "product": "MIS", "order_type": "LIMIT", "quantity": 10, "price": last, "trigger_price": 0}  # fmt: skip
    assert kite.order_margins([row])[0]["total"] == pytest.approx(last * 2)
    basket = kite.basket_order_margins([row, row], mode="compact")
    assert basket["initial"]["total"] == pytest.approx(last * 4) and len(basket["orders"]) == 2
    note = kite.get_virtual_contract_note([row | {"average_price": last, "order_id": "1"}])
    assert note[0]["charges"]["transaction_tax_type"] == "stt" and note[0]["charges"]["total"] > 0


def test_mutual_funds(kite: KiteConnect) -> None:
    scheme = kite.mf_instruments()[0]
    assert scheme["purchase_allowed"] is True and isinstance(scheme["last_price_date"], date)
    id_ = kite.place_mf_order(scheme["tradingsymbol"], "BUY", amount=5000)["order_id"]
    assert kite.mf_orders(id_)["status"] == "OPEN" and kite.cancel_mf_order(id_) == {"order_id": id_}
    assert kite.mf_orders(id_)["status"] == "CANCELLED" and kite.mf_orders()
    sip = kite.place_mf_sip(scheme["tradingsymbol"], 1000, 12, "monthly", instalment_day=5)["sip_id"]
    assert kite.modify_mf_sip(sip, amount=2000)["sip_id"] == sip
    assert kite.mf_sips(sip)["instalment_amount"] == 2000 and isinstance(kite.mf_sips()[0]["created"], datetime)
    assert kite.cancel_mf_sip(sip) == {"sip_id": sip} and kite.mf_holdings()[0]["folio"]


def test_errors_arrive_as_the_clients_own_classes(kite: KiteConnect, last: float, sim: Child) -> None:
    with pytest.raises(ex.InputException, match="Tick size") as caught:
        place(kite, price=at(last, 0.97) + 0.013)
    assert caught.value.code == 400
    with pytest.raises(ex.GeneralException, match="Insufficient funds") as caught:
        place(kite, price=at(last, 0.97), product="CNC", quantity=20_000)
    assert caught.value.code == 400, "the client has no class for MarginException"
    with pytest.raises(ex.OrderException, match="Couldn't find"):
        kite.order_history("1")
    other = KiteConnect(sim.said["api_key"], "wrong", root=sim.said["rest"])
    expired: list[int] = []
    other.set_session_expiry_hook(lambda: expired.append(1))
    with pytest.raises(ex.TokenException, match="Incorrect `api_key` or `access_token`"):
        other.profile()
    assert expired == [1]


def test_login_refresh_and_logout() -> None:
    with child() as sim:
        kite = KiteConnect(sim.said["api_key"], root=sim.said["rest"])
        with pytest.raises(ex.TokenException, match=r"Token is invalid or has expired\."):
            kite.generate_session("madeup", sim.said["api_secret"])
        with pytest.raises(ex.TokenException):
            kite.renew_access_token("madeup", sim.said["api_secret"])
        assert kite.invalidate_refresh_token("madeup") is True
        kite.set_access_token(sim.said["access_token"])
        assert kite.invalidate_access_token() is True
        with pytest.raises(ex.TokenException):
            kite.profile()


def test_the_older_rules_take_what_older_suites_place() -> None:
    with child(*SWITCHES, "market_protection=off", "historical_caps=legacy") as sim:
        kite = KiteConnect(sim.said["api_key"], sim.said["access_token"], root=sim.said["rest"])
        last = kite.ltp("NSE:RELIANCE")["NSE:RELIANCE"]["last_price"]
        off = last * 0.01
        price = last - (off - off % 0.05)  # a multiple of 0.05 as floats have it
        fields: dict[str, Any] = {"tradingsymbol": "RELIANCE", "quantity": 1}
        kinds = {
            "MARKET": place(kite, order_type="MARKET", **fields),
            "LIMIT": place(kite, price=price, **fields),
            "SL": place(kite, order_type="SL", price=price, trigger_price=price - 1, **fields),
            "SL-M": place(kite, order_type="SL-M", trigger_price=price, **fields),
        }
        for kind, id_ in kinds.items():
            assert kite.order_history(id_)[-1]["order_type"] == kind
        assert kite.order_history(kinds["LIMIT"])[-1]["price"] == price, "a price comes back as it was sent"
        until = yesterday()
        with pytest.raises(ex.InputException):
            kite.historical_data(256265, until - timedelta(days=31), until, "minute")


TICKER = """
import hashlib, json, sys
from kiteconnect import KiteConnect, KiteTicker
said = json.loads(sys.argv[1])
tokens, heard = [408065, 256265, 779521], {"orders": [], "modes": {}, "errors": []}
kite = KiteConnect(said["api_key"], said["access_token"], root=said["rest"])
ticker = KiteTicker(said["api_key"], said["access_token"], root=said["ws"])

def on_connect(ws, response):
    ws.subscribe(tokens)
    ws.set_mode(ws.MODE_FULL, [408065, 256265])
    ws.set_mode(ws.MODE_LTP, [779521])

def on_ticks(ws, ticks):
    for tick in ticks:
        heard["modes"].setdefault(str(tick["instrument_token"]), {})[tick["mode"]] = sorted(tick)
    full = "full" in heard["modes"].get("408065", {}) and "full" in heard["modes"].get("256265", {})
    if full and "ltp" in heard["modes"].get("779521", {}) and not heard.get("asked"):
        heard["asked"] = True
        kite.place_order("regular", "NSE", "INFY", "BUY", 1, "MIS", "MARKET", market_protection=-1)

def on_order_update(ws, order):
    heard["orders"].append(order)
    if order["status"] == "COMPLETE":
        print(json.dumps(heard))
        ws.stop()

def on_error(ws, code, reason):
    heard["errors"].append([code, str(reason)])

def on_close(ws, code, reason):
    if code == 1006 and len(sys.argv) > 2:
        print(json.dumps({"closed": [code, str(reason)]}))
        ws.stop()

for name in ("on_connect", "on_ticks", "on_order_update", "on_error", "on_close"):
    setattr(ticker, name, globals()[name])
ticker.connect()
"""


def _ticker(said: dict[str, str], *more: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TICKER, json.dumps(said), *more],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_official_ticker_hears_every_mode_and_its_orders(sim: Child) -> None:
    heard = _ticker(sim.said)
    assert heard["errors"] == []
    full = heard["modes"]["408065"]["full"]
    assert {"depth", "oi", "exchange_timestamp", "last_trade_time", "volume_traded", "change"} <= set(full)
    index = heard["modes"]["256265"]["full"]
    assert "exchange_timestamp" in index and "depth" not in index
    assert heard["modes"]["779521"]["ltp"] == ["instrument_token", "last_price", "mode", "tradable"]
    orders = heard["orders"]
    assert orders[0]["status"] == "PUT ORDER REQ RECEIVED"
    last = orders[-1]
    signed = f"{last['order_id']}{last['order_timestamp']}{sim.said['api_secret']}"
    assert last["checksum"] == hashlib.sha256(signed.encode()).hexdigest()


def test_the_official_ticker_is_refused_with_a_dead_token(sim: Child) -> None:
    heard = _ticker(sim.said | {"access_token": "dead"}, "refused")
    assert heard["closed"][0] == 1006 and "403" in heard["closed"][1]
