"""Orders, stated so that no single wrong sign, figure or word in them goes unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.orders import (
    INTENDED,
    RESTING,
    TAG_MAX,
    TERMINAL,
    UNKNOWN,
    Fill,
    Order,
    OrderBook,
    OrderRequest,
    is_news,
)

T0 = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
WHAT: dict[str, Any] = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 100}
RISING = (
    INTENDED,
    UNKNOWN,
    "PUT ORDER REQ RECEIVED",
    "VALIDATION PENDING",
    "OPEN PENDING",
    "TRIGGER PENDING",
    "OPEN",
)


def order(status: str = "OPEN", at_s: float | None = 0, **more: Any) -> Order:
    at = None if at_s is None else T0 + timedelta(seconds=at_s)
    row = {"order_id": "1", "status": status, "product": "MIS", "order_type": "LIMIT", "order_timestamp": at}
    return Order(**(WHAT | row | more))


def request(side: str = "BUY") -> OrderRequest:
    return OrderRequest(**(WHAT | {"transaction_type": side, "product": "MIS", "order_type": "LIMIT", "tag": "t"}))


def fill(side: str = "BUY") -> Fill:
    return Fill(**(WHAT | {"transaction_type": side}), trade_id="7", order_id="1", average_price=100.0, product="MIS")


def test_a_bare_request_is_a_regular_order_for_the_day_with_nothing_else_asked() -> None:
    asked = request()
    assert (asked.variety, asked.validity, asked.validity_ttl) == ("regular", "DAY", None)
    assert (asked.instrument_token, asked.disclosed_quantity) == (0, 0)
    assert (asked.price, asked.trigger_price, asked.market_protection) == (None, None, None)
    assert (asked.strategy, asked.reason) == ("", "")


def test_a_bare_row_has_filled_nothing_costs_nothing_and_is_nobodys() -> None:
    row = order()
    assert (row.variety, row.validity, row.modified, row.tags, row.meta) == ("regular", "DAY", False, (), {})
    prices = (row.price, row.trigger_price, row.average_price, row.market_protection)
    counts = (row.filled_quantity, row.pending_quantity, row.cancelled_quantity, row.disclosed_quantity)
    assert prices == (0.0, 0.0, 0.0, 0.0) and counts == (0, 0, 0, 0)
    assert (row.instrument_token, row.placed_by, row.guid, row.tag) == (0, "", "", None)


def test_a_bare_fill_has_no_token_and_no_exchange_id() -> None:
    assert (fill().instrument_token, fill().exchange_order_id, fill().fill_timestamp) == (0, "", None)


@pytest.mark.parametrize("make", [request, fill, lambda side: order(transaction_type=side)])
def test_buying_is_plus_one_and_selling_minus_one(make: Any) -> None:
    assert (make("BUY").sign, make("SELL").sign) == (1, -1)
    assert make("BUY").key == "NSE:INFY"


@pytest.mark.parametrize(
    ("quantity", "filled", "open_quantity"), [(100, 0, 100), (100, 30, 70), (1, 0, 1), (100, 100, 0), (100, 120, 0)]
)
def test_what_may_still_fill_is_what_has_not_filled_and_never_less_than_nothing(
    quantity: int, filled: int, open_quantity: int
) -> None:
    row = order(quantity=quantity, filled_quantity=filled)
    assert row.open_quantity == open_quantity
    assert replace(row, status="CANCELLED").open_quantity == 0


def test_the_words_of_the_exchange_are_its_own() -> None:
    assert {"COMPLETE", "REJECTED", "CANCELLED", "LAPSED"} == TERMINAL
    assert {"OPEN", "TRIGGER PENDING", "AMO REQ RECEIVED"} == RESTING
    assert (UNKNOWN, INTENDED, TAG_MAX) == ("UNKNOWN", "INTENDED", 20)


@pytest.mark.parametrize(("earlier", "later"), [(a, b) for i, a in enumerate(RISING) for b in RISING[i + 1 :]])
def test_of_two_pictures_of_one_second_the_later_stage_is_the_news(earlier: str, later: str) -> None:
    assert is_news(order(earlier), order(later))
    assert not is_news(order(later), order(earlier))


@pytest.mark.parametrize("status", ["VALIDATION PENDING", "AMO REQ RECEIVED"])
def test_an_amo_rests_before_anything_is_sent(status: str) -> None:
    assert is_news(order("PUT ORDER REQ RECEIVED"), order("AMO REQ RECEIVED"))
    assert not is_news(order("OPEN PENDING"), order("AMO REQ RECEIVED"))
    assert is_news(order("AMO REQ RECEIVED", price=1.0), order(status, price=2.0))
    assert is_news(order(status, price=1.0), order("AMO REQ RECEIVED", price=2.0))


def test_a_status_of_tomorrow_stands_beside_open() -> None:
    assert is_news(order("OPEN"), order("SOMETHING NEW")) and is_news(order("SOMETHING NEW"), order("OPEN"))
    assert not is_news(order("SOMETHING NEW"), order("TRIGGER PENDING"))


def test_the_later_second_wins_whatever_the_stage_and_the_earlier_never() -> None:
    known = order("OPEN", at_s=5)
    assert is_news(known, order("VALIDATION PENDING", at_s=6))
    assert not is_news(known, order("OPEN", at_s=4, price=99.0))


def test_the_exchanges_own_time_goes_before_the_brokers() -> None:
    known = order(at_s=5, exchange_update_timestamp=T0)
    assert is_news(known, order(at_s=4, exchange_update_timestamp=T0 + timedelta(seconds=1)))
    assert not is_news(known, order(at_s=6, exchange_update_timestamp=T0 - timedelta(seconds=1)))


def test_a_picture_without_a_time_is_judged_by_its_stage() -> None:
    assert is_news(order("OPEN PENDING", at_s=None), order("OPEN", at_s=9))
    assert not is_news(order("OPEN", at_s=9), order("OPEN PENDING", at_s=None))


def test_of_one_second_the_modified_picture_is_the_later_one() -> None:
    before, after = order(), order(modified=True, price=99.0)
    assert is_news(before, after) and not is_news(after, before)


def test_more_filled_is_news_whatever_the_time_and_less_never_is() -> None:
    known = order(at_s=5, filled_quantity=30)
    assert is_news(known, order(at_s=1, filled_quantity=31))
    assert not is_news(known, order(at_s=9, filled_quantity=29))


def test_an_end_tells_more_only_under_its_own_name() -> None:
    ended = order("CANCELLED", filled_quantity=30)
    assert is_news(ended, replace(ended, cancelled_quantity=70))
    assert not is_news(ended, ended)
    assert not is_news(ended, order("REJECTED", at_s=9, filled_quantity=30))
    assert is_news(order("OPEN", filled_quantity=40), ended) and not is_news(ended, order("OPEN", at_s=9))


def test_an_end_with_a_count_that_lags_keeps_what_had_filled_and_its_price() -> None:
    book = OrderBook()
    book.apply(order(filled_quantity=40, average_price=101.0))
    row = book.apply(order("CANCELLED", filled_quantity=10, average_price=50.0))
    assert row is not None and (row.filled_quantity, row.average_price) == (40, 101.0)


def test_as_much_filled_at_a_better_known_price_takes_the_new_price() -> None:
    book = OrderBook()
    book.apply(order(filled_quantity=40, average_price=0.0))
    row = book.apply(order("COMPLETE", filled_quantity=40, average_price=101.0))
    assert row is not None and row.average_price == 101.0


def test_tag_and_token_are_kept_from_the_picture_that_had_them_and_replaced_by_none() -> None:
    book = OrderBook()
    book.apply(order("VALIDATION PENDING", tag="mine", instrument_token=7))
    row = book.apply(order("OPEN"))
    assert row is not None and (row.tag, row.instrument_token) == ("mine", 7)
    row = book.apply(order("OPEN", at_s=1, tag="other", instrument_token=8))
    assert row is not None and (row.tag, row.instrument_token) == ("other", 8)


def test_every_one_of_an_orders_tags_finds_it_and_no_other_text_does() -> None:
    book = OrderBook()
    row = book.apply(order(tag="a", tags=("a", "b")))
    assert book.by_tag("a") is book.by_tag("b") is row is book.get("1")
    assert book.by_tag("") is book.by_tag("c") is book.get("") is None


def test_an_unknown_tag_finds_nobody_whatever_ids_there_are() -> None:
    book = OrderBook()
    book.apply(order(order_id="XX"))
    assert book.by_tag("nobody") is None


def test_a_book_counts_walks_and_parts_its_orders() -> None:
    book = OrderBook()
    assert len(book) == 0 and book.working() == []
    first, second = book.apply(order()), book.apply(order("COMPLETE", order_id="2"))
    assert list(book) == [first, second] and len(book) == 2 and book.working() == [first]
    for _ in book:
        book.apply(order(order_id="3"))  # whoever walks is not disturbed
    assert len(book) == 3
