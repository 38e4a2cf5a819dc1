"""What a recorded day tells of its past is what the ticks have made of it, and nothing of its future."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alphapanda_desktop.domain.bars import BarSeries, Hours
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.clock import ReplayClock
from alphapanda_desktop.replaying.day import RecordedDay
from tests.replaying.recorded import BEGAN, BEGAN_NS, BEGAN_S, INFY, NIFTY, SBIN, SECOND, a_recording, frame_of


@asynccontextmanager
async def a_day(*files: Path) -> AsyncIterator[RecordedDay]:
    day = await RecordedDay.open(files, lambda _key: None, lambda _part: None)
    day.clock = ReplayClock(day.begin_ns)
    try:
        yield day
    finally:
        day.close()


def played(day: RecordedDay, token: int, until_ns: int) -> BarSeries:
    """The minutes that a market makes of the same ticks."""
    series = BarSeries(Interval.MINUTE, 33_300, Hours("NSE"), day.lag_s)
    for at_ns, frame in day.played.frames():
        if at_ns > until_ns:
            break
        for tick in decode_frame(frame, at_ns):
            if tick.instrument_token == token:
                series.add(tick)
    return series


def shape(bars: list[Bar]) -> list[tuple[float, ...]]:
    return [(bar.start_s, bar.open, bar.high, bar.low, bar.close) for bar in bars]


@pytest.mark.parametrize("token", [INFY, SBIN, NIFTY])
@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 299, 470])
def test_history_is_what_the_ticks_made_and_ends_now(arun, tmp_path, token, seconds):
    async def story():
        async with a_day(a_recording(tmp_path, 480)) as day:
            now_ns = BEGAN_NS + seconds * SECOND + SECOND // 2
            day.clock.set(now_ns)
            instrument = next(i for i in day.played.instruments if i.instrument_token == token)
            now = datetime.fromtimestamp(now_ns / SECOND, UTC)
            bars = await day.candles(instrument, Interval.MINUTE, now - timedelta(days=4), now)
            live = played(day, token, now_ns)
            expected = [*live.closed(), *([live.last()] if live.last() and not live.last().closed else [])]
            assert [bar.volume for bar in bars] == [bar.volume for bar in expected]
            tops = [(bar.start_s, bar.open, bar.close) for bar in bars]
            assert tops == [(bar.start_s, bar.open, bar.close) for bar in expected]
            assert [bar.closed for bar in bars] == [True] * (len(bars) - 1) + [False]

    arun(story())


def test_the_real_days_minutes_are_those_that_its_ticks_make(arun, real_data):
    async def story():
        path = real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz"
        async with a_day(path) as day:
            (instrument,) = day.played.instruments
            day.clock.set(day.end_ns)
            end = datetime.fromtimestamp(day.end_ns / SECOND, UTC)
            bars = await day.candles(instrument, Interval.MINUTE, end - timedelta(days=1), end)
            assert len(bars) > 300 and day.real_hours
            assert shape([b for b in bars if b.closed]) == shape(
                played(day, instrument.instrument_token, day.end_ns).closed()
            )

    arun(story())


def test_longer_candles_are_made_of_the_minutes(arun, tmp_path):
    async def story():
        async with a_day(a_recording(tmp_path, 660)) as day:
            day.clock.set(day.end_ns)
            infy = day.played.find("NSE:INFY")
            end = BEGAN + timedelta(seconds=660)
            five = await day.candles(infy, Interval.MINUTE_5, BEGAN, end)
            assert [(bar.start_s - BEGAN_S, bar.closed) for bar in five] == [(0, True), (300, True), (600, False)]
            (today,) = await day.candles(infy, Interval.DAY, BEGAN - timedelta(days=3), end)
            assert not today.closed and today.open == five[0].open and today.close == five[-1].close

    arun(story())


def test_the_snapshot_of_a_moment_has_each_instruments_last_packet_before_it(arun, tmp_path):
    async def story():
        async with a_day(a_recording(tmp_path, 400)) as day:
            at_ns = BEGAN_NS + 301 * SECOND
            told = {t.instrument_token: t for t in decode_frame(await day.snapshot(at_ns), at_ns)}
            # frames come 200 ms after their second: at 301.0 the last was that of 300, which SBIN was in
            assert told == {t.instrument_token: t for t in decode_frame(frame_of(300), at_ns)}
            assert await day.snapshot(day.begin_ns) == b""

    arun(story())


def test_an_instrument_that_was_silent_for_long_is_in_the_snapshot_too(arun, tmp_path):
    async def story():
        path = a_recording(tmp_path / "a", 2)
        quiet = a_recording(tmp_path / "b", 3000, (INFY,))
        async with a_day(path, quiet) as day:
            told = decode_frame(await day.snapshot(BEGAN_NS + 2900 * SECOND), 0)
            assert {t.instrument_token for t in told} == {INFY, SBIN, NIFTY}

    arun(story())


def test_the_outline_counts_every_tick_and_has_one_instruments_prices(arun, tmp_path):
    async def story():
        async with a_day(a_recording(tmp_path, 300)) as day:
            outline = day.minutes.outline(day.begin_ns, day.end_ns, SBIN)
            assert outline.ticks.tolist() == [140] * 5
            assert outline.begin_ns == BEGAN_NS and outline.piece_ns == 60 * SECOND
            infy = played(day, SBIN, day.end_ns)
            assert outline.price.tolist() == infy.close.tolist()
            assert outline.volume.tolist() == [
                570,
                *infy.volume.tolist()[1:],
            ]  # the first is counted from its first tick

    arun(story())


def test_the_busiest_are_those_that_ticked_most(arun, tmp_path):
    async def story():
        async with a_day(a_recording(tmp_path, 90)) as day:
            assert set(day.minutes.busiest(2)) == {INFY, NIFTY} and day.minutes.busiest(9)[-1] == SBIN

    arun(story())


def test_tokens_of_all_their_bits_have_minutes(arun, tmp_path):
    ticks = tmp_path / "ticks.csv"
    rows = [f"2026-09-21 09:{15 + n // 60}:{n % 60:02},{1500 + n % 7},{1000 + n}" for n in range(130)]
    ticks.write_text("time,price,volume\n" + "\n".join(rows))

    async def story():
        for symbol in ("INFY", "RELIANCE", "SBIN", "TCS"):  # their made-up tokens lie on either side of 2**31
            day = await RecordedDay.open([ticks], keys={ticks: f"NSE:{symbol}"})
            try:
                (instrument,) = day.played.instruments
                assert day.minutes.busiest(9) == [instrument.instrument_token]
                assert len(day.minutes.bars(instrument.instrument_token, 0, 2**32)) == 3
            finally:
                day.close()

    arun(story())


def test_two_days_are_no_day(arun, tmp_path, monkeypatch):
    async def story():
        first = a_recording(tmp_path / "a", 3)
        monkeypatch.setattr("tests.replaying.recorded.BEGAN_NS", BEGAN_NS + 86_400 * SECOND)
        second = a_recording(tmp_path / "b", 3)
        with pytest.raises(BadData, match="more, between 21 Sep 2026 and 22 Sep 2026"):
            async with a_day(first, second):
                pass

    arun(story())


def test_a_recording_of_a_night_is_held_to_no_hours(arun, tmp_path, monkeypatch):
    async def story():
        monkeypatch.setattr("tests.replaying.recorded.BEGAN_NS", BEGAN_NS + 12 * 3600 * SECOND)
        async with a_day(a_recording(tmp_path, 5)) as day:
            assert not day.real_hours

    arun(story())
