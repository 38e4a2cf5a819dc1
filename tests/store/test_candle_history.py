"""What is asked of Kite and what comes from the disk, over a source whose requests are counted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.errors import BadData, Offline, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.contract_market import candle_pages
from alphapanda_desktop.store.candlefiles import SUFFIX
from alphapanda_desktop.store.history import CandleHistory, Past
from tests.fakes import FakeClock, an_instrument

INFY = an_instrument()
FIRST, LAST = date(2024, 6, 3), date(2024, 6, 14)


class Exchange:
    """Candles of every session, fifteen minutes each; `factor` is what a split makes of old prices."""

    def __init__(self) -> None:
        self.asked: list[tuple[date, date]] = []
        self.continuous: list[bool] = []
        self.factor = 1.0
        self.fails: list[Exception] = []
        self.without: Callable[[Bar], bool] = lambda _bar: False

    async def candles(
        self, instrument: Instrument, interval: Interval, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[Bar]:
        if self.fails:
            raise self.fails.pop(0)
        self.asked.append((start.astimezone(IST).date(), end.astimezone(IST).date()))
        self.continuous.append(continuous)
        return [bar for bar in self._bars(instrument, interval, start, end) if not self.without(bar)]

    def _bars(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        made = []
        for number in range((end - start).days + 2):
            session = session_on(instrument.exchange, (start + timedelta(days=number)).astimezone(IST).date())
            if session is None:
                continue
            at = int(session.open.timestamp())
            for start_s in range(at, int(session.close.timestamp()), interval.seconds):
                if start.timestamp() <= start_s <= end.timestamp():
                    price = (1_000.0 + start_s // 900 % 50) * self.factor
                    made.append(Bar(start_s, price, price + 1, price - 1, price, 10))
        return made


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def heard_on() -> list[int]:
    return []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def history(exchange: Exchange, tmp_path: Path, said: list[str], heard_on: list[int]) -> CandleHistory:
    def told(text: str) -> None:
        said.append(text)
        heard_on.append(threading.get_ident())

    clock = FakeClock(datetime(2024, 7, 1, 6, 30, tzinfo=UTC))
    return CandleHistory(exchange, candle_pages, tmp_path, clock, told)


async def past(history: CandleHistory, first: date = FIRST, last: date = LAST) -> Past:
    return await history.past(INFY, Interval.MINUTE_15, first, last)


def test_what_is_kept_is_not_asked_for_again(arun, history, exchange):
    async def story():
        one = await past(history)
        other = await past(history)
        assert len(exchange.asked) == 1 and one.fetched == 1 and other.fetched == 0
        assert len(one.table.start_s) == 10 * 25
        assert all((a == b).all() for a, b in zip(one.table, other.table, strict=True))

    arun(story())


def test_only_days_that_lack_are_asked_for_and_one_kept_day_to_compare(arun, history, exchange):
    async def story():
        await past(history)
        longer = await past(history, date(2024, 5, 27), date(2024, 6, 21))
        assert exchange.asked[1:] == [(date(2024, 5, 27), date(2024, 6, 3)), (date(2024, 6, 14), date(2024, 6, 21))]
        assert len(longer.table.start_s) == 19 * 25  # 17 June 2024 was a holiday
        assert not longer.notes and not longer.missing

    arun(story())


def test_a_long_span_is_asked_for_in_pages_that_kite_allows(arun, history, exchange):
    async def story():
        pages = []
        await history.past(
            INFY, Interval.MINUTE, date(2024, 1, 1), date(2024, 5, 31), progress=lambda *at: pages.append(at)
        )
        assert [(last - first).days + 1 for first, last in exchange.asked] == [60, 60, 32]
        assert pages == [(0, 3), (1, 3), (2, 3), (3, 3)]

    arun(story())


def test_the_open_day_is_given_but_never_kept(arun, tmp_path, exchange):
    async def story():
        clock = FakeClock(datetime(2024, 6, 14, 5, 0, tzinfo=UTC))
        history = CandleHistory(exchange, candle_pages, tmp_path, clock)
        first = await past(history, LAST, LAST)
        again = await past(history, LAST, LAST)
        assert first.fetched == again.fetched == 1 and len(again.table.start_s)

    arun(story())


def test_prices_that_kite_changed_are_fetched_anew_and_said(arun, history, exchange):
    async def story():
        await past(history)
        exchange.factor = 0.5
        longer = await past(history, FIRST, date(2024, 6, 21))
        assert longer.notes and "split" in longer.notes[0]
        assert longer.table.close.max() < 600.0
        assert (await past(history)).table.close.max() < 600.0

    arun(story())


def test_a_damaged_file_is_fetched_again_and_said(arun, history, exchange, tmp_path, said, heard_on):
    async def story():
        before = await past(history)
        (file,), here = tmp_path.rglob(f"*{SUFFIX}"), threading.get_ident()
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
        after = await past(history)
        assert len(exchange.asked) == 2 and (after.table.close == before.table.close).all()
        assert "NSE:INFY, 2024" in said[0] and "damaged" in said[0]
        assert heard_on == [here], "what is told is shown, and only the loop's thread may do that"

    arun(story())


def test_pages_that_came_before_a_failure_are_kept(arun, history, exchange, eventually, tmp_path):
    async def story():
        async def fail(*_asked: object, **_more: object) -> list[Bar]:
            raise SessionEnded("the login is over")

        whole = exchange.candles

        async def first_only(*asked: object, **more: object) -> list[Bar]:
            exchange.candles = fail
            return await whole(*asked, **more)

        exchange.candles = first_only
        with pytest.raises(SessionEnded):
            await history.past(INFY, Interval.MINUTE, date(2024, 1, 1), date(2024, 4, 28))
        await eventually(lambda: list(tmp_path.rglob(f"*{SUFFIX}")))
        exchange.candles = whole
        rest = await history.past(INFY, Interval.MINUTE, date(2024, 1, 1), date(2024, 4, 28))
        assert rest.fetched == 1 and exchange.asked[-1][0] == date(2024, 2, 29)

    arun(story())


def test_a_page_that_kite_cannot_answer_now_is_asked_for_again(arun, history, exchange):
    async def story():
        exchange.fails = [Offline("no answer", after_s=0.0)] * 3
        assert len((await past(history)).table.start_s) == 250
        exchange.fails = [Offline("no answer", after_s=0.0)] * 4
        with pytest.raises(Offline):
            await past(history, date(2024, 1, 1), date(2024, 1, 5))

    arun(story())


def test_contracts_with_one_name_and_other_expiries_are_kept_apart(arun, history, exchange):
    async def story():
        near = an_instrument("NIFTYFUT", exchange="NFO", kind="FUT", expiry=date(2024, 6, 27))
        far = an_instrument("NIFTYFUT", exchange="NFO", kind="FUT", expiry=date(2024, 7, 25))
        for one in (near, far):
            await history.past(one, Interval.DAY, FIRST, LAST)
        await history.past(near, Interval.DAY, FIRST, LAST, continuous=True)
        assert exchange.continuous == [False, False, True]

    arun(story())


def test_what_lacks_is_named(arun, history, exchange):
    async def story():
        hole = int(datetime(2024, 6, 5, 11, 0, tzinfo=IST).timestamp())
        day = date(2024, 6, 10)
        exchange.without = lambda bar: (
            hole <= bar.start_s < hole + 3_600 or datetime.fromtimestamp(bar.start_s, IST).date() == day
        )
        found = await past(history)
        assert found.missing.days == (day,) and found.missing.bars == 4
        assert found.lines() == [
            "1 trading day without a candle: 10 Jun 2024.",
            "4 candles lack within trading days: 05 Jun 2024 11:00–12:00 IST.",
        ]

    arun(story())


def test_a_span_that_ends_before_it_begins_is_refused(arun, history):
    async def story():
        with pytest.raises(BadData, match="no days from 2024-06-14 to 2024-06-03"):
            await past(history, LAST, FIRST)

    arun(story())


def test_an_asking_that_is_cancelled_keeps_what_came(arun, history, exchange, eventually, tmp_path):
    async def story():
        whole, second = exchange.candles, asyncio.Event()

        async def hang(*asked: object, **more: object) -> list[Bar]:
            if exchange.asked:
                second.set()
                await asyncio.Event().wait()
            return await whole(*asked, **more)

        exchange.candles = hang
        asking = asyncio.ensure_future(history.past(INFY, Interval.MINUTE, date(2024, 1, 1), date(2024, 4, 29)))
        await second.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await eventually(lambda: list(tmp_path.rglob(f"*{SUFFIX}")))

    arun(story())


def test_prices_that_kite_changed_are_seen_though_the_asking_for_them_failed_midway(arun, history, exchange):
    async def story():
        await past(history, date(2023, 6, 5), date(2023, 6, 9))
        exchange.factor = 0.5

        def lost(_bar: Bar) -> bool:
            if len(exchange.asked) == 3:
                raise SessionEnded("the session ended")
            return False

        exchange.without = lost
        with pytest.raises(SessionEnded):
            await past(history, date(2023, 6, 5), date(2024, 5, 31))
        assert len(exchange.asked) == 3
        exchange.without = lambda _bar: False
        found = await past(history, date(2023, 6, 5), date(2024, 5, 31))
        assert found.table.high.max() < 600

    arun(story())
