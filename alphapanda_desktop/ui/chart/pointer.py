"""What the mouse points at: the crosshair over it, its price and time on the scales, the trade or line beneath it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolTip

from alphapanda_desktop.ui.chart.axes import Tag
from alphapanda_desktop.ui.chart.cursor import moment
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.plain import as_tip

if TYPE_CHECKING:
    from alphapanda_desktop.ui.chart.plot import Plot


class Pointer:
    """Owned by its plot. `row` is the bar pointed at, None while the mouse is elsewhere."""

    def __init__(self, plot: Plot) -> None:
        self.row: int | None = None
        self._plot = plot
        self._at: QPoint | None = None

    def point_at(self, at: QPoint) -> None:
        """Put the crosshair at a pixel of the widget, upright on the nearest bar."""
        plot, source = self._plot, self._plot.source
        panes = [plot.prices, plot.volumes, *(lower.pane for lower in plot.studies.lower)]
        pane = next((p for p in panes if p.shown and p.place.contains(at)), None)
        if pane is None or source is None or source.end == source.first:
            self.point_nowhere()
            self._show_hand(at)
            return
        self._at = at
        row = self.row = min(max(round(plot.prices.row_at(at.x())), source.first), source.end - 1)
        column = plot.prices.place
        for below in panes[1:]:
            column = column.united(below.place) if below.shown else column
        plot.crosshair.move(QPoint(math.floor(plot.prices.px(row)), at.y()), column, pane.place)
        self._label(pane, at, row)
        self._show_hand(at)
        self._tell(pane, at)

    def point_nowhere(self) -> None:
        """Take the crosshair away."""
        plot, self.row, self._at = self._plot, None, None
        plot.crosshair.hide()
        for axis in (plot.price_axis, plot.volume_axis, *(one.axis for one in plot.studies.lower), plot.time_axis):
            axis.set_tag("cursor", None)

    def repoint(self) -> None:
        """The view moved beneath the mouse: say what is there now."""
        if self._at is not None:
            self.point_at(self._at)

    def _label(self, pane: Pane, at: QPoint, row: int) -> None:
        plot = self._plot
        assert plot.source is not None
        value = pane.price_at(at.y() + 0.5)
        lower = ((one.axis, one.pane) for one in plot.studies.lower)
        for axis, owner in ((plot.price_axis, plot.prices), (plot.volume_axis, plot.volumes), *lower):
            axis.set_tag("cursor", Tag(value, axis.words_of(value), "text", False) if owner is pane else None)
        plot.time_axis.set_tag("cursor", Tag(row, moment(plot.source, row), "text", False))

    def _show_hand(self, at: QPoint) -> None:
        line = self._plot.lines.at(at.x(), at.y())
        upright = line is not None and line.movable
        if self._plot.price_axis.place.contains(at):
            shape = Qt.CursorShape.SizeVerCursor
        elif self._plot.time_axis.place.contains(at):
            shape = Qt.CursorShape.SizeHorCursor
        else:
            shape = Qt.CursorShape.SizeVerCursor if upright else Qt.CursorShape.CrossCursor
        if self._plot.viewport().cursor().shape() != shape:
            self._plot.viewport().setCursor(shape)

    def _tell(self, pane: Pane, at: QPoint) -> None:
        plot = self._plot
        marker = plot.markers.at(pane, at.x(), at.y()) if pane is plot.prices else None
        if marker is not None and marker.text:
            QToolTip.showText(plot.mapToGlobal(at), as_tip(marker.text), plot)
        elif QToolTip.isVisible():
            QToolTip.hideText()
