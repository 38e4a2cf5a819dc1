"""The real market over a hand-fed feed and history, and days of bars that look like a market."""

from __future__ import annotations

import operator
from datetime import date, timedelta

import numpy as np

from alphapanda_desktop.domain.bars import candle_start
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Ohlc, Tick
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.market import Market
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, an_instrument

AT_ONCE = operator.call
"""Writes while everyone waits."""
INFY = an_instrument()
NIFTY = an_instrument("NIFTY 50", token=256265, segment="INDICES", tick_size=0.05)
FUTURE = an_instrument(
    "NIFTY26DECFUT", token=13238786, exchange="NFO", kind="FUT", lot_size=65, tick_size=0.1, expiry=date(2026, 12, 29)
)
RUPEE = an_instrument(
    "USDINR26DECFUT", token=276483, exchange="CDS", kind="FUT", lot_size=1, tick_size=0.0025, expiry=date(2026, 12, 29)
)
OPTION = an_instrument(
    "NIFTY26DEC26000CE",
    token=13371138,
    exchange="NFO",
    kind="CE",
    lot_size=65,
    strike=26_000,
    expiry=date(2026, 12, 29),
)
ALL = (INFY, NIFTY, FUTURE, RUPEE, OPTION)


class MarketStage:
    """A market with its feed, history and clock in the test's hands."""

    def __init__(self, *instruments: Instrument) -> None:
        self.clock = FakeClock()
        self.feed = FakeFeed()
        self.history = FakeHistory()
        self.market = Market(
            a_session(self.clock.now()), self.feed, self.history, InstrumentMaster(instruments or ALL), self.clock
        )
        self.market.take_link(LinkReport(LinkState.UP))

    def tick(self, instrument: Instrument, price: float, volume: int | None = None, close: float = 0.0) -> None:
        """One tick now, with a book of two levels around the price."""
        step = instrument.tick_size or 0.05
        depth = [round((price - step) * 100), round((price + step) * 100)]
        words = [75, depth[0], 3, *[0] * 12, 150, depth[1], 4, *[0] * 12]
        self.market.take(
            [
                Tick(
                    instrument.instrument_token,
                    Mode.FULL,
                    price,
                    received_ns=self.clock.now_ns(),
                    tradable=instrument.tradable,
                    volume_traded=volume if instrument.tradable else None,
                    ohlc=Ohlc(price, price, price, close) if close else None,
                    exchange_epoch_s=self.clock.now_ns() // 1_000_000_000,
                    raw_depth=tuple(words) if instrument.tradable else None,
                )
            ]
        )

    def fill_history(self, instrument: Instrument, interval: Interval, price: float = 1500.0, days: int = 3) -> int:
        """Give history a few days of bars up to now; how many."""
        bars = walk(self.clock.now_ns() // 1_000_000_000, interval, price, days)
        self.history.rows[instrument.instrument_token, interval] = bars
        return len(bars)


def walk(now_s: int, interval: Interval, price: float, days: int, seed: int = 7) -> list[Bar]:
    """A random walk of bars within sessions from 09:15 to 15:30, weekends left out; the last one is forming."""
    rng = np.random.default_rng(seed)
    starts = [s for s in _session_starts(now_s, interval, days) if s <= now_s]
    bars = []
    for start in starts:
        moves = price + np.cumsum(rng.normal(0, price * 0.0004, 12))
        bars.append(
            Bar(
                start,
                round(price, 2),
                round(float(max(moves.max(), price)), 2),
                round(float(min(moves.min(), price)), 2),
                round(float(moves[-1]), 2),
                int(rng.integers(2_000, 60_000)),
                closed=start + interval.seconds <= now_s,
            )
        )
        price = float(moves[-1])
    return bars


def _session_starts(now_s: int, interval: Interval, days: int) -> list[int]:
    from datetime import datetime

    today = datetime.fromtimestamp(now_s, IST).date()
    found = []
    for back in range(days * 2, -1, -1):
        day = today - timedelta(days=back)
        if day.weekday() < 5:
            opened = int(datetime(day.year, day.month, day.day, 9, 15, tzinfo=IST).timestamp())
            if interval is Interval.DAY:
                found.append(candle_start(opened, interval))
            else:
                found += range(opened, opened + 375 * 60, interval.seconds)
    return found
