"""The journal gives back exactly what it was given, keeps it through a kill, and shows where it was tampered with."""

from __future__ import annotations

import asyncio
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

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, Journal, RunRow
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
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
    assert columns == {field.name for field in fields(thing)} | {"seq", "at"} | elsewhere


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


async def write_some(path: Path) -> None:
    async with a_journal(path) as journal:
        for number in range(5):
            await journal.intend(replace(REQUEST, tag=f"t{number}"), AT)
            await journal.settle(f"t{number}", "sent", AT, order_id=str(number))


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
    ],
)
def test_the_first_tampered_row_is_named(path: Path, arun: Callable[..., Any], sql: str, seq: int, why: str) -> None:
    arun(write_some(path))
    with closing(sqlite3.connect(path)) as vandal, vandal:
        for (trigger,) in vandal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            vandal.execute(f"DROP TRIGGER {trigger}")
        vandal.execute(sql)

    async def story() -> Any:
        async with a_journal(path) as journal:
            return await journal.verify()

    bad = arun(story())
    assert (bad.seq, why in bad.why) == (seq, True), bad


def test_the_venues_share_nothing(tmp_path: Path, arun: Callable[..., Any]) -> None:
    async def story() -> dict[str, list[str]]:
        told = {}
        for mode in ("practice", "paper", "live"):
            async with a_journal(tmp_path / f"{mode}.sqlite") as journal:
                await journal.intend(replace(REQUEST, reason=mode), AT)
                told[mode] = [row.request.reason for row in await journal.intents(LONG_AGO)]
        return told

    assert arun(story()) == {mode: [mode] for mode in ("practice", "paper", "live")}
