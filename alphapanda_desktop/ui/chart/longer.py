"""A second time frame of the same instrument beneath a chart, with a scale and a window of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.ui.chart.view import ChartMarket

Dresses = Callable[[BarSeries, Instrument], CandleSource]
"""Makes of bars what is drawn of them: candles of the chart's kind."""


class LongerPane(Plot):
    """Follows the plot above: its drawings, its crosshair, its colours. `loading` is the history on its way."""

    def __init__(self, edge: Edge, market: ChartMarket, above: Plot, parent: QWidget) -> None:
        super().__init__(lambda: edge.theme, parent)
        self.setObjectName("chart_longer")
        self.setAccessibleName(say("The second time frame"))
        self.loading: asyncio.Task[None] | None = None
        self._edge, self._market, self._above = edge, market, above
        # The keys are the chart's. No focus proxy: PySide 6.11.2 takes that for a child, and with this pane's
        # end the chart's actions would end as well.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        above.pointed.connect(self._point)
        above.left.connect(self.point_nowhere)
        self.hand.changed.connect(self._give_drawings)

    def chart(self, instrument: Instrument, interval: Interval, made: Dresses) -> None:
        """Show this one's bars of that length, drawn as the plot above draws its own."""
        self.stop_loading()
        series = self._market.live_series(instrument, interval)
        self.show_source(made(series, instrument), instrument, interval.label)
        self.say_status(say("loading history…"))
        self.loading = self._edge.spawn("chart history beneath", self._fill(instrument, interval))

    async def _fill(self, instrument: Instrument, interval: Interval) -> None:
        try:
            await self._market.series(instrument, interval)
        except AlphaPandaError as error:
            self.say_status(say(f"History could not be loaded: {str(error).rstrip('.')}."), "warn")
        else:
            self.say_status("")
            self.refresh()

    def stop_loading(self) -> None:
        """Wait for no history any more."""
        if self.loading is not None:
            self.loading.cancel()
            self.loading = None

    def frame(self) -> None:
        """Take what is new, here and above."""
        above = self._above
        if self.drawn.drawings is not above.drawn.drawings and not self.hand.holding:
            self.hand.show(above.drawn.drawings)
            self.drawn.drawings = above.drawn.drawings
        if self.dress != above.dress:
            self.set_dress(above.dress)
        if self.notice.text and self.loading is not None and self.loading.done() and self.source is not None:
            self.say_status("" if self.source.end else self.notice.text)
        self.refresh()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._above.setFocus()
        super().mousePressEvent(event)

    def _give_drawings(self) -> None:
        self._above.hand.show(self.drawn.drawings)
        self._above.hand.changed.emit()

    def _point(self, at: QPoint) -> None:
        """The crosshair above, at its time and price."""
        row, source = self._above.pointer.row, self.source
        mine = source.row_at(self._time_of(row)) if row is not None and source is not None and source.end else None
        if mine is None:
            self.point_nowhere()
            return
        y = float(self.prices.py(self._above.prices.price_at(at.y() + 0.5)))
        inside = self.prices.place
        seen = self._above.prices.place.contains(at) and inside.top() <= y <= inside.bottom()
        self.point_at(QPoint(int(self.prices.px(mine)), int(y) if seen else inside.bottom()))

    def _time_of(self, row: int) -> float:
        source = self._above.source
        assert source is not None  # a row is pointed at
        return float(source.times(row, row + 1)[0])
