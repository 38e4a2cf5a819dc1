"""A market that is closed makes no price stale; one that is open does, of the same silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alphapanda_desktop.domain.freshness import Grade
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.trading.market import Market, MarketSink
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, an_instrument

SHARE = an_instrument()
METAL = an_instrument("GOLD26DECFUT", token=58_424_839, exchange="MCX", kind="FUT", segment="MCX-FUT")
OPEN_UTC = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
"""14:30 in India, a Wednesday."""
SUNDAY_UTC = OPEN_UTC - timedelta(days=3)


class Stage:
    def __init__(self, at: datetime, *, hours: bool = True) -> None:
        self.clock = FakeClock(at)
        master = InstrumentMaster([SHARE, METAL])
        self.market = Market(a_session(at), FakeFeed(), FakeHistory(), master, self.clock, hours=hours)
        self.sink = MarketSink(self.market)
        self.sink.link(LinkReport(LinkState.UP))
        self.market.watch("a list", [SHARE, METAL], Mode.FULL)
        self.clock.advance(1)
        self.tick()

    def tick(self) -> None:
        at_s = int(self.clock.now().timestamp())
        tokens = (SHARE.instrument_token, METAL.instrument_token)
        self.sink.ticks([Tick(token, Mode.FULL, 100.0, exchange_epoch_s=at_s) for token in tokens])

    def grades(self) -> tuple[Grade, Grade]:
        return self.market.grade(SHARE.instrument_token), self.market.grade(METAL.instrument_token)


def test_after_the_close_a_silent_price_is_closed_and_during_the_session_stale() -> None:
    stage = Stage(OPEN_UTC)
    assert stage.grades() == (Grade.FRESH, Grade.FRESH)
    stage.clock.advance(600)
    assert stage.grades() == (Grade.STALE, Grade.STALE)
    stage.clock.advance(3 * 3600)  # 17:40: shares are closed, metals trade until late
    assert stage.grades() == (Grade.CLOSED, Grade.STALE)
    stage.clock.advance(8 * 3600)
    assert stage.grades() == (Grade.CLOSED, Grade.CLOSED)


def test_what_is_subscribed_on_a_sunday_is_closed_and_carries_no_entry() -> None:
    stage = Stage(SUNDAY_UTC)
    stage.clock.advance(120)
    assert stage.grades() == (Grade.CLOSED, Grade.CLOSED)
    assert stage.market.stale(SHARE.instrument_token)


def test_a_lost_link_is_told_though_the_market_is_closed() -> None:
    stage = Stage(SUNDAY_UTC)
    stage.clock.advance(120)
    stage.sink.link(LinkReport(LinkState.WAITING))
    assert stage.grades() == (Grade.STALE, Grade.STALE)


def test_an_exchange_that_never_closes_has_no_closed_hours() -> None:
    stage = Stage(SUNDAY_UTC, hours=False)
    stage.clock.advance(600)
    assert stage.grades() == (Grade.STALE, Grade.STALE)


def test_with_the_next_session_a_silence_is_one_again() -> None:
    stage = Stage(OPEN_UTC)
    stage.clock.advance(15 * 3600)
    assert stage.grades()[0] is Grade.CLOSED
    stage.clock.advance(4 * 3600)  # 09:30 of the next day
    assert stage.grades()[0] is Grade.STALE
    stage.tick()
    assert stage.grades()[0] is Grade.FRESH


@pytest.mark.parametrize("rows", [[0], [0, 1], [1, 0]])
def test_rows_are_graded_each_by_its_own_exchange_in_any_order(rows: list[int]) -> None:
    stage = Stage(OPEN_UTC)
    stage.clock.advance(3 * 3600)
    by_token = dict(zip((SHARE.instrument_token, METAL.instrument_token), stage.grades(), strict=True))
    grades = stage.market.grades(np.array(rows, np.intp))
    tokens = stage.market.table.tokens(rows)
    assert [list(Grade)[number] for number in grades] == [by_token[token] for token in tokens]
