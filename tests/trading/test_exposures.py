"""What the risk rules are told of the account, out of the desk's books."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from alphapanda_desktop.domain.orders import Order, OrderRequest
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Exposure, TradingState, reduces
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.exposures import beside, exposure_of
from alphapanda_desktop.trading.ledger import Ledger
from tests.fakes import NOON, a_request

ASKED = a_request("BUY", 10, price=100, tag="new", strategy="run")


def a_ledger() -> Ledger:
    return Ledger(lambda _key: None, lambda: date(2026, 11, 23))


def exposure(books: Books, request: OrderRequest = ASKED, ledger: Ledger | None = None, **words: Any) -> Exposure:
    usual: dict[str, Any] = {"last_price": 100.0, "orders_today": 7, "strategy_orders_today": 3,
                             "state": TradingState.REDUCING}  # fmt: skip
    return exposure_of(request, books, ledger=ledger or a_ledger(), **{**usual, **words})


def booked(books: Books, tag: str, side: Any = "BUY", quantity: int = 10, filled: int = 0, *, run: str = "run",
           ours: bool = True, status: str = "OPEN", symbol: str = "INFY", product: str = "MIS") -> None:  # fmt: skip
    """An order in the book."""
    if ours:
        books.remember(a_request(side, quantity, tag=tag, strategy=run))
    books.apply(
        Order(
            order_id=f"o-{tag}",
            status=status,
            exchange="NSE",
            tradingsymbol=symbol,
            transaction_type=side,
            quantity=quantity,
            product=product,
            order_type="LIMIT",
            filled_quantity=filled,
            tag=tag,
        )
    )


def held(quantity: int, symbol: str = "INFY", product: str = "MIS") -> Position:
    return Position(exchange="NSE", tradingsymbol=symbol, product=product, quantity=quantity)


def test_an_empty_account_has_no_exposure_but_what_was_told() -> None:
    told = exposure(Books(), strategy_pnl=-5.0, multiplier=100.0)
    assert told == Exposure(orders_today=7, last_price=100.0, state=TradingState.REDUCING, strategy_orders_today=3,
                            strategy_pnl=-5.0, multiplier=100.0)  # fmt: skip


def test_position_and_both_sides_at_work_are_of_the_same_product() -> None:
    books = Books()
    books.take_positions([held(50), held(7, product="CNC"), held(9, "TCS")], NOON, {})
    booked(books, "a", "BUY", 10, 4)
    booked(books, "b", "SELL", 20)
    booked(books, "c", "BUY", 30, product="CNC")
    told = exposure(books)
    assert (told.position, told.buying, told.selling) == (54, 6, 20)


def test_the_instrument_is_counted_over_all_its_products_and_owners() -> None:
    books = Books()
    books.take_positions([held(50), held(7, product="CNC"), held(9, "TCS")], NOON, {})
    booked(books, "a", "BUY", 10, 4)
    booked(books, "b", "SELL", 20, run="other", product="NRML")
    booked(books, "c", "BUY", 30, 30, product="CNC", status="COMPLETE")
    booked(books, "d", "BUY", 5, ours=False)
    booked(books, "e", "BUY", 99, symbol="TCS")
    told = exposure(books)
    assert told.instrument_position == 50 + 4 + 7 + 30
    assert (told.instrument_buying, told.instrument_selling) == (6 + 5, 20)
    assert (told.instrument_working_orders, told.instrument_orders_today) == (3, 3)
    assert told.working_orders == 4


def test_a_run_is_counted_by_itself() -> None:
    books = Books()
    books.take_positions([held(50)], NOON, {})
    booked(books, "a", "BUY", 10, 4)
    booked(books, "b", "SELL", 20, 1)
    booked(books, "c", "BUY", 8, product="CNC")
    booked(books, "d", "BUY", 8, symbol="TCS")
    booked(books, "e", "BUY", 100, 50, run="other")
    booked(books, "f", "BUY", 100, 100, run="", status="COMPLETE")
    told = exposure(books)
    assert (told.strategy_position, told.strategy_buying, told.strategy_selling) == (3, 6, 19)
    assert told.strategy_working_orders == 4


def test_a_run_holds_what_it_carried_in() -> None:
    ledger = a_ledger()
    ledger.carry("run", "NSE", "INFY", "MIS", -15, 100)
    assert exposure(Books(), ledger=ledger).strategy_position == -15
    assert exposure(Books(), replace(ASKED, product="CNC"), ledger).strategy_position == 0


def test_a_run_can_sell_what_it_brought_where_the_broker_books_the_delivery_late() -> None:
    ledger, books = a_ledger(), Books()
    ledger.carry("run", "NSE", "INFY", "CNC", 15, 100)
    cnc = replace(ASKED, product="CNC")
    assert exposure(books, cnc, ledger).in_holdings is None
    assert exposure(books, ASKED, ledger).in_holdings == 0
    books.take_holdings([])
    assert exposure(books, cnc, ledger).in_holdings == 15
    assert exposure(books, replace(cnc, strategy=""), ledger).in_holdings == 0
    books.take_holdings([Holding(tradingsymbol="INFY", exchange="BSE", quantity=20, t1_quantity=5, mtf_quantity=2)])
    assert exposure(books, cnc, ledger).in_holdings == 25
    assert exposure(books, replace(cnc, product="MTF", strategy=""), ledger).in_holdings == 2


def test_an_order_by_hand_has_no_strategys_exposure() -> None:
    books = Books()
    booked(books, "a", "BUY", 10, 4, run="")
    told = exposure(books, replace(ASKED, strategy=""))
    assert (told.strategy_position, told.strategy_buying, told.strategy_working_orders) == (0, 0, 0)
    assert (told.position, told.buying, told.working_orders) == (4, 6, 1)


def test_intents_on_their_way_count_as_working_and_refused_ones_do_not() -> None:
    books = Books()
    books.intend(a_request("BUY", 10, tag="a", strategy="run"), NOON)
    books.intend(a_request("BUY", 20, tag="b", strategy="run"), NOON)
    books.mark_rejected("b", "no")
    books.intend(a_request("SELL", 5, tag="c"), NOON)
    books.mark_unknown("c", "no answer")
    told = exposure(books)
    assert (told.working_orders, told.buying, told.selling) == (2, 10, 5)
    assert (told.strategy_working_orders, told.strategy_buying) == (1, 10)
    assert (told.instrument_working_orders, told.instrument_buying, told.instrument_selling) == (2, 10, 5)


def test_a_change_is_judged_without_the_order_that_it_changes() -> None:
    books = Books()
    booked(books, "a", "BUY", 10, 4)
    booked(books, "b", "BUY", 20)
    booked(books, "c", "SELL", 5)
    known = books.book.get("o-a")
    assert known is not None
    left = beside(known, exposure(books))
    assert (left.buying, left.strategy_buying, left.instrument_buying) == (20, 20, 20)
    assert (left.selling, left.strategy_selling, left.instrument_selling) == (5, 5, 5)
    assert (left.working_orders, left.strategy_working_orders, left.instrument_working_orders) == (2, 2, 2)
    assert (left.orders_today, left.strategy_orders_today, left.instrument_orders_today) == (0, 0, 0)
    assert (left.position, left.strategy_position, left.last_price) == (4, 4, 100.0)


def test_nothing_falls_below_nought_without_an_order_that_was_not_counted() -> None:
    books = Books()
    booked(books, "c", "SELL", 5)
    known = books.book.get("o-c")
    assert known is not None
    left = beside(known, Exposure(selling=3))
    assert (left.selling, left.instrument_selling, left.working_orders, left.strategy_working_orders) == (0, 0, 0, 0)
    assert (left.instrument_working_orders, left.strategy_selling) == (0, 0)


def test_a_cover_order_counts_in_the_position_that_it_is_booked_under() -> None:
    books = Books()
    books.take_positions([held(3, product="CO"), held(50)], NOON, {})
    asked = a_request("BUY", 2, tag="cover", variety="co", trigger_price=95)
    told = exposure(books, asked)
    assert (told.position, told.buying) == (3, 0)
    books.intend(a_request("BUY", 4, tag="before", variety="co", trigger_price=95), NOON)
    assert exposure(books, asked).buying == 4
    assert exposure(books, a_request("SELL", 2, tag="other")).buying == 0


def test_a_cover_order_never_reduces_what_is_held() -> None:
    assert reduces(a_request("SELL", 2), Exposure(position=2))
    assert not reduces(a_request("SELL", 2, variety="co", trigger_price=105), Exposure(position=2))


def test_an_iceberg_counts_with_the_legs_that_are_yet_to_come() -> None:
    books = Books()
    leg = {"iceberg": {"leg": 1, "legs": 10, "leg_quantity": 10, "total_quantity": 100, "remaining_quantity": 90}}
    row = Order(order_id="1", status="OPEN", exchange="NSE", tradingsymbol="INFY", transaction_type="SELL",
                quantity=10, product="MIS", order_type="LIMIT", variety="iceberg", filled_quantity=4,
                meta=leg)  # fmt: skip
    books.apply(row)
    assert exposure(books, a_request("SELL", 1, tag="new")).selling == 96
    assert beside(row, exposure(books, a_request("SELL", 1, tag="new"))).selling == 0
    books.apply(replace(row, status="CANCELLED"))
    assert exposure(books, a_request("SELL", 1, tag="new")).selling == 0


def test_a_change_counts_until_its_outcome_was_read() -> None:
    books = Books()
    booked(books, "one", "SELL", 5)
    row = books.book.get("o-one")
    assert row is not None
    with books.changing(row, 15) as grows:
        assert grows
        books.looked_at(row)
        assert books.working("NSE", "INFY", "MIS") == (0, 15)
    assert books.working("NSE", "INFY", "MIS") == (0, 15)
    books.looked_at(replace(row, status="MODIFY PENDING"))
    assert books.working("NSE", "INFY", "MIS") == (0, 15)
    books.looked_at(row)
    assert books.working("NSE", "INFY", "MIS") == (0, 5)
