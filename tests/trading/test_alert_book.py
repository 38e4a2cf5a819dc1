"""The book of alerts on a real market and desk: what fires, once, and what a restart knows of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.alerts import AlertFact, Firing, Kind, Rule
from alphapanda_desktop.domain.errors import Fatal, Refused
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Interval, Mode, Ohlc, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.alerts import MOST, AlertBook
from tests.fakes import an_instrument, bars_of
from tests.trading.desk_fakes import INFY, TCS, Stage, a_desk

Arun = Callable[..., Any]
Eventually = Callable[..., Any]
GOLD = an_instrument("GOLD26DECFUT", token=7 + (50 << 8), exchange="MCX")
ABOVE = Rule(kind=Kind.PRICE, key=INFY.key, direction="above", level=110.0)


class Facts:
    """A journal of alerts in memory; `fails` is raised by writes while it is set."""

    def __init__(self) -> None:
        self.rows: list[AlertFact] = []
        self.fails: Exception | None = None

    async def alert_fact(self, fact: AlertFact) -> None:
        if self.fails is not None:
            raise self.fails
        self.rows.append(fact)

    async def alert_facts(self) -> list[AlertFact]:
        return list(self.rows)


class Gate:
    left_s: float | None = 3600.0

    def seconds_left(self) -> float | None:
        return self.left_s


class Watch:
    """A book, and all that it told."""

    def __init__(self, stage: Stage, journal: Any, gate: Gate, *, hours: bool = False) -> None:
        self.stage = stage
        self.book = AlertBook(journal, stage.market, stage.desk, gate, stage.clock, stage.scope, hours=hours)
        self.told: list[Firing] = []
        self.notices: list[str] = []
        self.book.fired.connect(self.told.append)
        self.book.noticed.connect(self.notices.append)

    @property
    def texts(self) -> list[str]:
        return [firing.text for firing in self.told]


@asynccontextmanager
async def a_book(journal: Any = None, gate: Gate | None = None, **more: Any) -> AsyncIterator[Watch]:
    async with a_desk() as stage:
        watch = Watch(stage, journal or Facts(), gate or Gate(), **more)
        await watch.book.open()
        yield watch
        watch.book.close()


def test_a_price_that_reaches_its_line_is_told_once_and_again_only_when_armed_anew(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            book, stage = watch.book, watch.stage
            alert = await book.add(ABOVE)
            for price in (105.0, 110.0, 120.0, 100.0, 115.0):
                stage.tick(price)
            assert watch.texts == ["NSE:INFY is at 110.00 (NSE:INFY rises to 110.00)"]
            assert not book.alerts[0].armed
            await book.rearm(alert.id)
            stage.tick(116.0)  # still beyond the line: it has crossed nothing since
            assert len(watch.told) == 1
            stage.tick(109.0)
            stage.tick(111.0)
            assert len(watch.told) == 2

    arun(story())


def test_what_is_so_already_and_what_cannot_be_is_refused_in_words(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            for rule, said in (
                (
                    Rule(kind=Kind.PRICE, key=INFY.key, direction="above", level=90.0),
                    "so already: NSE:INFY is at 100.00",
                ),
                (Rule(kind=Kind.PRICE, key="NSE:GONE", level=90.0), "not in today's list"),
                (Rule(kind=Kind.PRICE, key=INFY.key, level=-1.0), "more than 0"),
                (Rule(kind=Kind.SESSION, event="NSE", level=5.0), "practice exchange never closes"),
                (Rule(kind=Kind.SESSION, event="login", level=90.0), "60 min are left"),
            ):
                with pytest.raises(Refused, match=said):
                    await watch.book.add(rule)
            assert watch.book.alerts == []

    arun(story())


def test_a_book_that_is_full_says_the_limit(arun: Arun) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            at = watch.stage.clock.now()
        journal.rows = [AlertFact(str(n), "set", at, {"rule": ABOVE.as_json(), "side": -1}) for n in range(MOST)]
        async with a_book(journal) as watch:
            with pytest.raises(Refused, match=f"{MOST} are allowed"):
                await watch.book.add(ABOVE)

    arun(story())


def test_an_alert_that_was_not_written_is_not_set(arun: Arun) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            journal.fails = Fatal("the disk is full")
            with pytest.raises(Fatal):
                await watch.book.add(ABOVE)
            watch.stage.tick(120.0)
            assert (watch.book.alerts, watch.told) == ([], [])

    arun(story())


def test_what_fires_is_told_though_the_disk_is_full_and_that_is_said(arun: Arun, eventually: Eventually) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            await watch.book.add(ABOVE)
            journal.fails = Fatal("the disk is full")
            watch.stage.tick(120.0)
            assert len(watch.told) == 1
            await eventually(lambda: watch.notices)
            assert "could not be journaled" in watch.notices[0]

    arun(story())


def test_a_restart_knows_what_fired_what_is_armed_and_what_was_seen(
    arun: Arun, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        database = Database(tmp_path / "practice.sqlite")
        await database.open()
        journal = SqlJournal(database)
        async with a_book(journal) as watch:
            fired = await watch.book.add(ABOVE)
            kept = await watch.book.add(Rule(kind=Kind.PRICE, key=TCS.key, direction="above", level=500.0, note="why"))
            watch.stage.tick(400.0, TCS)
            watch.stage.tick(120.0)
            await watch.book.acknowledge(watch.told[0].id)
        async with a_book(journal) as watch:
            assert [(a.id, a.armed) for a in watch.book.alerts] == [(fired.id, False), (kept.id, True)]
            assert watch.book.firings[0].seen_at is not None
            watch.stage.tick(130.0)
            watch.stage.tick(510.0, TCS)  # crossed while the program was closed: the first look finds it
            assert watch.texts == ["NSE:TCS is at 510.00 (NSE:TCS rises to 500.00) — why"]
            another = await watch.book.add(ABOVE_MORE)
            assert another.id not in {fired.id, kept.id}
        assert await journal.verify() is None
        await database.close()

    arun(story())


ABOVE_MORE = Rule(kind=Kind.PRICE, key=INFY.key, direction="above", level=900.0)


def test_a_rule_that_repeats_rests_between(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            await watch.book.add(Rule(kind=Kind.PRICE, key=INFY.key, level=110.0, repeat=True))
            for price in (111.0, 109.0, 111.0, 109.0):
                watch.stage.tick(price)
            assert len(watch.told) == 1
            watch.stage.tick(111.0, after_s=61)
            assert len(watch.told) == 2
            assert watch.book.alerts[0].armed

    arun(story())


@pytest.mark.parametrize(("direction", "closes", "fires"), [
    ("either", (100.0, 101.9, 97.9), [97.9]),
    ("above", (97.0, 101.9, 102.0), [102.0]),
    ("below", (103.0, 97.9), [97.9]),
])  # fmt: skip
def test_a_move_is_counted_from_the_previous_close(
    arun: Arun, direction: Any, closes: tuple[float, ...], fires: list[float]
) -> None:
    async def story() -> None:
        async with a_book() as watch:
            await watch.book.add(Rule(kind=Kind.MOVE, key=INFY.key, direction=direction, level=2.0))
            for n, price in enumerate(closes):
                before = len(watch.told)
                day = Ohlc(price, price, price, 100.0)
                at_s = watch.stage.at_s + n
                watch.stage.sink.ticks([Tick(INFY.instrument_token, Mode.FULL, price, exchange_epoch_s=at_s, ohlc=day)])
                assert (len(watch.told) > before) is (price in fires)

    arun(story())


def test_an_indicator_is_looked_at_as_a_bar_closes_never_before(arun: Arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_book() as watch:
            stage = watch.stage
            minute = stage.at_s // 60 * 60
            stage.history.rows[INFY.instrument_token, Interval.MINUTE] = bars_of([100.0] * 60, minute - 3600)
            rule = Rule(kind=Kind.INDICATOR, key=INFY.key, indicator="sma", period=2, interval="minute",
                        direction="above", level=104.0)  # fmt: skip
            await watch.book.add(rule)
            series = stage.market.live_series(INFY, Interval.MINUTE)
            await eventually(lambda: series.closed_count >= 60)
            stage.tick(100.0)
            stage.tick(300.0)  # the bar still forms
            assert watch.told == []
            stage.tick(110.0, after_s=60)
            assert watch.texts == ["NSE:INFY SMA is 200.00 (NSE:INFY SMA(2, 1m) rises to 104.00)"]

    arun(story())


def test_net_results_sessions_and_silence_are_looked_at_by_the_clock(arun: Arun) -> None:
    async def story() -> None:
        gate = Gate()
        async with a_book(gate=gate) as watch:
            book, stage = watch.book, watch.stage
            await book.add(Rule(kind=Kind.SESSION, event="login", level=30.0))
            stage.market.watch("test", [INFY], Mode.QUOTE)
            await book.add(Rule(kind=Kind.FEED, level=15.0))
            await book.add(Rule(kind=Kind.PNL, direction="below", level=-50.0))
            book.look()
            assert watch.told == []
            gate.left_s = 1795.0
            book.look()
            stage.clock.advance(20.0)
            book.look()
            book.look()
            assert watch.texts == [
                "30 min are left (30 min before the Kite session ends)",
                "The feed has been silent for 20 s (the feed has no tick for 15 s)",
            ]
            await stage.desk.submit(stage.request("BUY", 10))
            await stage.desk.reconcile("test")
            stage.tick(90.0)
            book.look()
            assert watch.texts[2].startswith("Net P&L is ₹ -")

    arun(story())


def test_a_feed_that_need_not_speak_is_not_silent(arun: Arun) -> None:
    async def story() -> None:
        async with a_book(hours=True) as watch:
            await watch.book.add(Rule(kind=Kind.FEED, level=15.0))
            watch.stage.clock.at += timedelta(hours=14)  # two in the morning
            watch.stage.clock.advance(3600.0)
            watch.book.look()
            watch.book.look()
            assert watch.told == []

    arun(story())


def test_a_rejected_order_is_told_once_with_its_reason_and_not_again_after_a_restart(arun: Arun) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            stage = watch.stage
            await watch.book.add(Rule(kind=Kind.ORDER, event="filled", repeat=True))
            order = await stage.desk.submit(stage.request("BUY", 10))
            await stage.desk.reconcile("test")
            await stage.desk.reconcile("again")
            assert len(watch.told) == 1
            assert watch.texts[0].startswith("BUY 10 NSE:INFY at 100.00 (by hand) is filled")
            [filled] = [o for o in stage.desk.orders() if o.tag == order.tag]
            again = Watch(stage, journal, Gate())
            await again.book.open()
            stage.desk.order_changed.emit(filled)
            assert again.told == []
            again.book.close()

    arun(story())


def test_removing_an_alert_ends_its_subscription_and_leaves_its_history(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            alert = await watch.book.add(Rule(kind=Kind.PRICE, key=TCS.key, direction="above", level=500.0))
            assert TCS.instrument_token in watch.stage.feed.wanted
            watch.stage.tick(501.0, TCS)
            await watch.book.remove(alert.id)
            assert TCS.instrument_token not in watch.stage.feed.wanted
            assert (watch.book.alerts, len(watch.book.firings), watch.book.unseen) == ([], 1, 1)
            await watch.book.acknowledge_all()
            assert watch.book.unseen == 0

    arun(story())


def test_a_price_of_before_the_link_fires_nothing(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            stage = watch.stage
            await watch.book.add(ABOVE)
            stage.sink.link(LinkReport(LinkState.WAITING))
            stage.clock.advance(600.0)
            stage.sink.link(LinkReport(LinkState.UP))
            old = Tick(INFY.instrument_token, Mode.FULL, 200.0, exchange_epoch_s=stage.at_s)
            stage.sink.ticks([old])
            assert watch.told == []

    arun(story())


def test_a_line_that_was_crossed_while_the_program_was_closed_is_told_though_it_was_armed_beyond_it(
    arun: Arun, eventually: Eventually
) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            alert = await watch.book.add(ABOVE)
            watch.stage.tick(120.0)
            await watch.book.rearm(alert.id)  # beyond its line: the price has to come back first
            watch.stage.tick(105.0)  # which it does
            watch.book.look()
            await eventually(lambda: journal.rows[-1].fact == "side")
            again = Watch(watch.stage, journal, Gate())
            await again.book.open()
            watch.stage.tick(115.0)
            assert len(again.told) == 1
            again.book.close()

    arun(story())


def test_a_price_that_dances_on_its_line_writes_one_row_a_minute(arun: Arun) -> None:
    async def story() -> None:
        journal = Facts()
        async with a_book(journal) as watch:
            await watch.book.add(replace(ABOVE, repeat=True))
            for second in range(50):
                watch.stage.tick(109.0 if second % 2 else 111.0)
                watch.stage.clock.advance(1.0)
                watch.book.look()
                await asyncio.sleep(0)
            assert [row.fact for row in journal.rows].count("side") <= 1

    arun(story())


def test_two_foreign_orders_with_one_tag_are_two_pieces_of_news(arun: Arun) -> None:
    async def story() -> None:
        async with a_book() as watch:
            await watch.book.add(Rule(kind=Kind.ORDER, event="rejected", repeat=True))
            for number in ("7001", "7002", "7001"):
                order = Order(
                    order_id=number, status="REJECTED", exchange="NSE", tradingsymbol="INFY", tag="MYALGO",
                    transaction_type="BUY", quantity=10, product="MIS", order_type="LIMIT",
                )  # fmt: skip
                watch.stage.desk.order_changed.emit(order)
            assert len(watch.told) == 2

    arun(story())


@pytest.mark.parametrize(("watched", "count"), [([], 0), ([INFY], 0), ([GOLD], 1)], ids=["nothing", "closed", "open"])
def test_a_feed_is_silent_only_where_something_watched_could_tick(
    arun: Arun, watched: list[Instrument], count: int
) -> None:
    """Half past eight in the evening: shares are closed, metals trade, and the usual alerts must not cry wolf."""

    async def story() -> None:
        async with a_book(hours=True) as watch:
            stage = watch.stage
            stage.clock.at = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
            stage.market.master = InstrumentMaster([INFY, TCS, GOLD])
            stage.market.watch("test", watched, Mode.QUOTE)
            await watch.book.add(Rule(kind=Kind.FEED, level=15.0))
            for _ in range(3):
                watch.book.look()
                stage.clock.advance(20.0)
            assert len(watch.told) == count

    arun(story())


def test_an_instrument_is_not_silent_at_the_bell_for_the_night_before(arun: Arun) -> None:
    async def story() -> None:
        async with a_book(hours=True) as watch:
            stage = watch.stage
            stage.clock.at = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
            stage.market.watch("test", [INFY], Mode.QUOTE)
            stage.tick(100.0)
            await watch.book.add(Rule(kind=Kind.FEED, key=INFY.key, level=30.0))
            stage.clock.advance(18 * 3600.0 + 45 * 60 + 5)  # 09:15:05 the next day
            watch.book.look()
            assert watch.told == []
            stage.clock.advance(26.0)
            watch.book.look()
            assert watch.texts == ["NSE:INFY has been silent for 31 s (NSE:INFY has no tick for 30 s)"]

    arun(story())
