"""A market by hand for strategies: bars with highs, lows and volumes, stops that fire within the bar, IST days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Holding, Strategy
from tests.fakes import FakeContext, an_instrument

INFY = an_instrument()
SBIN = an_instrument("SBIN", token=779521)
OPEN = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
"""A Monday's open."""


class Stage(FakeContext):
    """Runs one strategy as a host does: look-back, bars, fills at the close, news of orders, stops within the bar."""

    def __init__(self, strategy: Strategy, instruments: Sequence[Instrument] = (INFY,), *, start: bool = True) -> None:
        super().__init__(instruments)
        self.strategy = strategy
        self.now = OPEN.astimezone(UTC)
        self.asked: list[tuple[str, float, int]] = []
        """Each stop asked for: key, trigger, what was held or about to be (its sign)."""
        self.bare: list[str] = []
        """Instruments that were held with no stop when a bar was over."""
        if start:
            strategy.on_start(self)

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        super().protect(instrument, trigger, reason=reason)
        if trigger is not None:
            assert reason and instrument.on_tick(trigger) and trigger > 0
            self.asked.append((instrument.key, trigger, self.position(instrument).quantity))

    def feed(self, instrument: Instrument, *bars: Bar) -> None:
        """These bars close, one after the other."""
        for bar in bars:
            self._stop_out(instrument, bar)
            self._bars[instrument.key].append(bar)
            self.now = datetime.fromtimestamp(bar.start_s, UTC) + timedelta(minutes=1)
            told = len(self.orders)
            if len(self._bars[instrument.key]) >= self.strategy.lookback:
                self.strategy.on_bar(self, instrument, bar)
            self._tell(told)
            if self.position(instrument).quantity and self.stops.get(instrument.key) is None:
                self.bare.append(instrument.key)

    def closes_come(self, instrument: Instrument, closes: Iterable[float], spread: float = 0.0) -> None:
        """Bars with these closes, a minute each, from the last one on."""
        for close in closes:
            known = self._bars[instrument.key]
            start_s = known[-1].start_s + 60 if known else int(OPEN.timestamp())
            opened = known[-1].close if known else close
            high, low = max(opened, close) + spread, min(opened, close) - spread
            self.feed(instrument, Bar(start_s, opened, high, low, close, 100))

    def _stop_out(self, instrument: Instrument, bar: Bar) -> None:
        trigger, held = self.stops.get(instrument.key), self.position(instrument).quantity
        if trigger is None or not held or not (bar.low <= trigger if held > 0 else bar.high >= trigger):
            return
        told = len(self.orders)
        self.exit(instrument, reason=f"stop at {trigger}")
        self.stops[instrument.key] = None
        self._tell(told)

    def _tell(self, since: int) -> None:
        for order in list(self.orders[since:]):
            self.strategy.on_order(self, order)

    def hold(self, instrument: Instrument, quantity: int, average_price: float) -> None:
        self._holdings[instrument.key] = Holding(quantity, average_price)

    def sides(self, instrument: Instrument = INFY) -> list[str]:
        """BUY and SELL of this instrument's orders, in order."""
        return [order.transaction_type for order in self.of(instrument)]

    def of(self, instrument: Instrument) -> list[Order]:
        """This instrument's orders."""
        return [order for order in self.orders if order.key == instrument.key]


def made(strategy: type[Strategy], **params: Any) -> Strategy:
    """One with these parameters."""
    return strategy(strategy.Params.model_validate(params))
