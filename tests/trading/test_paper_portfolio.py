"""Conversion, holdings, margins and charges of the paper account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected
from alphapanda_desktop.domain.portfolio import Calculator, ChargeQuery, Portfolio
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.paper_portfolio import PaperCalculator, PaperPortfolio, conversions_of
from tests.fakes import a_request
from tests.trading.test_paper import INFY, NIFTY_FUT, SBIN, Desk, _now


class Account:
    """A paper desk with its portfolio and all that was noted."""

    def __init__(self, **options: Any) -> None:
        self.desk = Desk(**options)
        self.notes: list[Event] = []
        self.desk.tick(100, bids=[(99.95, 500)], asks=[(100.05, 500)])
        self.portfolio = PaperPortfolio(self.desk.broker, self.desk.clock, self.note)
        self.calculator = PaperCalculator(self.desk.broker, self.desk.clock)

    async def note(self, event: Event) -> None:
        self.notes.append(Event(event.kind, event.at, json.loads(json.dumps(event.detail))))

    def row(self, product: str) -> Position | None:
        return self.desk.broker.account.position(("NSE", "INFY", product))

    def convert(self, product: str, quantity: int, to: str) -> None:
        row = self.row(product)
        assert row is not None
        _now(self.portfolio.convert(row, quantity, to))


def test_they_satisfy_the_ports() -> None:
    a = Account()
    portfolio: Portfolio = a.portfolio
    calculator: Calculator = a.calculator
    assert _now(portfolio.holdings()) == [] and _now(calculator.charges([])) == []


def test_a_converted_part_stands_under_the_new_product_at_the_same_price_and_the_pnl_stays() -> None:
    a = Account()
    a.desk.place("BUY", 50, product="MIS")
    before = sum(p.pnl_at(120) for p in _now(a.desk.broker.positions()))
    a.convert("MIS", 20, "CNC")
    old, new = a.row("MIS"), a.row("CNC")
    assert old is not None and new is not None
    assert (old.quantity, old.buy_quantity, old.average_price) == (30, 30, 100.05)
    assert (new.quantity, new.day_buy_quantity, new.average_price) == (20, 20, 100.05)
    assert sum(p.pnl_at(120) for p in _now(a.desk.broker.positions())) == pytest.approx(before)
    a.convert("CNC", 20, "MIS")
    assert (a.row("MIS"), a.row("CNC")) != (None, None)
    assert [row.quantity for row in (a.row("MIS"), a.row("CNC")) if row] == [50, 0]


def test_a_short_position_converts_too_and_what_was_carried_goes_first() -> None:
    a = Account()
    a.desk.tick(26_000, NIFTY_FUT, bids=[(26_000, 500)], asks=[(26_000.1, 500)])
    a.desk.place("SELL", 65, instrument=NIFTY_FUT, product="NRML")
    a.desk.next_day()
    a.desk.place("SELL", 65, instrument=NIFTY_FUT, product="NRML", tag="t2")
    (row,) = _now(a.desk.broker.positions())
    assert (row.quantity, row.overnight_quantity) == (-130, -65)
    _now(a.portfolio.convert(row, 65, "MIS"))
    rows = {p.product: p for p in _now(a.desk.broker.positions())}
    assert (rows["NRML"].quantity, rows["NRML"].overnight_quantity, rows["NRML"].day_sell_quantity) == (-65, 0, 65)
    assert (rows["MIS"].quantity, rows["MIS"].overnight_quantity, rows["MIS"].sell_quantity) == (-65, -65, 65)


def test_a_conversion_that_is_not_possible_moves_nothing_and_is_not_written_down() -> None:
    a = Account(cash=2_000)
    a.desk.place("BUY", 50, product="MIS")
    with pytest.raises(Rejected, match="Insufficient funds"):
        a.convert("MIS", 50, "CNC")
    with pytest.raises(Refused, match="51 asked to be converted, 50 held"):
        a.convert("MIS", 51, "CNC")
    with pytest.raises(Refused, match="knows CNC, MIS, MTF, not NRML"):
        a.convert("MIS", 1, "NRML")
    assert (a.notes, [p.quantity for p in _now(a.desk.broker.positions())]) == ([], [50])


def test_after_the_square_off_nothing_becomes_mis() -> None:
    a = Account()
    a.desk.place("BUY", 5, product="CNC")
    a.desk.clock.at = a.desk.clock.at.replace(hour=9, minute=51)
    with pytest.raises(Rejected, match="after the square-off"):
        a.convert("CNC", 5, "MIS")


def test_a_restart_makes_the_same_conversions_between_the_same_fills() -> None:
    a = Account()
    a.desk.place("BUY", 50, product="MIS")
    a.desk.clock.advance(1)
    a.convert("MIS", 20, "CNC")
    a.desk.clock.advance(1)
    a.desk.place("SELL", 30, product="MIS", tag="t2")
    again = Desk(clock=a.desk.clock, ticks=a.desk.ticks)
    again.broker.restore(
        _now(a.desk.broker.orders()), _now(a.desk.broker.fills()), conversions_of(a.notes)
    )  # fmt: skip
    assert _now(again.broker.positions()) == _now(a.desk.broker.positions())
    assert again.free() == a.desk.free()


def test_holdings_are_what_was_bought_before_today_less_what_is_sold() -> None:
    a = Account()
    a.desk.place("BUY", 50, product="CNC")
    a.desk.next_day()
    a.desk.tick(110, bids=[(110, 500)])
    a.desk.place("SELL", 20, product="CNC", tag="t2")
    (holding,) = _now(a.portfolio.holdings())
    assert (holding.key, holding.quantity, holding.t1_quantity, holding.used_quantity) == (INFY.key, 0, 50, 20)
    assert (holding.sellable, holding.average_price, holding.last_price) == (30, 100.05, 110)
    assert holding.pnl == pytest.approx(50 * 9.95)


def test_a_margin_counts_positions_earlier_orders_and_charges() -> None:
    a = Account()
    one = a_request("BUY", 50, price=100, product="MIS", tag="t9")
    margin = _now(a.calculator.margin([one]))
    assert (margin.required, margin.available, margin.leverage) == (1_000, 1_000_000, 5)
    assert margin.charges and margin.charges > 0 and margin.short_by == 0
    assert _now(a.calculator.margin([one, one])).required == 2_000
    a.desk.place("SELL", 50, product="MIS")
    assert _now(a.calculator.margin([one])).required == 0, "it only closes"
    market = _now(a.calculator.margin([a_request("BUY", 10, product="CNC", tag="t8")]))
    assert market.required == pytest.approx(10 * 102)


def test_what_has_no_price_has_no_margin() -> None:
    a = Account()
    margin = _now(a.calculator.margin([a_request("BUY", 1, instrument=SBIN, tag="t9")]))
    assert (margin.required, margin.charges, margin.short_by, margin.available) == (None, None, None, 1_000_000)
    with pytest.raises(Rejected, match="NSE:GONE"):
        _now(a.calculator.charges([ChargeQuery(
            exchange="NSE", tradingsymbol="GONE", transaction_type="BUY", product="CNC", quantity=1, average_price=1.0,
        )]))  # fmt: skip


def test_asking_changes_nothing() -> None:
    a = Account()
    a.desk.place("BUY", 10, price=90, product="CNC")
    before = [_now(getattr(a.desk.broker, read)()) for read in ("orders", "positions", "funds")], list(a.desk.said)
    _now(a.calculator.margin([a_request("BUY", 1000, price=100, tag="t9")]))
    assert ([_now(getattr(a.desk.broker, read)()) for read in ("orders", "positions", "funds")], a.desk.said) == before
