"""Live series over history: any period, sessions, marked gaps, and history that fills them without being asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Bar, BarSize, Interval, Unit
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.liveseries import MEND_EVERY_S, MEND_TRIES
from alphapanda_desktop.trading.market import CLOSE_GRACE_S, Market, MarketSink
from alphapanda_desktop.trading.scope import Scope
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, a_tick
from tests.trading.desk_fakes import INFY, TCS, yields

UP, LOST = LinkReport(LinkState.UP), LinkReport(LinkState.WAITING)
DAY = datetime(2026, 11, 25, 10, 0, tzinfo=IST)


class Stage:
    def __init__(self, scope: Scope | None = None, *, hours: bool = False) -> None:
        self.clock, self.history = FakeClock(), FakeHistory()
        self.clock.at = DAY.astimezone(UTC)
        master = InstrumentMaster([INFY, TCS])
        self.market = Market(a_session(), FakeFeed(), self.history, master, self.clock, scope, hours=hours)
        self.sink = MarketSink(self.market)
        self.sink.link(UP)

    def tick(self, price: float, at: datetime | None = None, volume: int | None = None) -> None:
        at_s = int((at or self.clock.now()).timestamp())
        self.sink.ticks([replace(a_tick(price, at_s=at_s), volume_traded=volume)])

    def minutes(self, start: datetime, *closes: float) -> list[Bar]:
        first = int(start.timestamp()) // 60 * 60
        rows = [Bar(first + 60 * n, close, close, close, close, 10) for n, close in enumerate(closes)]
        self.history.rows[INFY.instrument_token, Interval.MINUTE] = rows
        return rows


def test_a_period_that_kite_has_not_is_made_of_the_longest_candles_that_fit(arun: Any) -> None:
    async def story() -> None:
        s = Stage()
        s.minutes(DAY.replace(hour=9, minute=15), *range(1, 11))
        series = await s.market.series(INFY, BarSize(120))
        assert s.history.asked[0][1] is Interval.MINUTE
        assert (series.open[0], series.close[0], series.volume[0], len(series)) == (1, 2, 20, 5)
        assert await s.market.series(INFY, BarSize(120)) is series and len(s.history.asked) == 1

    arun(story())


@pytest.mark.parametrize("period", [BarSize(15), BarSize(50, Unit.TICKS), BarSize(900, Unit.VOLUME)])
def test_a_period_without_history_begins_with_the_first_tick(arun: Any, period: BarSize) -> None:
    async def story() -> None:
        s = Stage()
        series = await s.market.series(INFY, period)
        s.tick(99.0, volume=1_000)
        s.tick(100.0, volume=1_900)
        assert s.history.asked == [] and series.close.tolist()[-1] == 100.0
        await s.market.refill()
        assert s.history.asked == []

    arun(story())


def test_with_the_exchanges_hours_a_tick_before_the_open_makes_no_bar_and_on_practice_it_does() -> None:
    early = DAY.replace(hour=9, minute=7)
    for hours, bars in ((True, 0), (False, 1)):
        s = Stage(hours=hours)
        s.clock.at = early.astimezone(UTC)
        series = s.market.live_series(INFY, Interval.MINUTE)
        s.tick(100.0, early)
        assert len(series) == bars
        s.clock.at = DAY.astimezone(UTC)
        s.tick(101.0, DAY)
        assert series.close.tolist()[-1] == 101.0


def test_a_lost_link_marks_bars_and_the_next_one_fills_them(arun: Any) -> None:
    async def story() -> None:
        s = Stage()
        s.minutes(DAY, 1, 2)
        series = await s.market.series(INFY, Interval.MINUTE)
        s.clock.advance(130)
        s.tick(3.0)
        await s.market.refill()
        s.sink.link(LOST)
        assert series.gaps and series.gaps[-1].end_s == float("inf")
        s.clock.advance(300)
        s.minutes(DAY, 1, 2, 3, 4, 5, 6, 7)
        s.sink.link(UP)
        s.tick(8.0)
        assert series.gap_rows()
        await s.market.refill()
        assert series.gaps == () and series.close.tolist() == [1, 2, 3, 4, 5, 6, 7, 8][: len(series)]

    arun(story())


@pytest.mark.parametrize("running", [True, False])
def test_a_bar_that_history_closed_is_told_once_with_what_history_knows(arun: Any, running: bool) -> None:
    async def story() -> None:
        s, heard = Stage(), list[Bar]()
        await s.market.series(INFY, Interval.MINUTE)
        s.market.on_bar(INFY, Interval.MINUTE, lambda _instrument, _period, bar: heard.append(bar))
        s.tick(100.0)
        s.sink.link(LOST)
        s.clock.advance(70)
        rows = s.minutes(DAY.replace(hour=10, minute=0), 107.0, 108.0)
        rows[1] = rows[1]._replace(closed=False)
        del rows[1 + running :]
        s.sink.link(UP)
        await s.market.refill()
        assert [(bar.start_s, bar.close, bar.closed) for bar in heard] == [(rows[0].start_s, 107.0, True)]
        s.clock.advance(1)
        s.tick(109.0)
        s.market.advance()
        assert len(heard) == 1

    arun(story())


def test_a_bar_that_was_joined_midway_is_mended_once_it_is_over(arun: Any) -> None:
    async def story() -> None:
        failures: list[str] = []
        async with Scope("market", lambda name, _error: failures.append(name)) as scope:
            s = Stage(scope)
            series = await s.market.series(INFY, Interval.MINUTE)
            s.clock.advance(20)
            s.tick(100.0)
            assert series.gaps
            s.market.advance()
            await yields()
            assert len(s.history.asked) == 1  # the forming bar's turn comes when it is over
            s.history.rows[INFY.instrument_token, Interval.MINUTE] = [
                Bar(int(DAY.timestamp()), 99.0, 101.0, 98.0, 100.0, 50)
            ]
            s.clock.advance(40 + CLOSE_GRACE_S)
            s.market.advance()
            await yields()
            assert len(s.history.asked) == 2
            assert (series.open[0], series.high[0], series.low[0]) == (99.0, 101.0, 98.0) and series.gaps == ()
            s.clock.advance(MEND_EVERY_S)
            s.market.advance()
            await yields()
            assert len(s.history.asked) == 2 and failures == []

    arun(story())


def test_history_that_never_fills_a_gap_is_asked_a_few_times_and_the_mark_stays(arun: Any) -> None:
    async def story() -> None:
        async with Scope("market", lambda *_: None) as scope:
            s = Stage(scope)
            series = await s.market.series(INFY, Interval.MINUTE)
            s.clock.advance(20)
            s.tick(100.0)
            s.history.fails = Offline("no network")
            for _ in range(MEND_TRIES + 4):
                s.clock.advance(MEND_EVERY_S + 60)
                s.market.advance()
                await yields()
            assert len(s.history.asked) == 1 + MEND_TRIES
            assert series.gap_rows() == [(0, 1)]

    arun(story())
