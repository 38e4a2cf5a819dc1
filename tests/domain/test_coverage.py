"""A stop counts where it stands: at the broker, in this program only, or not at all; when in doubt, not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.coverage import WAITING, AppStop, covered
from alphapanda_desktop.domain.orders import INTENDED, TERMINAL, UNKNOWN, Order
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder
from alphapanda_desktop.domain.positions import Position

LONG = Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=10)
SHORT = Position(exchange="NFO", tradingsymbol="NIFTY26NOVFUT", product="NRML", quantity=-75)


def stop(position: Position = LONG, quantity: int = 10, trigger: float = 95.0, **more: Any) -> Order:
    words: dict[str, Any] = {
        "order_id": "1", "status": "TRIGGER PENDING", "exchange": position.exchange, "order_type": "SL",
        "tradingsymbol": position.tradingsymbol, "transaction_type": "SELL" if position.quantity > 0 else "BUY",
        "quantity": quantity, "product": position.product, "trigger_price": trigger,
    }  # fmt: skip
    return Order(**{**words, **more})


def gtt(position: Position, *triggers: float, last: float = 100.0, quantity: int = 10, **more: Any) -> Gtt:
    side: Any = "SELL" if position.quantity > 0 else "BUY"
    order = GttOrder(transaction_type=side, quantity=quantity, price=1.0, product=position.product)
    words: dict[str, Any] = {
        "id": 7, "type": "two-leg" if len(triggers) == 2 else "single", "status": "active",
        "exchange": position.exchange, "tradingsymbol": position.tradingsymbol, "trigger_values": triggers,
        "last_price": last, "orders": (order,) * len(triggers),
    }  # fmt: skip
    return Gtt(**{**words, **more})


def counts(position: Position, orders: Any = (), gtts: Any = (), stops: Any = ()) -> tuple[int, int, int]:
    (row,) = covered([position], orders, gtts, stops)
    return row.at_broker, row.in_program, row.unprotected


def test_a_position_without_any_stop_is_unprotected_and_a_flat_one_is_no_row() -> None:
    assert counts(LONG) == (0, 0, 10)
    assert covered([Position(exchange="NSE", tradingsymbol="INFY", product="MIS")], [stop()], [], []) == []


@pytest.mark.parametrize(
    ("changed", "protected"),
    [
        ({}, 10),
        ({"quantity": 4}, 4),
        ({"quantity": 25}, 10),
        ({"filled_quantity": 3}, 7),
        ({"order_type": "LIMIT"}, 10),  # Kite may show a stop at the market so
        ({"transaction_type": "BUY"}, 0),
        ({"product": "CNC"}, 0),
        ({"exchange": "BSE"}, 0),
        ({"tradingsymbol": "TCS"}, 0),
        ({"trigger_price": 0.0}, 0),
        ({"order_id": ""}, 0),
        ({"status": "OPEN"}, 0),
        ({"status": "CANCEL PENDING"}, 0),
        ({"status": "SOMETHING NEW"}, 0),
    ],
)
def test_an_order_protects_what_it_would_close_and_no_more(changed: dict[str, Any], protected: int) -> None:
    assert counts(LONG, [stop(**changed)]) == (protected, 0, 10 - protected)


@pytest.mark.parametrize(
    "status", [*sorted(TERMINAL), INTENDED, UNKNOWN, "PUT ORDER REQ RECEIVED", "VALIDATION PENDING"]
)
def test_a_stop_that_is_not_known_to_rest_protects_nothing(status: str) -> None:
    assert status not in WAITING
    assert counts(LONG, [stop(status=status)]) == (0, 0, 10)


def test_a_stop_that_is_being_changed_still_rests() -> None:
    assert counts(LONG, [stop(status="MODIFY PENDING")]) == (10, 0, 0)


def test_stops_add_up_and_a_unit_counts_once_at_the_broker_first() -> None:
    app = AppStop("NSE:INFY", "MIS", 10, 94.0, "run-1")
    assert counts(LONG, [stop(quantity=3), stop(quantity=4)], stops=[app]) == (7, 3, 0)
    assert counts(LONG, [stop()], stops=[app]) == (10, 0, 0)
    assert counts(LONG, stops=[AppStop("NSE:INFY", "MIS", 4, 94.0, "run-1")]) == (0, 4, 6)


@pytest.mark.parametrize(
    ("position", "triggers", "protected"),
    [
        (LONG, (95.0,), 10),  # falls to it
        (LONG, (110.0,), 0),  # a target
        (LONG, (95.0, 110.0), 10),
        (SHORT, (105.0,), 10),
        (SHORT, (95.0,), 0),
        (SHORT, (95.0, 105.0), 10),
    ],
)
def test_a_gtt_protects_on_the_side_where_it_hurts(
    position: Position, triggers: tuple[float, ...], protected: int
) -> None:
    held = abs(position.quantity)
    assert counts(position, gtts=[gtt(position, *triggers)]) == (protected, 0, held - protected)


@pytest.mark.parametrize(
    "changed", [{"status": "triggered"}, {"status": "cancelled"}, {"exchange": "BSE"}, {"tradingsymbol": "TCS"}]
)
def test_a_gtt_that_waits_no_more_or_for_another_protects_nothing(changed: dict[str, Any]) -> None:
    assert counts(LONG, gtts=[gtt(LONG, 95.0, **changed)]) == (0, 0, 10)


def test_a_gtt_that_would_enlarge_or_closes_another_product_protects_nothing() -> None:
    assert counts(LONG, gtts=[gtt(SHORT, 95.0, exchange="NSE", tradingsymbol="INFY")]) == (0, 0, 10)
    other = Position(exchange="NSE", tradingsymbol="INFY", product="CNC", quantity=10)
    assert counts(LONG, gtts=[gtt(other, 95.0)]) == (0, 0, 10)


@pytest.mark.parametrize(("side", "protected"), [("BUY", 75), ("SELL", 0)])
def test_a_short_position_is_guarded_by_purchases(side: Any, protected: int) -> None:
    app = AppStop("NFO:NIFTY26NOVFUT", "NRML", 75, 24_500.0, "run-1", side)
    assert counts(SHORT, stops=[app]) == (0, protected, 75 - protected)
    assert counts(SHORT, [stop(SHORT, 75, 24_500.0)]) == (75, 0, 0)


def test_each_stop_is_said_in_words_and_those_of_the_program_can_be_taken() -> None:
    app = AppStop("NSE:INFY", "MIS", 4, 94.0, "run-1", reason="2 % under the entry")
    (row,) = covered([LONG], [stop(quantity=3)], [gtt(LONG, 95.0, 110.0, quantity=2)], [app])
    assert row.stops == (
        "SELL 3 stop at 95.00, order 1",
        "SELL 2 at 95.00, limit 1.00, GTT 7",
        "SELL 4 NSE:INFY at 94.00, watched by this program",
    )
    assert row.app_stops == (app,)


stops_ = st.lists(st.builds(lambda n: AppStop("NSE:INFY", "MIS", n, 95.0, "r"), st.integers(0, 500)), max_size=4)
orders_ = st.lists(st.builds(lambda n, s: stop(quantity=n, status=s), st.integers(0, 500),
                             st.sampled_from(["TRIGGER PENDING", "OPEN", UNKNOWN])), max_size=4)  # fmt: skip


@given(st.integers(1, 1_000), orders_, stops_)
def test_the_three_counts_are_the_position(held: int, orders: list[Order], stops: list[AppStop]) -> None:
    position = Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=held)
    three = counts(position, orders, [gtt(LONG, 95.0)], stops)
    assert sum(three) == held and min(three) >= 0
