"""The journal gives back exactly what it was given, keeps it through a kill, and shows where it was tampered with."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import BadData, Fatal, Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, Journal, RunRow
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.proof import Proof, prove_file
from alphapanda_desktop.store.schema import JOURNAL

AT = datetime(2026, 11, 23, 4, 0, 0, 123_456, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
REQUEST = OrderRequest(
    exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10, product="MIS", order_type="LIMIT",
    price=1500.05, tag="ap1", strategy="run-1", reason="crossed",
)  # fmt: skip
ORDER = Order(
    order_id="261123000000001", status="OPEN", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
    quantity=10, product="MIS", order_type="LIMIT", price=1500.05, tag="ap1", tags=("ap1",), order_timestamp=AT,
)  # fmt: skip
FILL = Fill(
    trade_id="1", order_id="261123000000001", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
    quantity=10, average_price=1500.05, product="MIS", fill_timestamp=AT,
)  # fmt: skip


@asynccontextmanager
async def a_journal(path: Path) -> AsyncIterator[SqlJournal]:
    database = Database(path)
    await database.open()
    try:
        yield SqlJournal(database)
    finally:
        await database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "practice.sqlite"


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_it_is_the_journal_of_the_ports(path: Path) -> None:
    journal: Journal = SqlJournal(Database(path))  # the type checker is the judge
    assert journal is not None


# --- exactness -------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
prices = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
maybe_moments = st.none() | moments
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | prices | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
request_values = st.builds(
    OrderRequest, exchange=words, tradingsymbol=words, quantity=counts, tag=words, instrument_token=counts,
    price=st.none() | prices, trigger_price=st.none() | prices, market_protection=st.none() | prices,
    validity_ttl=st.none() | counts, disclosed_quantity=counts, iceberg_legs=st.none() | counts,
    iceberg_quantity=st.none() | counts, strategy=words, reason=words,
)  # fmt: skip
order_values = st.builds(
    Order, order_id=words, status=words, exchange=words, tradingsymbol=words, quantity=counts, product=words,
    order_type=words, variety=words, validity=words, instrument_token=counts, price=prices, trigger_price=prices,
    average_price=prices, filled_quantity=counts, pending_quantity=counts, cancelled_quantity=counts,
    disclosed_quantity=counts, market_protection=prices, exchange_order_id=st.none() | words,
    parent_order_id=st.none() | words, status_message=st.none() | words, status_message_raw=st.none() | words,
    order_timestamp=maybe_moments, exchange_timestamp=maybe_moments, exchange_update_timestamp=maybe_moments,
    modified=st.booleans(), placed_by=words, tag=st.none() | words, tags=st.lists(words, max_size=3).map(tuple),
    meta=st.dictionaries(words, json_values, max_size=3), guid=words,
)  # fmt: skip
fill_values = st.builds(
    Fill, trade_id=words, order_id=words, exchange=words, tradingsymbol=words, quantity=counts,
    average_price=st.floats(-1e12, 1e12), product=words, instrument_token=counts, exchange_order_id=words,
    fill_timestamp=maybe_moments,
)  # fmt: skip
few = settings(max_examples=60)
Drive = Callable[[Callable[[SqlJournal], Any]], Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drive]:
    """One journal for many examples: each is looked up among all that came before."""
    database = Database(tmp_path_factory.mktemp("journal") / "practice.sqlite")
    with asyncio.Runner() as runner:
        runner.run(database.open())
        yield lambda story: runner.run(story(SqlJournal(database)))
        runner.run(database.close())


@few
@given(request_=request_values)
def test_an_intent_comes_back_as_it_was(shared: Drive, request_: OrderRequest) -> None:
    async def story(journal: SqlJournal) -> None:
        known = {row.request.tag for row in await journal.intents(LONG_AGO)}
        fresh = replace(request_, tag=f"{len(known)} {request_.tag}")
        await journal.intend(fresh, AT)
        assert (await journal.intents(LONG_AGO))[-1] == IntentRow(fresh, "intended", "", AT)

    shared(story)


@few
@given(order=order_values)
def test_an_order_comes_back_as_it_was(shared: Drive, order: Order) -> None:
    async def story(journal: SqlJournal) -> None:
        await journal.order_seen(order, AT)
        same = [o for o in await journal.orders(LONG_AGO) if (o.order_id, o.order_id or o.tag) == _name(order)]
        assert same == [order]

    shared(story)


def _name(order: Order) -> tuple[str, str | None]:
    return order.order_id, order.order_id or order.tag


@few
@given(fill=fill_values, strategy=words)
def test_a_fill_comes_back_as_it_was(shared: Drive, fill: Fill, strategy: str) -> None:
    async def story(journal: SqlJournal) -> None:
        known = {seen.id for seen, _ in await journal.fills(LONG_AGO)}
        assert await journal.fill_seen(fill, AT, strategy) is (fill.id not in known)
        if fill.id not in known:
            assert (await journal.fills(LONG_AGO))[-1] == (fill, strategy)

    shared(story)


def test_all_examples_together_are_still_what_was_written(shared: Drive) -> None:
    assert shared(lambda journal: journal.verify()) is None


@pytest.mark.parametrize(
    ("thing", "table", "elsewhere"),
    [(REQUEST, "intents", set()), (ORDER, "orders", set()), (FILL, "fills", {"strategy", "price_e4"})],
)
def test_every_field_has_a_column_and_every_column_a_field(thing: Any, table: str, elsewhere: set[str]) -> None:
    columns = {column.name.removesuffix("_ns") for column in JOURNAL[table].columns}
    kept = {field.name for field in fields(thing)} - {"closes"}  # of no use to who reads it back
    assert columns == kept | {"seq", "at"} | elsewhere


def test_numpy_numbers_are_kept_as_numbers(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[IntentRow]:
        async with a_journal(path) as journal:
            numpys = replace(REQUEST, quantity=np.int64(75), price=np.float64(101.5))  # type: ignore[arg-type]
            await journal.intend(numpys, AT)
            await journal.note(Event("risk", AT, {"quantity": np.int64(75), "price": np.float32(1.5)}))
            assert (await journal.events(LONG_AGO))[0].detail == {"quantity": 75, "price": 1.5}
            return await journal.intents(LONG_AGO)

    (row,) = arun(story())
    assert (row.request.quantity, row.request.price) == (75, 101.5)
    assert type(row.request.quantity) is int


@pytest.mark.parametrize(
    "bad", [{"price": float("nan")}, {"price": float("inf")}, {"quantity": 7.5}, {"quantity": 2**63}]
)
def test_a_value_that_is_no_quantity_or_price_is_refused_by_name(
    path: Path, arun: Callable[..., Any], bad: dict[str, Any]
) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            with pytest.raises(BadData, match=f"intents.{next(iter(bad))}"):
                await journal.intend(replace(REQUEST, **bad), AT)
            assert await journal.intents(LONG_AGO) == []
            assert await journal.verify() is None

    arun(story())


def test_text_that_is_no_unicode_does_not_lose_an_order(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[Order]:
        async with a_journal(path) as journal:
            await journal.order_seen(replace(ORDER, status_message="bad \ud800 byte", meta={"a": "\udfff"}), AT)
            return await journal.orders(LONG_AGO)

    (order,) = arun(story())
    assert (order.status_message, order.meta) == ("bad ? byte", {"a": "?"})


def test_a_naive_time_is_refused(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            with pytest.raises(TypeError):
                await journal.intend(REQUEST, AT.replace(tzinfo=None))

    arun(story())


def test_booked_money_is_a_whole_number(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.fill_seen(replace(FILL, average_price=84.1225), AT)

    arun(story())
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT price_e4, typeof(price_e4) FROM fills").fetchall() == [(841_225, "integer")]


# --- meaning ---------------------------------------------------------------------------------------------------------


def test_an_intent_has_its_latest_state_and_keeps_its_order_id(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[IntentRow]:
        async with a_journal(path) as journal:
            for tag in ("a", "b", "c"):
                await journal.intend(replace(REQUEST, tag=tag), AT)
            await journal.settle("a", "unknown", later(1), detail="no answer in 7 s")
            await journal.settle("a", "sent", later(2), order_id="77")
            await journal.settle("a", "rejected", later(3), detail="margin")
            await journal.settle("b", "unknown", later(1), detail="no answer in 7 s")
            return await journal.intents(AT)

    told = [(row.request.tag, row.state, row.order_id, row.detail, row.at) for row in arun(story())]
    assert told == [
        ("a", "rejected", "77", "margin", AT),
        ("b", "unknown", "", "no answer in 7 s", AT),
        ("c", "intended", "", "", AT),
    ]


def test_a_tag_is_intended_once(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> int:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT)
            with pytest.raises(Refused, match="'ap1'"):
                await journal.intend(replace(REQUEST, quantity=20), later(1))
            return len(await journal.intents(LONG_AGO))

    assert arun(story()) == 1


def test_what_was_never_begun_cannot_end(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            for ending in (
                journal.settle("nobody", "sent", AT),
                journal.session_ended(7, AT, "logged out"),
                journal.run_ended("no run", AT, "stopped"),
            ):
                with pytest.raises(BadData):
                    await ending
            assert await journal.verify() is None

    arun(story())


def test_an_order_is_its_latest_picture_in_the_place_of_its_first(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[Order]:
        async with a_journal(path) as journal:
            await journal.order_seen(replace(ORDER, order_id="", status="INTENDED", tag="x"), AT)
            await journal.order_seen(replace(ORDER, order_id="", status="UNKNOWN", tag="y"), AT)
            await journal.order_seen(ORDER, later(1))
            await journal.order_seen(replace(ORDER, order_id="2"), later(2))
            await journal.order_seen(replace(ORDER, status="COMPLETE", filled_quantity=10), later(3))
            return await journal.orders(AT)

    told = [(order.order_id, order.tag, order.status) for order in arun(story())]
    assert told == [
        ("", "x", "INTENDED"),
        ("", "y", "UNKNOWN"),
        (ORDER.order_id, "ap1", "COMPLETE"),
        ("2", "ap1", "OPEN"),
    ]


def test_a_fill_is_known_once_though_another_exchange_may_use_its_number(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[bool]:
        async with a_journal(path) as journal:
            return [
                await journal.fill_seen(FILL, AT, "run-1"),
                await journal.fill_seen(FILL, later(1), "run-1"),
                await journal.fill_seen(replace(FILL, exchange="BSE"), later(2)),
            ]

    assert arun(story()) == [True, False, True]


def test_since_leaves_out_what_was_before(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[int]:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT)
            await journal.order_seen(ORDER, AT)
            await journal.fill_seen(FILL, AT)
            await journal.note(Event("halt", AT, {}))
            await journal.run_began(RunRow("run-1", "momentum", (), {}, AT))
            reads = (journal.intents, journal.orders, journal.fills, journal.events, journal.runs)
            return [len(await read(since)) for read in reads for since in (AT, later(0.000_001))]

    assert arun(story()) == [1, 0] * 5


def test_sessions_come_newest_first_with_the_first_of_their_ends(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            first = await journal.session_began("AB1234", AT, later(3600))
            second = await journal.session_began("AB1234", later(10), later(3600))
            await journal.session_ended(first, later(5), "logged out")
            await journal.session_ended(first, later(6), "06:00 IST")
            new, old = await journal.sessions()
            assert (new.id, new.ended_at, new.ended_how) == (second, None, "")
            assert (old.id, old.ended_at, old.ended_how) == (first, later(5), "logged out")
            assert (old.user_id, old.login_time, old.expires_at) == ("AB1234", AT, later(3600))
            assert len(await journal.sessions(limit=1)) == 1

    arun(story())


def test_a_run_comes_back_with_its_parameters_and_its_end(path: Path, arun: Callable[..., Any]) -> None:
    run = RunRow("run-1", "momentum", ("NSE:INFY", "NFO:NIFTY26NOVFUT"), {"fast": 5, "on": True, "x": [1.5]}, AT)

    async def story() -> list[RunRow]:
        async with a_journal(path) as journal:
            await journal.run_began(run)
            await journal.run_began(replace(run, run_id="run-2"))
            await journal.run_ended("run-1", later(9), "stopped by hand")
            return await journal.runs(AT)

    assert arun(story()) == [replace(run, stopped_at=later(9), how="stopped by hand"), replace(run, run_id="run-2")]


def test_events_are_found_by_kind(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[Event]:
        async with a_journal(path) as journal:
            await journal.note(Event("halt", AT, {"why": "kill switch"}))
            await journal.note(Event("refusal", later(1), {"rule": "quantity", "asked": 500, "at": AT}))
            assert len(await journal.events(LONG_AGO)) == 2
            return await journal.events(LONG_AGO, "refusal")

    (event,) = arun(story())
    assert event.detail == {"rule": "quantity", "asked": 500, "at": AT.isoformat()}


def test_an_intent_is_kept_with_its_cause_in_the_chain(path: Path, arun: Callable[..., Any]) -> None:
    rules = (RuleResult("order quantity", True, "10", "5,000"), RuleResult("lot", False, "7", "5", "not a lot"))
    cause = Cause(tick={"last_price": 1500.05, "bid": 1500.0}, values={"fast": 1.5}, reason="crossed", rules=rules)

    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT, cause)
            await journal.intend(replace(REQUEST, tag="ap2"), AT)
            assert await journal.cause("ap1") == cause
            assert await journal.cause("ap2") is None and await journal.cause("nobody") is None
            assert await journal.verify() is None

    arun(story())
    with closing(sqlite3.connect(path)) as reader:
        kinds = [kind for (kind,) in reader.execute("SELECT kind FROM chain ORDER BY seq")]
    assert kinds == ["intents", "causes", "intents"]


def test_a_tag_that_is_used_keeps_its_first_cause(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT, Cause(reason="first"))
            with pytest.raises(Refused, match="'ap1'"):
                await journal.intend(REQUEST, AT, Cause(reason="second"))
            found = await journal.cause("ap1")
            assert found is not None and found.reason == "first"
            assert await journal.verify() is None

    arun(story())


def test_the_whole_life_of_one_order_is_found_by_its_tag_and_by_its_number(
    path: Path, arun: Callable[..., Any]
) -> None:
    other = replace(ORDER, order_id="99", tag="ap2")
    life = [
        (later(1), replace(ORDER, order_id="", status="UNKNOWN")),
        (later(2), ORDER),
        (later(3), replace(ORDER, tag=None, status="COMPLETE", filled_quantity=10)),
    ]

    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT)
            await journal.intend(replace(REQUEST, tag="ap2"), AT)
            await journal.settle("ap1", "unknown", later(1), detail="no answer")
            await journal.settle("ap1", "sent", later(2), order_id=ORDER.order_id)
            for at, order in [life[0], (later(2), other), *life[1:]]:
                await journal.order_seen(order, at)
            await journal.fill_seen(FILL, later(3), "run-1")
            await journal.fill_seen(replace(FILL, order_id="99"), later(3))
            for name in ("ap1", ORDER.order_id):
                assert await journal.history(name) == life
                intent = await journal.intent_of(name)
                assert intent is not None and (intent.request.tag, intent.state) == ("ap1", "sent")
            told = [
                (state.state, state.at, state.order_id, state.detail) for state in await journal.intent_states("ap1")
            ]
            assert told == [("unknown", later(1), "", "no answer"), ("sent", later(2), ORDER.order_id, "")]
            assert await journal.fills_of(ORDER.order_id) == [FILL]
            assert await journal.fills_in("NSE", "INFY", "MIS", "run-1") == [FILL]
            assert await journal.fills_in("NSE", "INFY", "CNC", "run-1") == []
            assert await journal.history("nobody") == [] and await journal.intent_of("") is None

    arun(story())


def test_an_order_from_elsewhere_has_a_history_and_no_intent(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.order_seen(replace(ORDER, tag=None), AT)
            await journal.order_seen(replace(ORDER, order_id="", tag="x", status="INTENDED"), AT)
            assert [order.status for _, order in await journal.history(ORDER.order_id)] == ["OPEN"]
            assert await journal.intent_of(ORDER.order_id) is None

    arun(story())


def test_events_about_an_order_are_found_by_a_whole_value_in_their_detail(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> list[str]:
        async with a_journal(path) as journal:
            await journal.note(Event("refused", AT, {"tag": "ap1", "rule": "quantity"}))
            await journal.note(Event("refused", AT, {"tag": "ap11"}))
            await journal.note(Event("modify", later(1), {"order_id": "77", "asked": {"tag": "ap1"}}))
            return [event.kind for event in await journal.events_about("ap1", AT)]

    assert arun(story()) == ["refused", "modify"]


# --- safety ----------------------------------------------------------------------------------------------------------

KILLED = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    await SqlJournal(database).intend(OrderRequest(exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
        quantity=10, product="MIS", order_type="MARKET", tag="last words"), datetime.now(UTC))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_an_intent_outlives_a_kill_right_after_it(path: Path, arun: Callable[..., Any]) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr

    async def story() -> list[str]:
        async with a_journal(path) as journal:
            assert await journal.verify() is None
            return [row.request.tag for row in await journal.intents(LONG_AGO)]

    assert arun(story()) == ["last words"]


@pytest.fixture(scope="module")
def some_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed journal of ten rows, to be copied."""

    async def write(path: Path) -> None:
        async with a_journal(path) as journal:
            for number in range(5):
                await journal.intend(replace(REQUEST, tag=f"t{number}"), AT)
                await journal.settle(f"t{number}", "sent", AT, order_id=str(number))

    path = tmp_path_factory.mktemp("some") / "rows.sqlite"
    asyncio.run(write(path))
    return path


@pytest.mark.parametrize(
    "sql", ["UPDATE intents SET quantity = 1", "DELETE FROM fills", "UPDATE chain SET hash = ''", "DELETE FROM orders"]
)
def test_nobody_changes_a_row_by_accident(path: Path, arun: Callable[..., Any], sql: str) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT)
            await journal.order_seen(ORDER, AT)
            await journal.fill_seen(FILL, AT)

    arun(story())
    with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(sql)


@pytest.mark.parametrize(
    ("sql", "seq", "why"),
    [
        ("UPDATE intents SET quantity = 11 WHERE tag = 't2'", 5, "changed"),
        ("UPDATE intents SET at_ns = at_ns + 1 WHERE tag = 't0'", 1, "changed"),
        ("UPDATE intents SET trigger_price = 1 WHERE tag = 't0'", 1, "changed"),
        ("DELETE FROM intent_states WHERE order_id = '1'", 4, "content is missing"),
        ("DELETE FROM chain WHERE seq = 3", 4, "row 3 is missing"),
        ("UPDATE chain SET hash = 'x' WHERE seq = 3", 3, "changed"),
        ("UPDATE chain SET prev_hash = 'x' WHERE seq = 3", 3, "does not follow"),
        ("INSERT INTO events VALUES (99, 0, 'halt', '{}')", 99, "never numbered"),
        ("INSERT INTO events VALUES (4, 0, 'halt', '{}')", 4, "never numbered"),
        ("DELETE FROM chain WHERE seq > 8", 9, "never numbered"),
        (
            "DELETE FROM chain WHERE seq > 8; DELETE FROM intents WHERE seq > 8; "
            "DELETE FROM intent_states WHERE seq > 8",
            9,
            "rows 9 to 10 were cut off",
        ),
        ("DELETE FROM intent_states WHERE seq > 8", 10, "content is missing"),
        ("DELETE FROM chain WHERE seq = 3; DELETE FROM intents WHERE seq = 3", 4, "row 3 is missing"),
        (
            "UPDATE intents SET seq = -1 WHERE seq = 3; UPDATE intents SET seq = 3 WHERE seq = 5; "
            "UPDATE intents SET seq = 5 WHERE seq = -1",
            3,
            "changed",
        ),
        (
            "UPDATE chain SET seq = -1 WHERE seq = 3; UPDATE chain SET seq = 3 WHERE seq = 5; "
            "UPDATE chain SET seq = 5 WHERE seq = -1",
            3,
            "does not follow",
        ),
        ("DROP TABLE intent_states", 2, "content is missing"),
        ("UPDATE chain SET kind = 'nobody' WHERE seq = 4", 4, "never numbered"),
        ("UPDATE intents SET reason = x'00ff' WHERE seq = 5", 5, "changed"),
        ("UPDATE intents SET quantity = 'ten' WHERE seq = 5", 5, "changed"),
        ("DELETE FROM head", 11, "record of the last row is missing"),
        ("DROP TABLE head", 11, "record of the last row is missing"),
        ("UPDATE head SET hash = 'x'", 10, "record of the last row was changed"),
        ("UPDATE head SET seq = 4", 5, "added behind the record"),
        ("DELETE FROM intents; DELETE FROM intent_states; DELETE FROM chain", 1, "rows 1 to 10 were cut off"),
    ],
)
def test_the_first_tampered_row_is_named(tmp_path: Path, some_rows: Path, sql: str, seq: int, why: str) -> None:
    path = tmp_path / "vandalised.sqlite"
    shutil.copy(some_rows, path)
    with closing(sqlite3.connect(path)) as vandal, vandal:
        for (trigger,) in vandal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            vandal.execute(f"DROP TRIGGER {trigger}")
        vandal.executescript(sql)
    bad = prove_file(path).bad
    assert bad is not None
    assert (bad.seq, why in bad.why) == (seq, True), bad


def test_a_whole_journal_is_proven_with_its_last_hash(some_rows: Path, arun: Callable[..., Any]) -> None:
    proof = prove_file(some_rows)
    with closing(sqlite3.connect(some_rows)) as reader:
        (last,) = reader.execute("SELECT hash FROM chain WHERE seq = 10").fetchone()
    assert proof == Proof(10, last)

    async def story() -> None:
        async with a_journal(some_rows) as journal:
            assert await journal.verify() is None

    arun(story())


@pytest.mark.parametrize("pages", [1, 3, 12, 25])
def test_a_file_that_was_cut_short_is_not_whole(tmp_path: Path, some_rows: Path, pages: int) -> None:
    path = tmp_path / "cut.sqlite"
    shutil.copy(some_rows, path)
    os.truncate(path, some_rows.stat().st_size - 4096 * pages)
    try:
        bad = prove_file(path).bad
    except Fatal as error:  # too little of it is left to know what it was
        assert "cut.sqlite" in str(error) and pages > 3
    else:
        assert bad is not None and ("cut short" in bad.why or "cannot be read" in bad.why)


def test_a_journal_is_proven_while_it_is_written(path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> None:
        async with a_journal(path) as journal:
            await journal.intend(REQUEST, AT)
            assert prove_file(path).rows == 1
            await journal.settle("ap1", "sent", AT, order_id="1")
            assert prove_file(path).rows == 2

    arun(story())


def test_what_is_no_journal_is_refused_by_name(tmp_path: Path) -> None:
    text, other = tmp_path / "text.sqlite", tmp_path / "other.sqlite"
    text.write_text("no database at all, but long enough to look like something" * 20, encoding="utf-8")
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    for file, words in ((text, "cannot be read"), (other, "no journal"), (tmp_path / "none", "There is no journal")):
        with pytest.raises(Fatal, match=words) as caught:
            prove_file(file)
        assert str(file) in str(caught.value)


def test_the_venues_share_nothing(tmp_path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> dict[str, list[str]]:
        told = {}
        for mode in ("practice", "paper", "live"):
            async with a_journal(tmp_path / f"{mode}.sqlite") as journal:
                await journal.intend(replace(REQUEST, reason=mode), AT)
                told[mode] = [row.request.reason for row in await journal.intents(LONG_AGO)]
        return told

    assert arun(story()) == {mode: [mode] for mode in ("practice", "paper", "live")}
