"""Charges are compared with the broker's own once for each ended order, and a difference is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import ChargeQuery
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.trading.contractnotes import ContractNotes
from tests.fakes import FakeClock, FakeJournal

OURS = Charges(
    transaction_tax=RUPEE,
    transaction_tax_type="stt",
    exchange_turnover_charge=0,
    sebi_turnover_charge=0,
    brokerage=20 * RUPEE,
    stamp_duty=0,
    gst=0,
)


def an_order(order_id: str, status: str = "COMPLETE", filled: int = 10) -> Order:
    return Order(
        order_id=order_id,
        status=status,
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="BUY",
        quantity=10,
        filled_quantity=filled,
        average_price=1500.0,
        product="MIS",
        order_type="MARKET",
    )


@dataclass
class Book:
    rows: list[Order] = field(default_factory=list)

    def orders(self) -> Sequence[Order]:
        return self.rows

    def charges_of(self, order_id: str) -> Charges | None:
        return None if order_id == "not ours" else OURS


@dataclass
class Kite:
    answer: Charges = OURS
    asked: list[list[str]] = field(default_factory=list)
    fails: bool = False

    async def margin(self, requests: Any) -> Any:
        raise AssertionError("margins are not asked for")

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        if self.fails:
            raise Offline("no network", after_s=1.0)
        self.asked.append([query.order_id for query in orders])
        return [self.answer for _ in orders]


def compared(book: Book, kite: Kite, times: int = 1) -> tuple[ContractNotes, list[str], FakeJournal]:
    said: list[str] = []
    journal = FakeJournal()

    async def story() -> ContractNotes:
        notes = ContractNotes(book, kite, journal, FakeClock(), said.append)
        for _ in range(times):
            await notes.compare()
        return notes

    return asyncio.run(story()), said, journal


def test_only_ended_orders_with_executions_of_ours_are_asked_and_once() -> None:
    rows = [an_order("1"), an_order("2", "OPEN", 5), an_order("3", "CANCELLED", 0), an_order("4", "CANCELLED", 3)]
    kite = Kite()
    notes, said, journal = compared(Book([*rows, an_order("not ours")]), kite, times=2)
    assert kite.asked == [["1", "4"]]
    assert set(notes.notes) == {"1", "4"}
    assert all(note.agrees and note.difference == 0 for note in notes.notes.values())
    assert (said, journal.event_rows) == ([], [])


def test_a_difference_of_a_paisa_is_said_and_journaled() -> None:
    kite = Kite(replace(OURS, gst=-RUPEE // 100))
    notes, said, journal = compared(Book([an_order("1")]), kite, times=2)
    assert not notes.notes["1"].agrees
    assert said == ["Charges of BUY 10 NSE:INFY: 21.00 by our tables, 20.99 by Kite's. Kite's count."]
    (event,) = journal.event_rows
    assert event.kind == "charges differ"
    assert event.detail == {"order_id": "1", "order": "NSE:INFY", "ours": 21.0, "kite": 20.99}


def test_less_than_a_paisa_agrees() -> None:
    notes, said, _ = compared(Book([an_order("1")]), Kite(replace(OURS, gst=99)))
    assert notes.notes["1"].agrees
    assert said == []


def test_a_broker_that_cannot_be_asked_is_told_of_once_and_asked_again() -> None:
    kite = Kite(fails=True)
    notes, said, _ = compared(Book([an_order("1")]), kite, times=3)
    assert notes.notes == {}
    assert len(said) == 1
    assert said[0].startswith("Charges could not be compared with Kite's own: ")


def test_many_orders_are_asked_in_batches() -> None:
    kite = Kite()
    compared(Book([an_order(str(n)) for n in range(120)]), kite)
    assert [len(batch) for batch in kite.asked] == [50, 50, 20]
