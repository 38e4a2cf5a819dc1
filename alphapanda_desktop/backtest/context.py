"""What a strategy holds in its hand during a backtest: `domain.strategy.Context`, with the meaning that it has live.

Only what has closed can be reached: histories are copies of the columns up to the last closed bar, and the price is
the last one that the market has shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.backtest.lane import Lane
from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, BarSize
from alphapanda_desktop.domain.orders import Order, Product, Side
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.domain.wishes import Wishes

if TYPE_CHECKING:
    from alphapanda_desktop.backtest.matcher import Matcher

LOG_LINES: Final = 10_000


class BacktestContext(Wishes):
    """Context of one backtest; wishes go to the matcher.

    `on_timer` hears the name of each timer that has come; the engine sets it.
    """

    def __init__(self, lanes: Sequence[Lane], matcher: Matcher) -> None:
        super().__init__(BarSize(lanes[0].seconds))
        self.on_timer: Callable[[str], None] | None = None
        self._listening = False
        matcher.woken = self._ring
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

    # -- for the wishes that are made of simpler ones ------------------------------------------------------------------

    def held_as(self, instrument: Instrument) -> Mapping[Product, int]:
        return self._lanes[instrument.key].held_as()

    def leaving(self, instrument: Instrument) -> bool:
        lane = self._lanes[instrument.key]
        return lane.stop is not None and lane.whole[0] * lane.stop.sign > 0 and lane.stop.crossed(lane.last)

    def hours_of(self, instrument: Instrument) -> Hours | None:
        return Hours(instrument.exchange, has_derivatives=self._lanes[instrument.key].has_derivatives)

    def _following(self) -> None:
        """Hear of orders before the strategy does. Only from the first wish on: news are made for a listener alone."""
        if not self._listening:
            self._listening, self._heard = True, self._matcher.heard
            self._matcher.heard = self._hear

    def _hear(self, order: Order) -> None:
        self.tell_order(order)
        if self._heard is not None:
            self._heard(order)

    def _timed(self) -> None:
        due = self.next_timer()
        self._matcher.wake(None if due is None else due.timestamp())

    def _ring(self) -> None:
        for name in self.due():
            if self.on_timer is not None:
                self.on_timer(name)
        self._timed()

    def _order(
        self,
        side: Side,
        instrument: Instrument,
        quantity: int,
        reason: str,
        price: float | None,
        trigger_price: float | None,
        product: Product | None,
    ) -> str:
        sign = 1 if side == "BUY" else -1
        return self._matcher.submit(self._lanes[instrument.key], sign, quantity, reason, price, trigger_price, product)

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
