"""The desk's picture of the account, whatever order its news comes in."""

from __future__ import annotations

from dataclasses import replace

from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.books import Books
from tests.fakes import NOON, a_request

WHERE = ("NSE", "INFY", "MIS")


def books_with(side="BUY", quantity=10, tag="t1", **more):
    books = Books()
    books.intend(a_request(side, quantity, tag=tag, **more), NOON)
    return books


def test_an_intent_is_at_work_until_the_broker_tells_of_it():
    books = books_with()
    assert books.working(*WHERE) == (10, 0) and [o.tag for o in books.unanswered()] == ["t1"]
    books.mark_unknown("t1", "no answer")
    assert books.working(*WHERE) == (10, 0) and books.undecided("t1")
    books.mark_rejected("t1", "never accepted")
    assert books.working(*WHERE) == (0, 0) and not books.unanswered() and not books.undecided("t1")


def test_buying_and_selling_are_counted_apart():
    books = books_with()
    books.intend(a_request("SELL", 10, tag="t2"), NOON)
    assert books.working(*WHERE) == (10, 10)


def test_an_update_without_a_tag_does_not_lose_whose_order_it_is():
    books = books_with(strategy="run1")
    row = replace(books.pending("t1"), order_id="9", status="OPEN", tag=None, tags=())
    books.apply(row)
    order = books.accepted("t1", "9")
    assert order.tag == "t1" and books.run_of(order) == "run1" and books.unanswered() == []


def test_a_reply_after_a_slice_took_the_intent_is_still_an_order():
    books = books_with()
    books.apply(replace(books.pending("t1"), order_id="child", status="OPEN", quantity=5))
    assert books.accepted("t1", "parent").order_id == "parent"


def test_what_filled_since_the_positions_were_read_is_held():
    books = books_with()
    order = books.accepted("t1", "9")
    books.take_positions([], NOON, books.filled_so_far())
    books.apply(replace(order, status="OPEN", filled_quantity=4))
    assert books.held(*WHERE) == 4 and books.working(*WHERE) == (6, 0)
    row = Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=4)
    books.take_positions([row], NOON, books.filled_so_far())
    assert books.held(*WHERE) == 4
    assert books.held("NSE", "INFY", "CNC") == 0


def test_a_new_day_forgets_orders_and_not_whose_tags_they_were():
    books = books_with(strategy="run1")
    order = books.accepted("t1", "9")
    books.new_day()
    assert books.orders() == [] and books.run_of(order) == "run1" and books.knows("t1")


def test_orders_are_newest_first_with_what_has_no_answer():
    books = books_with(tag="t1")
    books.accepted("t1", "9")
    books.intend(a_request(tag="t2"), NOON.replace(minute=59))
    books.mark_unknown("t2", "no answer")
    assert next((o.tag, o.status) for o in books.orders()) == ("t2", UNKNOWN)
    assert [o.tag for o in books.of_run("")] == ["t1", "t2"]
