"""Our charges against the broker's: what is asked, when again, and what is shown of a difference."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from alphapanda_desktop.domain.charges import Charges, charges
from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, Margin
from alphapanda_desktop.trading.chargecheck import DIFFER, GAP_S, MOST_AT_ONCE, QUIET_S, ChargeCheck
from alphapanda_desktop.trading.ledger import PAISA, Ledger
from tests.fakes import FakeClock, FakeJournal, an_instrument

DAY = date(2026, 11, 23)
INFY = an_instrument()


class FakeCalculator:
    """Charges by our own tables, `more` added to the stamp duty; keeps what it was asked."""

    def __init__(self, more: int = 0) -> None:
        self.more, self.asked = more, list[list[ChargeQuery]]()
        self.fails: Exception | None = None

    async def margin(self, requests: Sequence[OrderRequest]) -> Margin:
        raise AssertionError(f"not asked for margin of {requests}")

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        if self.fails:
            raise self.fails
        self.asked.append(list(orders))
        return [self._of(order) for order in orders]

    def _of(self, q: ChargeQuery) -> Charges:
        paid = charges(
            exchange=q.exchange,
            instrument_type="EQ",
            product=q.product,
            transaction_type=q.transaction_type,
            quantity=q.quantity,
            average_price=q.average_price,
            on=DAY,
            variety=q.variety,
        )
        return replace(paid, stamp_duty=paid.stamp_duty + self.more)


class Parts:
    def __init__(self, more: int = 0) -> None:
        self.ledger = Ledger({INFY.key: INFY}.get, lambda: DAY)
        self.calculator = FakeCalculator(more)
        self.journal, self.said, self.slept = FakeJournal(), list[str](), list[float]()
        self.check = ChargeCheck(self.ledger, self.calculator, self.journal, FakeClock(), self.said.append, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def fill(
        self,
        order: str,
        quantity: int = 10,
        price: float = 100,
        *,
        n: int = 1,
        symbol: str = "INFY",
        side: Any = "BUY",
        variety: str = "",
    ) -> None:
        row = (
            Order(
                order_id=order,
                status="OPEN",
                exchange="NSE",
                tradingsymbol=symbol,
                transaction_type=side,
                quantity=99,
                product="MIS",
                order_type="MARKET",
                variety=variety,
            )
            if variety
            else None
        )
        self.ledger.take(
            Fill(
                trade_id=f"{order}-{n}",
                order_id=order,
                exchange="NSE",
                tradingsymbol=symbol,
                transaction_type=side,
                quantity=quantity,
                average_price=price,
                product="MIS",
            ),
            "",
            row,
        )


def test_an_executed_order_is_asked_for_with_its_whole_fill() -> None:
    parts = Parts()
    parts.fill("one", 10, 100, n=1)
    parts.fill("one", 30, 104, n=2, variety="iceberg")
    (query,) = parts.ledger.executed().values()
    assert query == ChargeQuery(
        exchange="NSE",
        tradingsymbol="INFY",
        transaction_type="BUY",
        product="MIS",
        quantity=40,
        average_price=103.0,
        order_type="MARKET",
        variety="iceberg",
        order_id="one",
    )


def test_where_both_agree_there_is_no_difference(arun: Any) -> None:
    parts = Parts()
    parts.fill("one", 3, 100.1, n=1)
    parts.fill("one", 4, 100.2, n=2)
    assert arun(parts.check.ask()) == []
    assert parts.ledger.told_of("one") == parts.ledger.of_order("one")
    assert parts.ledger.told_of("other") is None


def test_a_difference_names_the_order_and_both_figures(arun: Any) -> None:
    parts = Parts(more=25_000)
    parts.fill("one")
    (found,) = arun(parts.check.ask())
    assert (found.order_id, found.rupees) == ("one", -2.5)
    assert (found.ours, found.theirs) == (parts.ledger.of_order("one"), parts.ledger.told_of("one"))
    assert parts.ledger.charge_differences() == [found]


def test_what_was_told_is_not_asked_again_until_the_order_fills_further(arun: Any) -> None:
    parts = Parts(more=PAISA)
    parts.fill("one", n=1)
    arun(parts.check.ask())
    arun(parts.check.ask())
    assert len(parts.calculator.asked) == 1
    parts.fill("one", n=2)
    assert (parts.ledger.told_of("one"), parts.ledger.charge_differences()) == (None, [])
    arun(parts.check.ask())
    assert [q.quantity for q in parts.calculator.asked[1]] == [20]
    assert len(parts.ledger.charge_differences()) == 1


def test_all_orders_of_an_instrument_are_asked_for_together(arun: Any) -> None:
    parts = Parts()
    parts.fill("bought")
    parts.fill("other", symbol="TCS")
    arun(parts.check.ask())
    parts.fill("sold", side="SELL")
    arun(parts.check.ask())
    assert [[q.order_id for q in asked] for asked in parts.calculator.asked] == [
        ["bought", "other"],
        ["bought", "sold"],
    ]


def test_listeners_hear_of_an_answer_and_of_nothing_else(arun: Any) -> None:
    parts, heard = Parts(), list[int]()
    parts.ledger.charges_told.connect(lambda: heard.append(1))
    arun(parts.check.ask())
    assert heard == []
    parts.fill("one")
    arun(parts.check.ask())
    assert heard == [1]


def test_an_answer_that_does_not_come_leaves_what_is_known(arun: Any) -> None:
    parts = Parts(more=PAISA)
    parts.fill("one")
    arun(parts.check.ask())
    parts.fill("two", symbol="TCS")
    parts.calculator.fails = Offline("no way out")
    with pytest.raises(Offline):
        arun(parts.check.ask())
    assert [d.order_id for d in parts.ledger.charge_differences()] == ["one"]


def test_a_note_holds_five_hundred_orders_at_most(arun: Any) -> None:
    parts = Parts()
    for n in range(MOST_AT_ONCE + 1):
        parts.fill(f"o{n}")
    arun(parts.check.ask())
    assert [len(asked) for asked in parts.calculator.asked] == [500, 1]


def test_less_than_a_paisa_agrees(arun: Any) -> None:
    parts = Parts(more=PAISA - 1)
    parts.fill("one")
    assert arun(parts.check.ask()) == []


def test_a_difference_is_journaled_and_told_once_and_stands_in_the_ledger(arun: Any) -> None:
    parts = Parts(more=25_000)
    parts.fill("one")
    assert [arun(parts.check.compare()) for _ in range(2)] == [True, True]
    ours = parts.ledger.of_order("one")
    assert ours is not None
    words = f"Kite says ₹{ours.total / 10_000 + 2.5:,.2f}, we say ₹{ours.total / 10_000:,.2f}"
    assert parts.said == [f"Charges of order one: {words}. Kite's count."]
    (found,) = parts.ledger.charge_differences()
    assert found.text == words and parts.ledger.charge_difference("one") == found
    (event,) = parts.journal.event_rows
    assert (event.kind, event.detail["order_id"]) == (DIFFER, "one")
    parts.ledger.new_day()
    assert parts.ledger.charge_differences() == []


def test_a_broker_that_cannot_be_asked_is_told_of_once_and_asked_again_after_the_gap(arun: Any) -> None:
    parts = Parts(more=25_000)
    parts.fill("one")
    parts.calculator.fails = Offline("no way out")

    async def story() -> None:
        async with asyncio.timeout(60):
            async with asyncio.TaskGroup() as group:
                running = group.create_task(parts.check.run())
                while parts.slept != [QUIET_S, GAP_S] * 3:
                    await asyncio.sleep(0)
                parts.calculator.fails = None
                while not parts.calculator.asked:
                    await asyncio.sleep(0)
                running.cancel()

    arun(story())
    assert parts.said[0] == "Charges could not be compared with Kite's own: no way out" and len(parts.said) == 2


def test_executions_in_quick_succession_make_one_question(arun: Any) -> None:
    parts = Parts()

    async def story() -> None:
        async with asyncio.timeout(60):
            async with asyncio.TaskGroup() as group:
                running = group.create_task(parts.check.run())
                for n in range(5):
                    parts.fill("one", n=n)
                    parts.check.look()
                while parts.slept[-1:] != [GAP_S]:
                    await asyncio.sleep(0)
                parts.check.look()
                running.cancel()

    arun(story())
    assert [[q.quantity for q in asked] for asked in parts.calculator.asked] == [[50]]
