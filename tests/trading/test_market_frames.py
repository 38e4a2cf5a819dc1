"""Frames into the market: who gets ticks of them, in which order, in what slices, and what the columns say."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.freshness import GRADES, Grade
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import BarSize, Interval, Mode, Tick
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.quotes import LAST, TableSink
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.packets import decode_frame, encode_frame
from alphapanda_desktop.trading import market as market_
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.tickrate import BEAT_S, TickRate
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, a_tick, an_instrument

UP = LinkReport(LinkState.UP)
SHARES = [an_instrument(f"S{number}", token=(1_000 + number) << 8 | 1) for number in range(40)]
TOKENS = [share.instrument_token for share in SHARES]


def a_packet(token: int, price: int, volume: int = 100, at_s: int = 0) -> bytes:
    words = [token, price, 1, price, volume, 5, 6, price, price + 9, price, price - 5, at_s, 0, 0, 0, at_s]
    return struct.pack(">46I", *(word & 0xFFFF_FFFF for word in words), *([0] * 30))


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.market = Market(a_session(), FakeFeed(), FakeHistory(), InstrumentMaster(SHARES), self.clock)
        self.sink = MarketSink(self.market)
        self.sink.link(UP)

    def frame(self, *packets: bytes) -> None:
        """Take a frame, in as many slices as this machine needs."""
        left = self.slice(*packets)
        while left:
            left = self.sink.more()

    def slice(self, *packets: bytes) -> bool:
        return self.sink.batch(put_frame(self.market.table, encode_frame(packets), self.clock.now_ns()))

    def hear(self, *places: int) -> list[tuple[int, float]]:
        heard: list[tuple[int, float]] = []
        for place in places:
            self.market.on_tick(TOKENS[place], lambda tick: heard.append((tick.instrument_token, tick.last_price)))
        return heard


def test_the_markets_sink_is_one_that_takes_frames() -> None:
    assert isinstance(Stage().sink, TableSink)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_only_those_ticks_are_made_that_somebody_listens_to(count: int) -> None:
    s = Stage()
    heard = s.hear(0, 2) if count > 1 else s.hear(0)
    made: list[int] = []

    class Counting:
        def __init__(self, batch: Any) -> None:
            self.rows, self._batch = batch.rows, batch

        def ticks(self, places: Any) -> Any:
            places = list(places)
            made.extend(places)
            return self._batch.ticks(places)

    packets = [a_packet(token, 10_000 + n) for n, token in enumerate(TOKENS[:count])]
    batch = put_frame(s.market.table, encode_frame(packets), s.clock.now_ns())
    left = s.sink.batch(Counting(batch))
    while left:
        left = s.sink.more()
    wanted = [0] if count == 1 else [0, 2]
    assert made == wanted and heard == [(TOKENS[n], (10_000 + n) / 100) for n in wanted]
    assert s.market.latest(TOKENS[count - 1]) == decode_frame(encode_frame(packets), s.clock.now_ns())[-1]


def test_nobody_who_stopped_listening_costs_a_tick() -> None:
    s = Stage()
    heard: list[Tick] = []
    end = s.market.on_tick(TOKENS[0], heard.append)
    s.frame(a_packet(TOKENS[0], 10_000))
    end()
    s.frame(a_packet(TOKENS[0], 10_100))
    assert len(heard) == 1 and not s.market._wanted.any()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99_999)), min_size=1, max_size=30))
def test_ticks_are_told_in_the_order_of_the_frame_and_latest_is_the_one_being_told(
    frame: list[tuple[int, int]],
) -> None:
    s = Stage()
    told: list[tuple[int, float]] = []

    def listener(tick: Tick) -> None:
        assert s.market.latest(tick.instrument_token) is tick
        told.append((tick.instrument_token, tick.last_price))

    for place in range(10):
        s.market.on_tick(TOKENS[place], listener)
    s.frame(*[a_packet(TOKENS[place], price) for place, price in frame])
    assert told == [(TOKENS[place], price / 100) for place, price in frame]
    for place, price in dict(frame).items():
        latest = s.market.latest(TOKENS[place])
        assert latest is not None and latest.last_price == price / 100


def test_what_hears_every_tick_may_say_of_which_instruments() -> None:
    s = Stage()
    of_all: list[int] = []
    of_some: list[int] = []
    some: set[int] = set()
    end = s.market.on_every_tick(lambda tick: of_all.append(tick.instrument_token))
    s.market.on_every_tick(lambda tick: of_some.append(tick.instrument_token), among=lambda: some)
    packets = [a_packet(token, 10_000) for token in TOKENS[:20]]
    s.frame(*packets)
    assert (of_all, of_some) == (TOKENS[:20], [])
    end()
    some |= {TOKENS[3], TOKENS[17]}
    s.frame(*packets)
    s.frame(*packets[:5])
    assert of_all == TOKENS[:20] and of_some == [TOKENS[3], TOKENS[17], TOKENS[3]]


def test_a_frame_has_one_end_however_many_ticks_it_had() -> None:
    s = Stage()
    ends: list[float | None] = []
    heard = s.hear(0)
    s.market.after_frame(lambda: ends.append(heard[-1][1] if heard else None))
    s.frame(*[a_packet(token, 10_000) for token in TOKENS])
    s.frame(a_packet(TOKENS[1], 10_000))
    s.sink.ticks([a_tick(5.0), a_tick(6.0)])
    assert ends == [100.0, 100.0, 100.0]


def slow(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    now = [0.0]

    def counter() -> float:
        now[0] += step_s
        return now[0]

    monkeypatch.setattr(market_.time, "perf_counter", counter)


def test_a_frame_that_takes_long_is_told_in_slices_and_none_of_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    s = Stage()
    heard = s.hear(*range(40))
    ends: list[int] = []
    s.market.after_frame(lambda: ends.append(len(heard)))
    slow(monkeypatch, market_.SLICE_S / 10)
    left, slices = s.slice(*[a_packet(token, 10_000) for token in TOKENS]), [len(heard)]
    while left:
        assert ends == []
        left = s.sink.more()
        slices.append(len(heard))
    assert [token for token, _ in heard] == TOKENS
    assert max(np.diff([0, *slices])) <= 11 and len(slices) >= 4 and ends == [40]


def test_frames_of_several_links_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    s = Stage()
    heard = s.hear(*range(40))
    slow(monkeypatch, market_.SLICE_S)
    assert s.slice(*[a_packet(token, 10_000) for token in TOKENS[:5]])
    assert s.slice(*[a_packet(token, 20_000) for token in TOKENS[:5]])
    while s.sink.more():
        pass
    assert heard == [(token, price) for price in (100.0, 200.0) for token in TOKENS[:5]]


def test_the_clock_closes_no_bar_while_ticks_wait_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    s = Stage()
    series = s.market.live_series(SHARES[0], Interval.MINUTE)
    s.frame(a_packet(TOKENS[0], 10_000))
    s.clock.advance(90)
    s.hear(*range(1, 40))
    slow(monkeypatch, market_.SLICE_S)
    assert s.slice(*[a_packet(token, 10_000) for token in TOKENS[1:]])
    s.market.advance()
    assert series.closed_count == 0
    while s.sink.more():
        pass
    s.market.advance()
    assert series.closed_count == 1


def test_a_listener_that_fails_loses_no_other_tick() -> None:
    s = Stage()

    def failing(_tick: Tick) -> None:
        raise ValueError("mine")

    end = s.market.on_tick(TOKENS[0], failing)
    heard = s.hear(1, 2)
    with pytest.raises(ValueError, match="mine"):
        s.frame(*[a_packet(token, 10_000) for token in TOKENS[:3]])
    end()
    while s.sink.more():
        pass
    assert [token for token, _ in heard] == TOKENS[1:3]


def test_a_series_and_a_tick_chart_take_their_ticks_off_the_frame() -> None:
    s = Stage()
    bars, ticks = s.market.live_series(SHARES[0], BarSize(1)), s.market.tick_series(SHARES[1])
    for second in range(3):
        at_s = s.clock.now_ns() // 1_000_000_000
        s.frame(*[a_packet(token, 10_000 + second, 100 + second, at_s) for token in TOKENS])
        s.clock.advance(1)
    assert bars.close.tolist() == ticks.price.tolist() == [100.0, 100.01, 100.02]
    assert ticks.volume.tolist() == [0, 1, 1]


@pytest.mark.parametrize("deliver", ["one by one", "together"])
def test_freshness_of_a_frame_is_that_of_its_ticks(deliver: str) -> None:
    s = Stage()
    rows = s.market.table.make_rows(TOKENS)
    assert [GRADES[g] for g in s.market.grades(rows)] == [Grade.NEVER] * 40
    for _ in range(30):
        packets = [a_packet(token, 10_000) for token in TOKENS[:30]]
        for part in [packets] if deliver == "together" else [[packet] for packet in packets]:
            s.frame(*part)
        s.clock.advance(1.0)
    assert s.market.grade(TOKENS[0]) is Grade.FRESH
    s.clock.advance(4.0)
    assert s.market.grade(TOKENS[0]) is Grade.LATE
    s.clock.advance(10.0)
    s.frame(a_packet(TOKENS[1], 10_000))
    grades = [GRADES[g] for g in s.market.grades(rows)]
    assert grades == [Grade.STALE, Grade.FRESH, *[Grade.STALE] * 28, *[Grade.NEVER] * 10]
    assert s.market.age_s(TOKENS[1]) == 0 and s.market.ages_s(rows)[0] == pytest.approx(15.0)
    s.sink.link(LinkReport(LinkState.WAITING))
    assert s.market.grade(TOKENS[1]) is Grade.STALE and s.market.grade(TOKENS[39]) is Grade.NEVER


def test_frames_within_a_beat_are_each_counted_at_once_when_somebody_asks() -> None:
    s = Stage()
    s.frame(a_packet(TOKENS[0], 10_000))
    s.clock.advance(0.01)
    s.frame(a_packet(TOKENS[1], 10_000))
    assert s.market.age_s(TOKENS[0]) == pytest.approx(0.0, abs=BEAT_S)
    s.clock.advance(30.0)
    s.frame(a_packet(TOKENS[2], 10_000))
    assert s.market.age_s(TOKENS[0]) == pytest.approx(30.0, abs=BEAT_S)


def test_ticks_a_second_are_counted_however_small_their_frames_are() -> None:
    s = Stage()
    for _ in range(3_000):
        s.frame(a_packet(TOKENS[0], 10_000))
        s.clock.advance(0.001)
    assert s.market.ticks_per_s == pytest.approx(1_000, rel=0.05)
    s.clock.advance(3.1)
    assert s.market.ticks_per_s == 0


def test_columns_and_objects_are_one_market() -> None:
    s = Stage()
    s.sink.ticks([a_tick(123.45, token=TOKENS[0])])
    row = s.market.table.row_of(TOKENS[0])
    assert row is not None and s.market.table.rupees(LAST)[row] == 123.45
    s.frame(a_packet(TOKENS[0], 20_000))
    latest = s.market.latest(TOKENS[0])
    assert latest is not None and (latest.last_price, latest.mode) == (200.0, Mode.FULL)
    s.frame(a_packet(TOKENS[0], 20_100))
    assert s.market.latest(TOKENS[0]).last_price == 201.0  # type: ignore[union-attr]


@pytest.mark.parametrize("listeners", [0, 1])
def test_a_listener_may_bring_ticks_of_its_own(listeners: int) -> None:
    s = Stage()
    heard = s.hear(*range(5))
    brought: list[Callable[[], None]] = []

    def bring(tick: Tick) -> None:
        if brought:
            brought.pop()()

    s.market.on_tick(TOKENS[0], bring)
    if listeners:
        brought.append(lambda: s.sink.ticks([a_tick(9.0, token=TOKENS[4])]))
    s.frame(*[a_packet(token, 10_000) for token in TOKENS[:4]])
    assert sorted(heard) == sorted([(t, 100.0) for t in TOKENS[:4]] + [(TOKENS[4], 9.0)] * listeners)


def test_the_feed_is_silent_since_its_last_tick_of_anything() -> None:
    rate = TickRate()
    assert rate.silence_s(10.0) is None and rate.per_s(10.0) == 0
    assert rate.add(2, 10.0) and not rate.add(4, 10.0 + BEAT_S / 2) and rate.add(3, 12.0)
    assert rate.per_s(12.5) == 3.0 and rate.per_s(14.0) == 1.0
    assert rate.silence_s(12.0) == 0.0 and rate.silence_s(17.5) == 5.5
