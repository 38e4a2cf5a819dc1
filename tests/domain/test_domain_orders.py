"""Orders: which of two pictures is the later one, whatever order they come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Fill, Order, OrderBook, OrderRequest, is_news

T0 = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def row(status: str = "OPEN", filled: int = 0, second: int | None = 0, **more: Any) -> Order:
    at = None if second is None else T0 + timedelta(seconds=second)
    words: dict[str, Any] = {
        "order_id": "1",
        "status": status,
        "exchange": "NSE",
        "tradingsymbol": "INFY",
        "transaction_type": "BUY",
        "quantity": 100,
        "product": "MIS",
        "order_type": "LIMIT",
        "filled_quantity": filled,
        "order_timestamp": at,
        "exchange_update_timestamp": at,
    }
    return Order(**{**words, **more})


LIFE = [
    row("PUT ORDER REQ RECEIVED", exchange_update_timestamp=None),
    row("VALIDATION PENDING", exchange_update_timestamp=None),
    row("OPEN PENDING", exchange_update_timestamp=None),
    row("OPEN"),
    row("OPEN", 40, 1),
    row("MODIFIED", 40, 2, modified=True, price=99.0),
    row("OPEN", 40, 2, modified=True, price=99.0),
    row("OPEN", 70, 3, modified=True, price=99.0),
    row("CANCELLED", 70, 4, modified=True, price=99.0, cancelled_quantity=30),
]


@pytest.mark.parametrize("status", ["COMPLETE", "REJECTED", "CANCELLED", "LAPSED"])
def test_an_ended_order_is_not_live(status: str) -> None:
    assert not row(status).live


@pytest.mark.parametrize("status", ["OPEN", "TRIGGER PENDING", "MODIFY PENDING", "SOMETHING NEW", UNKNOWN, INTENDED])
def test_every_other_status_is_live_known_or_not(status: str) -> None:
    assert row(status).live


def test_a_cancelled_order_owns_what_it_filled_and_nothing_open_whatever_the_wire_says() -> None:
    order = row("CANCELLED", 70, pending_quantity=30)
    assert (order.filled_quantity, order.open_quantity) == (70, 0)


def test_each_step_of_a_life_is_news() -> None:
    book = OrderBook()
    assert [book.apply(step) is not None for step in LIFE] == [True] * len(LIFE)


def test_a_repeated_update_is_no_news() -> None:
    assert not any(is_news(step, step) for step in LIFE)


@given(st.permutations(LIFE), st.integers(0, 8))
def test_updates_in_any_order_end_in_the_same_row(steps: list[Order], repeat: int) -> None:
    book = OrderBook()
    for step in [*steps, steps[repeat]]:
        book.apply(step)
    assert book.get("1") == LIFE[-1]
    assert book.working() == []


def test_an_update_that_overtakes_the_end_does_not_bring_an_order_back() -> None:
    cancelled = row("CANCELLED", 50, 3)
    assert not is_news(cancelled, row("OPEN", 80, 2))
    assert not is_news(cancelled, row("OPEN", 50, 9))


def test_an_end_is_news_even_when_its_count_lags_and_filled_quantity_never_falls() -> None:
    book = OrderBook()
    book.apply(row("OPEN", 80, 2, average_price=10.0))
    ended = book.apply(row("CANCELLED", 50, 3, average_price=9.0))
    assert ended is not None
    assert (ended.status, ended.filled_quantity, ended.average_price) == ("CANCELLED", 80, 10.0)


def test_a_terminal_row_with_more_filled_is_still_news() -> None:
    assert is_news(row("CANCELLED", 50, 3), row("CANCELLED", 70, 3))


def test_a_stale_picture_of_the_same_second_does_not_undo_a_modification() -> None:
    assert not is_news(row(modified=True, price=99.0), row(price=98.0))


def test_an_update_of_a_resting_order_leaves_it_where_it_rests() -> None:
    book = OrderBook()
    book.apply(row("TRIGGER PENDING", trigger_price=90.0))
    told = book.apply(row("UPDATE", second=1, trigger_price=91.0, modified=True))
    assert told is not None
    assert (told.status, told.trigger_price, told.changeable) == ("TRIGGER PENDING", 91.0, True)


@pytest.mark.parametrize("status", ["OPEN", "TRIGGER PENDING", "CANCEL PENDING", "CANCELLED", "COMPLETE"])
@pytest.mark.parametrize("modified", [False, True])
def test_the_book_s_word_of_the_same_second_replaces_an_update(status: str, modified: bool) -> None:
    book = OrderBook()
    book.apply(row("UPDATE", 40, 1, modified=True))
    told = book.apply(row(status, 40, 1, modified=modified))
    assert told is not None and told.status == status


def test_an_unknown_order_is_found_when_any_picture_of_it_comes() -> None:
    unknown = row(UNKNOWN, second=None)
    assert all(is_news(unknown, step) for step in LIFE)


def test_what_a_snapshot_leaves_out_is_kept() -> None:
    book = OrderBook()
    book.apply(row("OPEN", tag="t1", instrument_token=408065))
    later = book.apply(row("COMPLETE", 100, 1))
    assert later is not None
    assert (later.tag, later.instrument_token) == ("t1", 408065)
    assert book.by_tag("t1") == later


def test_the_first_order_of_a_tag_is_the_one_a_lost_reply_is_found_by() -> None:
    book = OrderBook()
    book.apply(row(tag="t1"))
    book.apply(row(order_id="2", tag="t1"))
    found = book.by_tag("t1")
    assert found is not None
    assert found.order_id == "1"
    assert book.by_tag("t2") is None
    assert book.by_tag("") is None


def test_two_orders_do_not_mix() -> None:
    for steps in permutations([row("OPEN"), row("COMPLETE", 100, 1, order_id="2"), row("CANCELLED", 0, 1)]):
        book = OrderBook()
        for step in steps:
            book.apply(step)
        assert sorted((o.order_id, o.status) for o in book) == [("1", "CANCELLED"), ("2", "COMPLETE")]


def test_only_resting_orders_can_be_changed() -> None:
    assert [row(s).changeable for s in ("OPEN", "TRIGGER PENDING", "AMO REQ RECEIVED")] == [True] * 3
    assert not any(row(s).changeable for s in ("COMPLETE", "OPEN PENDING", "CANCEL PENDING", UNKNOWN, INTENDED))


def test_a_trade_id_is_unique_only_within_its_exchange_and_order() -> None:
    fill = Fill(
        trade_id="7",
        order_id="1",
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="SELL",
        quantity=1,
        average_price=1.0,
        product="MIS",
    )
    assert len({fill.id, replace(fill, exchange="BSE").id, replace(fill, order_id="2").id}) == 3
    assert (fill.key, fill.sign) == ("NSE:INFY", -1)


def test_a_request_knows_its_key_and_sign() -> None:
    request = OrderRequest(
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="SELL",
        quantity=1,
        product="MIS",
        order_type="LIMIT",
        tag="t",
    )
    assert (request.key, request.sign) == ("NSE:INFY", -1)
