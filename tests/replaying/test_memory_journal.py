"""The journal in memory answers as the one on the disk does, to the same story told to both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.ports import Event, Journal, RunRow
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.replaying.memoryjournal import MemoryJournal
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.run import RunState
from tests.fakes import a_request
from tests.trading.desk_fakes import Seen, a_desk

AT = datetime(2026, 11, 23, 4, 0, 0, 123_456, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ORDER = Order(
    order_id="", status="OPEN", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    product="MIS", order_type="LIMIT", price=1500.05, tag="ap1", tags=("ap1",), order_timestamp=AT,
    meta={"legs": (1, 2), "at": "x"},
)  # fmt: skip
FILL = Fill(
    trade_id="1", order_id="11", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    average_price=1500.05, product="MIS", fill_timestamp=AT,
)  # fmt: skip
CAUSE = Cause(values={"fast": 1.5}, reason="crossed", rules=(RuleResult("lot", True, "10", "1", ""),))


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


async def tell(journal: Journal) -> None:
    """A day of two runs, five orders and what became of them."""
    row = await journal.session_began("AB1234", AT, later(9_000))
    await journal.session_began("AB1234", later(1), later(9_000))
    await journal.session_ended(row, later(2), "logged out")
    await journal.session_ended(row, later(3), "again")
    run = RunRow("run-1", "ma_cross", ("NSE:INFY",), {"slow": 9, "fast": (3, 4), "when": AT}, AT)
    await journal.run_began(run)
    await journal.run_began(replace(run, run_id="run-2", started_at=later(50)))
    await journal.run_ended("run-1", later(60), "stopped")
    await journal.run_ended("run-1", later(61), "once more")
    for n in range(1, 5):
        request = a_request(tag=f"ap{n}", price=100.0 + n, strategy="run-1", closes=True)
        await journal.intend(request, later(n), CAUSE if n % 2 else None)
    await journal.order_seen(ORDER, later(1))
    await journal.order_seen(replace(ORDER, tag="ap2"), later(2))
    await journal.settle("ap1", "sent", later(2), order_id="11")
    await journal.order_seen(replace(ORDER, order_id="11"), later(3))
    await journal.settle("ap2", "unknown", later(4), detail="no answer")
    await journal.settle("ap2", "sent", later(5), order_id="12", detail="found")
    await journal.settle("ap2", "sent", later(6), detail="again")
    await journal.settle("ap3", "refused", later(7), detail="too much")
    await journal.order_seen(replace(ORDER, order_id="12", tag=None), later(8))
    await journal.order_seen(replace(ORDER, order_id="11", status="COMPLETE", filled_quantity=10), later(9))
    await journal.order_seen(replace(ORDER, order_id="99", tag=None), later(10))
    assert await journal.fill_seen(FILL, later(9), "run-1")
    assert not await journal.fill_seen(FILL, later(10), "run-1")
    assert await journal.fill_seen(replace(FILL, trade_id="2", order_id="99"), later(10))
    await journal.note(Event("refused", later(7), {"tag": "ap3", "limit": (1, 2), "value": float("inf"), "at": AT}))
    await journal.note(Event("halted", later(20), {"why": 'a "word"'}))


QUESTIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "sessions": lambda j: j.sessions(),
    "newest session": lambda j: j.sessions(1),
    "intents": lambda j: j.intents(LONG_AGO),
    "later intents": lambda j: j.intents(later(2)),
    "intent by tag": lambda j: j.intent_of("ap2"),
    "intent by said id": lambda j: j.intent_of("12"),
    "intent by seen id": lambda j: j.intent_of("11"),
    "no intent": lambda j: j.intent_of("99"),
    "states": lambda j: j.intent_states("ap2"),
    "no states": lambda j: j.intent_states("ap4"),
    "cause": lambda j: j.cause("ap1"),
    "no cause": lambda j: j.cause("ap2"),
    "orders": lambda j: j.orders(LONG_AGO),
    "later orders": lambda j: j.orders(later(8)),
    "pictures by tag": lambda j: j.history("ap1"),
    "pictures by id": lambda j: j.history("11"),
    "pictures of an order whose later ones lack the tag": lambda j: j.history("ap2"),
    "pictures from elsewhere": lambda j: j.history("99"),
    "fills": lambda j: j.fills(LONG_AGO),
    "later fills": lambda j: j.fills(later(10)),
    "fills of an order": lambda j: j.fills_of("11"),
    "fills in a position": lambda j: j.fills_in("NSE", "INFY", "MIS", "run-1"),
    "fills by hand": lambda j: j.fills_in("NSE", "INFY", "MIS", ""),
    "runs": lambda j: j.runs(LONG_AGO),
    "later runs": lambda j: j.runs(later(1)),
    "events": lambda j: j.events(LONG_AGO),
    "events of a kind": lambda j: j.events(LONG_AGO, "halted"),
    "later events": lambda j: j.events(later(8)),
    "events about a tag": lambda j: j.events_about("ap3", LONG_AGO),
    "events about a word": lambda j: j.events_about('a "word"', LONG_AGO),
    "events about nothing": lambda j: j.events_about("ap", LONG_AGO),
}


def test_every_question_has_the_answer_that_the_disk_gives(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        database = Database(tmp_path / "practice.sqlite")
        await database.open()
        memory, disk = MemoryJournal(), SqlJournal(database)
        try:
            await tell(memory)
            await tell(disk)
            for what, ask in QUESTIONS.items():
                assert await ask(memory) == await ask(disk), what
        finally:
            await database.close()

    arun(story())


def test_what_the_tables_refuse_is_refused(arun: Any) -> None:
    async def story() -> None:
        journal = MemoryJournal()
        await journal.intend(a_request(tag="ap1"), AT)
        with pytest.raises(Refused, match="'ap1' already"):
            await journal.intend(a_request(tag="ap1"), AT)
        with pytest.raises(BadData, match="ap9"):
            await journal.settle("ap9", "sent", AT)
        with pytest.raises(BadData, match="run-9"):
            await journal.run_ended("run-9", AT, "stopped")

    arun(story())


def test_the_digest_is_of_every_row_and_of_their_order(arun: Any) -> None:
    async def story() -> None:
        journals = [MemoryJournal() for _ in range(3)]
        for journal in journals:
            await tell(journal)
        one, other, third = journals
        assert one.digest() == other.digest() and one.rows == other.rows > 20
        await other.note(Event("x", later(99), {"n": 1}))
        await third.note(Event("x", later(99), {"n": 2}))
        assert len({journal.digest() for journal in journals}) == 3

    arun(story())


def test_a_runs_day_is_recalled_from_it_after_a_restart(arun: Any) -> None:
    async def story() -> None:
        journal = MemoryJournal()
        async with a_desk(journal=journal) as stage:
            run = await stage.run()
            await stage.desk.submit(stage.request(strategy=run.run_id))
            await stage.desk.reconcile("look")
            desk, runner = stage.restart()
            await desk.open()
            await runner.recall(desk.day_start())
            (recalled,) = runner.runs
            assert recalled.run_id == run.run_id and "interrupted" in recalled.detail
            assert recalled.holding("NSE:INFY").quantity == 10
            (row,) = await journal.runs(LONG_AGO)
            assert row.how == recalled.detail
            runner.close()

    arun(story())


def test_a_run_that_failed_is_a_failed_one_after_a_restart(arun: Any) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("on its first bar")

    async def story() -> None:
        async with a_desk(journal=MemoryJournal()) as stage:
            Seen.acts["on_bar"] = fail
            run = await stage.run()
            for after_s in (0, 60, 60):
                stage.tick(after_s=after_s)
            await stage.runner.stop(run.run_id)
            assert run.state is RunState.FAILED
            desk, runner = stage.restart()
            await desk.open()
            await runner.recall(desk.day_start())
            (recalled,) = runner.runs
            assert recalled.state is RunState.FAILED and recalled.detail == run.detail
            runner.close()
            stage.errors.clear()

    arun(story())


def test_it_is_the_journal_of_the_ports() -> None:
    journal: Journal = MemoryJournal()  # the type checker is the judge
    assert journal is not None
