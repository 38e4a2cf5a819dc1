"""What the market last said: who wants what, what is old, and series that are one object and complete."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alphapanda_desktop.domain.errors import Offline, Refused
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.trading.market import Market, MarketSink
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_request, a_session, a_tick, bars_of
from tests.trading.desk_fakes import INFY, TCS, yields

UP, LOST = LinkReport(LinkState.UP), LinkReport(LinkState.WAITING)


class TightFeed(FakeFeed):
    """A feed that takes one instrument."""

    def watch(self, tokens, mode):
        tokens = list(tokens)
        if len({*self.wanted, *tokens}) > 1:
            raise Refused("2 instruments asked, 1 allowed")
        super().watch(tokens, mode)


class Stage:
    def __init__(self, feed: FakeFeed | None = None) -> None:
        self.clock, self.feed, self.history = FakeClock(), feed or FakeFeed(), FakeHistory()
        self.market = Market(a_session(), self.feed, self.history, InstrumentMaster([INFY, TCS]), self.clock)
        self.sink = MarketSink(self.market)
        self.sink.link(UP)


def test_the_feed_gets_the_most_that_any_owner_wants():
    s = Stage()
    s.market.watch("list", [INFY, TCS], Mode.QUOTE)
    s.market.watch("run", [INFY], Mode.FULL)
    assert s.feed.wanted == {INFY.instrument_token: Mode.FULL, TCS.instrument_token: Mode.QUOTE}
    s.market.unwatch("run")
    assert s.feed.wanted[INFY.instrument_token] is Mode.QUOTE
    s.market.watch("list", [TCS], Mode.QUOTE)
    assert list(s.feed.wanted) == [TCS.instrument_token]


def test_a_wish_that_the_feed_refuses_changes_nothing():
    s = Stage(TightFeed())
    s.market.watch("run", [INFY], Mode.FULL)
    with pytest.raises(Refused):
        s.market.watch("list", [TCS], Mode.QUOTE)
    assert s.feed.wanted == {INFY.instrument_token: Mode.FULL}
    s.market.unwatch("run")
    s.market.watch("list", [TCS], Mode.QUOTE)
    assert s.feed.wanted == {TCS.instrument_token: Mode.QUOTE}


def test_each_reader_hears_once_of_each_change_and_a_gone_one_costs_nothing():
    s = Stage()
    s.sink.ticks([a_tick(100.0)])
    assert s.market.take_changed("a") == {INFY.instrument_token}
    assert s.market.take_changed("a") == set()
    s.sink.ticks([a_tick(101.0), a_tick(102.0), a_tick(7.0, token=TCS.instrument_token)])
    assert s.market.take_changed("a") == {INFY.instrument_token, TCS.instrument_token}
    s.market.unwatch("a")
    assert s.market.take_changed("a") == {INFY.instrument_token, TCS.instrument_token}


def test_a_reader_hears_only_of_what_it_watches():
    s = Stage()
    s.market.watch("list", [INFY], Mode.FULL)
    s.sink.ticks([a_tick(101.0), a_tick(7.0, token=TCS.instrument_token)])
    assert s.market.take_changed("list") == {INFY.instrument_token}
    assert s.market.take_changed("another") == {INFY.instrument_token, TCS.instrument_token}


def test_a_price_is_old_without_a_link_and_until_its_first_tick_after_one():
    s = Stage()
    token = INFY.instrument_token
    assert s.market.stale(token) and s.market.age_s(token) is None
    s.sink.ticks([a_tick(100.0)])
    assert not s.market.stale(token)
    s.sink.link(LOST)
    assert s.market.stale(token)
    s.clock.advance(1)
    s.sink.link(UP)
    assert s.market.stale(token)
    s.sink.ticks([a_tick(100.0)])
    assert not s.market.stale(token)
    s.clock.at -= timedelta(hours=3)  # the wall clock is set back: ages are measured by another
    assert not s.market.stale(token) and s.market.age_s(token) == 0
    s.clock.advance(21)
    assert s.market.stale(token)


def test_a_dead_session_freezes_what_is_shown_and_a_new_one_goes_on_in_place():
    s = Stage()
    s.market.watch("list", [INFY], Mode.QUOTE)
    s.sink.ticks([a_tick(100.0)])
    s.market.freeze(s.clock.now())
    assert s.market.stale(INFY.instrument_token) and s.market.latest(INFY.instrument_token).last_price == 100.0
    session = a_session()
    s.market.resume(session)
    assert s.feed.sessions == [session] and list(s.feed.wanted) == [INFY.instrument_token]
    with pytest.raises(TypeError):
        s.market.resume(None)


def test_whoever_asks_for_a_series_waits_for_its_history_and_it_is_fetched_once(arun, monkeypatch):
    async def story():
        s = Stage()
        come = asyncio.Event()
        candles = s.history.candles
        s.history.rows[INFY.instrument_token, Interval.MINUTE] = bars_of([1, 2, 3])

        async def slow(*what):
            await come.wait()
            return await candles(*what)

        monkeypatch.setattr(s.history, "candles", slow)
        both = [asyncio.create_task(s.market.series(INFY, Interval.MINUTE)) for _ in range(2)]
        await yields()
        assert not any(task.done() for task in both)
        come.set()
        first, second = await asyncio.gather(*both)
        assert first is second and len(first) == 3 and len(s.history.asked) == 1

    arun(story())


def test_history_that_failed_or_was_cancelled_for_one_is_tried_for_the_next(arun, monkeypatch):
    async def story():
        s = Stage()
        s.history.fails = Offline("no network")
        with pytest.raises(Offline):
            await s.market.series(INFY, Interval.MINUTE)
        s.history.fails = None
        candles, never = s.history.candles, asyncio.Event()

        async def stuck(*_what):
            await never.wait()

        monkeypatch.setattr(s.history, "candles", stuck)
        first = asyncio.create_task(s.market.series(INFY, Interval.MINUTE))
        second = asyncio.create_task(s.market.series(INFY, Interval.MINUTE))
        await yields()
        monkeypatch.setattr(s.history, "candles", candles)
        first.cancel()
        assert await second is s.market.live_series(INFY, Interval.MINUTE)

    arun(story())


def test_one_gap_that_cannot_be_closed_leaves_the_others_closed_and_is_tried_again(arun, monkeypatch):
    async def story():
        s = Stage()
        for instrument in (INFY, TCS):
            await s.market.series(instrument, Interval.MINUTE)
        s.history.asked.clear()
        lost_at = s.clock.now()
        s.sink.link(LOST)
        s.clock.advance(3 * 86_400)  # over a weekend
        s.sink.link(UP)
        s.sink.ticks([a_tick(100.0, at_s=int(s.clock.now().timestamp()))])
        candles = s.history.candles

        async def half(instrument, *what):
            rows = await candles(instrument, *what)
            if instrument is INFY:
                raise Offline("this one not")
            return rows

        monkeypatch.setattr(s.history, "candles", half)
        with pytest.raises(Offline):
            await s.market.refill()
        assert {token for token, *_ in s.history.asked} == {INFY.instrument_token, TCS.instrument_token}
        monkeypatch.setattr(s.history, "candles", candles)
        await s.market.refill()
        starts = [start for token, _, start, _ in s.history.asked if token == INFY.instrument_token]
        assert all(start <= lost_at for start in starts)  # though the last bar is of today

    arun(story())


def test_bars_are_told_once_to_who_listens_and_the_clock_closes_none_without_a_link():
    s = Stage()
    bars = []
    end = s.market.on_bar(INFY, Interval.MINUTE, lambda instrument, interval, bar: bars.append(bar.close))
    at_s = int(s.clock.now().timestamp())
    s.sink.ticks([a_tick(100.0, at_s=at_s)])
    s.sink.link(LOST)
    s.clock.advance(90)
    s.market.advance()
    assert bars == []
    s.sink.link(UP)
    s.market.advance()
    s.market.advance()
    assert bars == [100.0]
    end()
    end()
    s.sink.ticks([a_tick(101.0, at_s=at_s + 100), a_tick(102.0, at_s=at_s + 200)])
    assert bars == [100.0]


def test_a_tick_series_is_one_object():
    s = Stage()
    series = s.market.tick_series(INFY)
    s.sink.ticks([a_tick(100.0, at_s=1)])
    assert s.market.tick_series(INFY) is series and len(series) == 1


def test_updates_may_have_been_missed_until_the_first_link_and_after_each_loss():
    market = Market(a_session(), FakeFeed(), FakeHistory(), InstrumentMaster([INFY]), FakeClock())
    assert market.was_down
    market.was_down = False
    market.take_link(UP)
    assert not market.was_down
    market.take_link(LOST)
    assert market.was_down


def test_on_paper_the_real_accounts_orders_are_not_heard():
    s, heard = Stage(), []
    s.market.on_order(heard.append)
    MarketSink(s.market, orders=False).order(a_request())
    assert heard == []
    s.sink.order(a_request())
    assert len(heard) == 1
