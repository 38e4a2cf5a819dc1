"""Orders, trades and positions: official samples to domain values, requests to form fields."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import OrderChange, OrderRequest
from alphapanda_desktop.kite import contract as k
from alphapanda_desktop.trading.ledger import Ledger


@pytest.fixture
def data(kite_samples: Path) -> Any:
    def read(name: str) -> Any:
        return json.loads((kite_samples / "mocks" / f"{name}.json").read_bytes())["data"]

    return read


def request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5, "product": "MIS",
        "order_type": "LIMIT", "price": 1500.05, "tag": "ap1", "strategy": "momentum #1", "reason": "because",
    }  # fmt: skip
    return OrderRequest(**(values | changes))


def test_book_rows_become_orders(data: Any) -> None:
    orders = k.orders_from_wire(data("orders"))
    assert len(orders) == 10
    cancelled, iceberg = orders[0], orders[3]
    assert cancelled.order_timestamp == datetime(2021, 5, 31, 3, 48, 57, tzinfo=UTC)
    assert (cancelled.pending_quantity, cancelled.cancelled_quantity, cancelled.open_quantity) == (1, 1, 0)
    assert iceberg.meta == {"iceberg": {"leg": 1, "legs": 5, "leg_quantity": 200, "total_quantity": 1000,
                                        "remaining_quantity": 800}}  # fmt: skip
    assert orders[8].tags == ("mktp", "mktp:2.00")
    assert orders[9].order_id == data("orders")[9]["order_id"]


def test_a_word_that_orders_share_is_kept_once(data: Any) -> None:
    one, other = k.orders_from_wire(data("orders")), k.orders_from_wire(json.loads(json.dumps(data("orders"))))
    for name in ("order_id", "status", "exchange", "tradingsymbol", "product", "order_type", "variety", "validity"):
        assert getattr(one[0], name) is getattr(other[0], name), name


def test_our_tag_is_found_among_kites_own() -> None:
    row = {"order_id": "1", "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY",
           "quantity": 1, "tag": None}  # fmt: skip
    assert k.order_from_wire(row | {"tags": ["mktp", "mktp:2.00", "ap1"]}).tag == "ap1"
    assert k.order_from_wire(row | {"tags": ["mktp", "autoslice:19"]}).tag is None
    assert k.order_from_wire(row | {"tag": "ap2", "tags": ["ap1"]}).tag == "ap2"


def test_a_history_is_read_oldest_first_with_its_reduced_keys(data: Any) -> None:
    history = k.orders_from_wire(data("order_info"))
    assert history[0].status == "PUT ORDER REQ RECEIVED"
    assert (history[0].instrument_token, history[-1].instrument_token) == (1, 779521)
    assert history[0].tags == ()


def test_a_postback_is_an_order(kite_samples: Path) -> None:
    body = json.loads((kite_samples / "mocks" / "postback.json").read_bytes())
    order = k.order_from_wire(body)
    assert (order.order_id, order.status, order.average_price) == ("220303000308932", "COMPLETE", 470.0)


def test_a_trades_order_time_is_a_time_of_day_and_does_no_harm(data: Any) -> None:
    fill = k.fill_from_wire(data("order_trades")[0])
    assert fill.fill_timestamp == datetime(2021, 5, 31, 10, 30, 36, tzinfo=UTC)
    assert fill.id == ("MCX", "200000000000000", "10000000")


def test_ids_are_text_even_where_they_come_as_numbers() -> None:
    row = {"order_id": 1953367517640548352, "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY",
           "transaction_type": "SELL", "quantity": 1.0}  # fmt: skip
    order = k.order_from_wire(row)
    assert (order.order_id, order.quantity) == ("1953367517640548352", 1)


def test_every_sample_position_has_kites_arithmetic(data: Any) -> None:
    rows = [*data("positions")["net"], *data("positions")["day"]]
    assert rows
    for row in rows:
        position = k.position_from_wire(row)
        for field in ("value", "pnl", "m2m", "average_price", "buy_price", "sell_price"):
            assert getattr(position, field) == pytest.approx(row[field], abs=1e-6), (row["tradingsymbol"], field)


def test_the_ledger_tells_what_separates_our_result_from_kites(data: Any) -> None:
    ledger = Ledger(lambda _key: None, lambda: date(2026, 11, 23))
    for wire in data("positions")["net"]:
        assert ledger.difference(k.position_from_wire(wire)) == 0
        off = k.position_from_wire({**wire, "pnl": wire["pnl"] + 12.34})
        assert ledger.difference(off) == -12.34
        untold = {name: value for name, value in wire.items() if name != "pnl"}
        assert ledger.difference(k.position_from_wire(untold)) is None


def test_a_position_row_has_29_fields(data: Any) -> None:
    assert len(k.PositionRow.model_fields) == 29
    assert set(data("positions")["net"][0]) == set(k.PositionRow.model_fields)


def test_both_shapes_of_a_sliced_answer_are_read(data: Any) -> None:
    sliced = k.autoslice_from_wire(data("autoslice_response"))
    assert (sliced.order_id, len(sliced.children)) == ("1914227164488687616", 4)
    error = {"code": 400, "error_type": "MarginException", "message": "Insufficient funds.", "data": None}
    flat = k.autoslice_from_wire([{"order_id": "1"}, {"error": error}])
    assert flat.children[1].error["error_type"] == "MarginException"


def test_a_request_sends_kites_fields_and_none_of_ours() -> None:
    assert k.request_to_params(request()) == {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5, "product": "MIS",
        "order_type": "LIMIT", "validity": "DAY", "price": 1500.05, "tag": "ap1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order_type", "given", "sent"),
    [("MARKET", None, -1), ("SL-M", None, -1), ("MARKET", 0, -1), ("MARKET", 2.5, 2.5), ("LIMIT", None, None),
     ("SL", None, None)],
)  # fmt: skip
def test_market_protection_is_automatic_where_kite_demands_it(order_type: Any, given: Any, sent: Any) -> None:
    params = k.request_to_params(request(order_type=order_type, market_protection=given, trigger_price=1490.0))
    assert params.get("market_protection") == sent


@pytest.mark.parametrize(
    ("order_type", "fields"),
    [("MARKET", set()), ("LIMIT", {"price"}), ("SL", {"price", "trigger_price"}), ("SL-M", {"trigger_price"})],
)
def test_each_order_type_sends_its_own_prices(order_type: Any, fields: set[str]) -> None:
    params = k.request_to_params(request(order_type=order_type, price=1500.0, trigger_price=1490.0))
    assert {"price", "trigger_price"} & set(params) == fields


def test_iceberg_fields_go_with_the_iceberg_variety_only() -> None:
    assert "iceberg_legs" not in k.request_to_params(request(iceberg_legs=3, iceberg_quantity=2))
    params = k.request_to_params(request(variety="iceberg", iceberg_legs=3, iceberg_quantity=2))
    assert (params["iceberg_legs"], params["iceberg_quantity"]) == (3, 2)


def test_a_change_sends_what_changes() -> None:
    assert k.change_to_params(OrderChange(price=10.5)) == {"price": 10.5}
    assert k.change_to_params(OrderChange(order_type="MARKET")) == {"order_type": "MARKET", "market_protection": -1}
    with pytest.raises(Refused, match="nothing to change"):
        k.change_to_params(OrderChange())
