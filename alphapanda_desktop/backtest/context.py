"""What a strategy holds in its hand during a backtest: `domain.strategy.Context`, with the meaning that it has live.

Only what has closed can be reached: histories are copies of the columns up to the last closed bar, and the price is
the last one that the market has shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.backtest.lane import Lane
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.strategy import Holding

if TYPE_CHECKING:
    from alphapanda_desktop.backtest.matcher import Matcher

LOG_LINES: Final = 10_000


class BacktestContext:
    """Context of one backtest; wishes go to the matcher."""

    def __init__(self, lanes: Sequence[Lane], matcher: Matcher) -> None:
        self._lanes = {lane.key: lane for lane in lanes}
        self._matcher = matcher
        self._instruments = tuple(lane.instrument for lane in lanes)
        self.variables: dict[str, object] = {}
        self.lines: deque[tuple[int, str]] = deque(maxlen=LOG_LINES)
        """The last lines of the log: epoch second and text."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._instruments

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._matcher.now_s, UTC)

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        lane = self._lanes[instrument.key]
        return lane.series.last_bars(lane.count, count)

    def closes(self, instrument: Instrument, count: int | None = None) -> NDArray[np.float64]:
        lane = self._lanes[instrument.key]
        end = lane.count
        return lane.series.close[0 if count is None or count > end else end - max(0, count) : end].copy()

    def last_price(self, instrument: Instrument) -> float | None:
        return self._lanes[instrument.key].last or None

    def position(self, instrument: Instrument) -> Holding:
        return self._lanes[instrument.key].holding()

    def working(self, instrument: Instrument) -> Sequence[Order]:
        lane = self._lanes[instrument.key]
        return [work.order() for work in lane.working()] if lane.resting or lane.coming else []

    def buy(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        lane = self._lanes[instrument.key]
        return self._matcher.submit(lane, 1, quantity, reason, price, trigger_price, product)

    def sell(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        lane = self._lanes[instrument.key]
        return self._matcher.submit(lane, -1, quantity, reason, price, trigger_price, product)

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        return self._matcher.exit(self._lanes[instrument.key], reason)

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        self._matcher.protect(self._lanes[instrument.key], trigger, reason)

    def cancel(self, tag: str) -> None:
        self._matcher.cancel(tag)

    def log(self, text: str) -> None:
        self.lines.append((self._matcher.now_s, text))

    def show(self, **variables: object) -> None:
        self.variables.update(variables)
