"""What the review reads of a journal is what was written into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.ports import Event, RunRow
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.review import read_kept
from alphapanda_desktop.trading.chargecheck import DIFFER
from alphapanda_desktop.trading.handed import HandedOver

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
FILL = Fill(
    trade_id="t1", order_id="o1", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    average_price=1500.05, product="MIS", instrument_token=408065, exchange_order_id="x1", fill_timestamp=AT,
)  # fmt: skip
ORDER = Order(
    order_id="o2", status="COMPLETE", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    product="CNC", order_type="LIMIT", variety="co",
)  # fmt: skip


async def write(journal: SqlJournal) -> None:
    await journal.run_began(RunRow("r1", "ma_cross", ("NSE:INFY",), {}, AT))
    await journal.fill_seen(FILL, AT, "r1")
    await journal.fill_seen(replace(FILL, trade_id="t2", fill_timestamp=None), AT + timedelta(minutes=1))
    await journal.order_seen(ORDER, AT)
    await journal.note(HandedOver("r1", "", "NSE", "INFY", "MIS", 10, 1500.05).event(AT))
    await journal.note(Event(DIFFER, AT, {"order_id": "o1", "ours": 1.0, "kite": 1.25}))
    for units, answer in ((4, {"answer": "done"}), (5, {"error": "Rejected", "why": "no"}), (6, {"answer": "done"})):
        asked = {"position": "NSE:INFY", "from": "MIS", "to": "CNC", "quantity": units}
        await journal.note(Event("conversion", AT, asked))
        await journal.note(Event("conversion answer", AT, answer))
    await journal.note(Event("conversion", AT, asked))  # the program ended before it was answered
    await journal.note_day(DayNote(DAY, "", "first words", ("calm",)), AT)
    await journal.note_day(DayNote(DAY, "", "last words", ("calm", "trend")), AT)
    await journal.note_day(DayNote(DAY, "NSE:INFY", "gone"), AT)
    await journal.note_day(DayNote(DAY, "NSE:INFY"), AT)


def test_the_review_reads_what_the_open_journal_was_given(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        database = Database(tmp_path / "paper.sqlite")
        await database.open()
        try:
            journal = SqlJournal(database)
            await write(journal)
            kept = read_kept(database.path)
            assert await journal.verify() is None
        finally:
            await database.close()
        assert [(one.fill.trade_id, one.run_id, one.day) for one in kept.fills] == [("t1", "r1", DAY), ("t2", "", DAY)]
        assert kept.fills[0].fill == FILL
        assert kept.strategies == {"r1": "ma_cross"}
        assert [(one.giver, one.taker, one.where, one.quantity) for one in kept.handed] == [
            ("r1", "", ("NSE", "INFY", "MIS"), 10)
        ]
        assert [(one.exchange, one.tradingsymbol, one.giver, one.taker, one.quantity) for one in kept.converted] == [
            ("NSE", "INFY", "MIS", "CNC", 4), ("NSE", "INFY", "MIS", "CNC", 6)
        ]  # fmt: skip
        assert kept.varieties == {"o2": "co"}
        assert kept.told == {"o1": 12_500}
        assert kept.notes == [DayNote(DAY, "", "last words", ("calm", "trend"))]

    arun(story())


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "paper.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(Fatal, match=r"paper\.sqlite could not be read"):
        read_kept(tmp_path / "paper.sqlite")
