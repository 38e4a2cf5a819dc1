"""The soak's referee sees what it is there for: an order lost, one sent twice, a journal torn, a recording spoilt."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.dayfile import DayFile
from alphapanda_desktop.store.journal import SqlJournal
from tests.soak import referee
from tests.soak.actor import Saw
from tests.soak.director import Director, Result
from tests.soak.soak import table

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TAGS = ("ap01", "ap02")


def order_row(number: int, tag: str) -> dict[str, Any]:
    return {"order_id": f"o{number}", "tags": [tag], "tag": tag, "status": "COMPLETE", "filled_quantity": 1}


def trade_row(number: int) -> dict[str, Any]:
    return {
        "trade_id": f"t{number}", "order_id": f"o{number}", "quantity": 1, "average_price": 100.5,
        "exchange": "NSE", "tradingsymbol": "INFY", "product": "MIS", "transaction_type": "BUY",
    }  # fmt: skip


def exchange() -> referee.Truth:
    """Two purchases of one share, as the exchange tells them."""
    truth = referee.Truth()
    truth.take({
        "orders": [order_row(1, TAGS[0]), order_row(2, TAGS[1])], "trades": [trade_row(1), trade_row(2)],
        "positions": [{"exchange": "NSE", "tradingsymbol": "INFY", "product": "MIS", "quantity": 2}],
    })  # fmt: skip
    return truth


def desk() -> dict[str, Any]:
    return {
        "orders": [{"tag": tag, "order_id": f"o{n}", "status": "COMPLETE"} for n, tag in enumerate(TAGS, 1)],
        "positions": [{"key": "NSE:INFY", "product": "MIS", "quantity": 2}],
    }


async def write(path: Path) -> None:
    """The same two orders, through the program's own journal."""
    database = Database(path)
    await database.open()
    journal = SqlJournal(database)
    for number, tag in enumerate(TAGS, 1):
        where = {"exchange": "NSE", "tradingsymbol": "INFY", "instrument_token": 1, "transaction_type": "BUY",
                 "quantity": 1, "product": "MIS", "order_type": "MARKET"}  # fmt: skip
        await journal.intend(OrderRequest(**where, tag=tag, strategy="run-1"), AT)
        await journal.settle(tag, "sent", AT, f"o{number}")
        done = Order(**where, order_id=f"o{number}", status="COMPLETE", filled_quantity=1, tag=tag)
        await journal.order_seen(done, AT)
        fill = Fill(
            trade_id=f"t{number}", order_id=f"o{number}", exchange="NSE", tradingsymbol="INFY", instrument_token=1,
            transaction_type="BUY", quantity=1, average_price=100.5, product="MIS",
        )  # fmt: skip
        await journal.fill_seen(fill, AT, "run-1")
    await database.close()


@pytest.fixture
def journal(arun: Any, tmp_path: Path) -> Path:
    path = tmp_path / "practice.sqlite"
    arun(write(path))
    return path


def read(path: Path) -> referee.Written:
    return referee.look_into(path, path.parent, alive=False)


def test_a_day_without_faults_is_found_whole(journal: Path) -> None:
    written = read(journal)
    assert referee.judge(exchange(), written, desk(), clicks=0) == []
    assert written.rows >= 8 and set(written.intents) == set(TAGS)


def test_an_order_that_was_never_journaled_is_noticed(journal: Path) -> None:
    truth = exchange()
    truth.orders["o3"] = order_row(3, "ap03")
    assert "ap03 is at the exchange and not in the journal" in referee.judge(truth, read(journal))


def test_an_order_that_the_exchange_never_had_is_noticed(journal: Path) -> None:
    truth = exchange()
    del truth.orders["o2"]
    assert any("ap02 is journaled as order o2" in word for word in referee.judge(truth, read(journal)))


def test_an_order_sent_twice_is_noticed(journal: Path) -> None:
    truth = exchange()
    truth.orders["o9"] = order_row(9, TAGS[0])
    assert any("ap01 was sent 2 times" in word for word in referee.judge(truth, read(journal)))


def test_more_orders_by_hand_than_clicks_are_noticed(journal: Path) -> None:
    written = read(journal)
    written.intents = {tag: (state, id_, "") for tag, (state, id_, _) in written.intents.items()}
    assert any("sent 1 times, and 2 orders" in word for word in referee.judge(exchange(), written, desk(), clicks=1))


def test_a_trade_that_is_not_in_the_books_is_noticed_with_its_position(journal: Path) -> None:
    written = read(journal)
    del written.fills["t2"]
    wrong = referee.judge(exchange(), written, desk())
    assert "trade t2 is at the exchange and not in the journal" in wrong
    assert any("the journal's fills make NSE:INFY MIS +1, the exchange holds NSE:INFY MIS +2" in w for w in wrong)


def test_an_order_of_which_nobody_knows_what_became_is_noticed(journal: Path) -> None:
    written = read(journal)
    written.intents["ap07"] = ("intended", "", "run-1")
    told = desk()
    assert any("ap07 is intended in the journal" in word for word in referee.judge(exchange(), written, told))
    told["orders"].append({"tag": "ap07", "order_id": "", "status": "UNKNOWN"})
    assert referee.judge(exchange(), written, told) == []  # it is shown as what it is


def test_a_row_that_was_changed_or_cut_off_is_noticed(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("DROP TRIGGER fills_no_update")
        database.execute("UPDATE fills SET quantity = 5 WHERE trade_id = 't1'")
    assert any("the chain breaks at" in word for word in read(journal).faults)


def test_a_torn_journal_is_noticed(journal: Path) -> None:
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) // 2])
    assert read(journal).faults


def test_a_recording_may_lack_its_torn_end_and_nothing_before(tmp_path: Path) -> None:
    begin = int((datetime.combine(date(2026, 11, 23), datetime.min.time(), UTC) + timedelta(hours=5)).timestamp() * 1e9)
    day = DayFile(tmp_path, lambda _token: "NSE:INFY")
    day.size_on(date(2026, 11, 23))
    for block in range(4):
        day.append([(begin + (block * 50 + n) * 1_000_000, b"\0\1\0\x08\0\0\0\1\0\0\0\5") for n in range(50)])
    day.close()
    path = next(tmp_path.glob("*.ticks"))
    whole = path.read_bytes()
    assert referee.recordings_in(tmp_path) == (200, [])
    path.write_bytes(whole[:-20])
    frames, wrong = referee.recordings_in(tmp_path)
    assert (frames, wrong) == (150, [])
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(60) + whole[middle + 60 :])
    path.with_suffix(".index").unlink(missing_ok=True)
    assert any("not at its end" in word for word in referee.recordings_in(tmp_path)[1])


class Life:
    """A life of the program that has shown these words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read_since(self, at_s: float) -> list[Saw]:
        return [Saw(at_s + 1.0, "log", word) for word in self.words]


def test_a_fault_that_nothing_on_the_screen_names_is_a_failure() -> None:
    director = Director.__new__(Director)
    director.lives = [Life("Caught up with Kite.", "the disk is full")]  # type: ignore[list-item]
    named, unnamed = Result("disk full", 0.0), Result("link down", 1.0)
    director._named(named, "disk is full", 5.0)
    director._named(unnamed, "feed waiting", 5.0)
    assert named.ok and named.words == "[log] the disk is full" and named.named_after_s == 1.0
    assert not unnamed.ok and "FAILED" in table([unnamed]) and "nothing on the screen names it" in table([unnamed])
