"""Lines, columns and dots of an indicator, in a pane of their own or over the candles."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPen

from alphapanda_desktop.ui.chart.items import FAR_PX, Floats, Item, body_width, sunk
from alphapanda_desktop.ui.chart.overlay import Word
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import CandleSource, visible
from alphapanda_desktop.ui.chart.strokes import Lines, Rects, inside
from alphapanda_desktop.ui.chart.studies import ROLES, Curve, Drawn, Study
from alphapanda_desktop.ui.theme import Role, Theme

DOT_PX: Final = 3
REACH_PX: Final = 3
"""How far a line's ends and corners reach beyond its points."""


class StudyItem(Item):
    """One indicator over the bars of a source."""

    def __init__(self, study: Study, source: CandleSource) -> None:
        self.study = study
        self.curve = Curve(study, source.studied)
        self._source = source
        self.roles = _roles(study.role, self.curve)
        self._lines, self._rects = Lines(), Rects()

    def drawn(self, pane: Pane, left: float, right: float) -> Drawn:
        """Values between two places in bar numbers, joined as the candles are, with a neighbour on either side."""
        factor = self._factor(pane)
        first, end = visible(left - 2 * factor, right + 2 * factor, 0, self._source.end, factor)
        return self.curve.between(first, end, factor)

    def _factor(self, pane: Pane) -> int:
        return self._source.factor(pane.x1 - pane.x0, pane.width())

    def extremes(self, pane: Pane) -> tuple[float, float] | None:
        """Lowest and highest value in sight, or None."""
        values = self.drawn(pane, pane.x0, pane.x1).y
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if values.size else None

    def words(self, row: int, text_of: object) -> list[Word]:
        """Its name and what its lines are worth at a bar."""
        said = [Word(self.study.title, "muted")]
        for value, role in zip(self.curve.at(row).tolist(), self.roles, strict=True):
            if math.isfinite(value):
                said.append(Word(text_of(value) if callable(text_of) else str(value), role))
        return said

    # --- painting

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        found = self.drawn(pane, pane.row_at(part.left()), pane.row_at(part.right() + 1))
        x = np.floor(pane.px(found.x))
        y = np.clip(pane.py(found.y), -FAR_PX, FAR_PX)
        for number in self._columns_first():
            role, shape = self.roles[number], self.curve.shapes[number]
            if shape == "columns":
                self._draw_columns(painter, pane, theme, role, x, y[number])
            elif shape == "dots":
                self._draw_dots(painter, theme, role, x, y[number])
            else:
                self._draw_line(painter, pane, theme, role, x + 0.5, y[number])

    def _columns_first(self) -> list[int]:
        return sorted(range(len(self.roles)), key=lambda number: self.curve.shapes[number] != "columns")

    def _draw_line(self, painter: QPainter, pane: Pane, theme: Theme, role: Role, x: Floats, y: Floats) -> None:
        there = np.isfinite(y[:-1]) & np.isfinite(y[1:])
        self._lines.set(*inside(pane.place, x[:-1][there], y[:-1][there], x[1:][there], y[1:][there]))
        pen = QPen(theme.colour(role), 1.0)  # a thicker one is painted seven times slower
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)  # others are not painted alike in parts and whole
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(pen)
        self._lines.paint(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_columns(self, painter: QPainter, pane: Pane, theme: Theme, role: Role, x: Floats, y: Floats) -> None:
        there = np.isfinite(y)
        width, zero = self._width(pane), math.floor(min(max(float(pane.py(0.0)), -FAR_PX), FAR_PX))
        tip, left = np.floor(y[there]), x[there] - (width - 1) / 2
        top = np.minimum(tip, zero)
        self._rects.set(left, top, np.full_like(left, width), np.maximum(np.abs(tip - zero), 1.0))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(sunk(theme, role, 0.6))
        self._rects.paint(painter)

    def _draw_dots(self, painter: QPainter, theme: Theme, role: Role, x: Floats, y: Floats) -> None:
        there = np.isfinite(y)
        left, top = x[there] - DOT_PX // 2, np.floor(y[there]) - DOT_PX // 2
        self._rects.set(left, top, np.full_like(left, DOT_PX), np.full_like(left, DOT_PX))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(role))
        self._rects.paint(painter)

    def _width(self, pane: Pane) -> int:
        return body_width(pane.bar_px * self._factor(pane))

    # --- the newest bar

    def place_of_last(self, pane: Pane) -> QRect:
        """All pixels that the newest value moves: its dot or column, and the lines from the value before."""
        factor, end = self._factor(pane), self._source.end
        if not end or end - 1 > pane.x1 + 2 * factor or end - 1 < pane.x0 - 2 * factor:
            return QRect()
        found = self.curve.between(end - 1 - factor, end, factor)
        y = np.clip(pane.py(found.y), -FAR_PX, FAR_PX)
        heights = y[np.isfinite(y)].tolist()
        if "columns" in self.curve.shapes:
            heights.append(float(min(max(float(pane.py(0.0)), -FAR_PX), FAR_PX)))
        if not heights:
            return QRect()
        half, edges = self._width(pane) // 2 + REACH_PX, np.floor(pane.px(found.x)).tolist()
        left, right = math.floor(edges[0]) - half, math.floor(edges[-1]) + half
        top, bottom = math.floor(min(heights)) - REACH_PX, math.ceil(max(heights)) + REACH_PX
        return QRect(left, top, right - left + 1, bottom - top + 1) & pane.place


class GuidesItem(Item):
    """Dashes at the levels that mean something to an indicator."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.levels = levels

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        for level in self.levels:
            y = math.floor(pane.py(level))
            if part.top() <= y <= part.bottom():
                for x in range(part.left() // 8 * 8, part.right() + 1, 8):  # counted from the edge: alike in parts
                    painter.fillRect(x, y, 4, 1, theme.colour("border"))


def _roles(first: Role, curve: Curve) -> list[Role]:
    """Colours of the lines: an upper and a lower limit have the same."""
    start = ROLES.index(first) if first in ROLES else 0
    if "upperband" in curve.names:
        return [
            first if "band" in name and name != "middleband" else ROLES[(start + 1) % len(ROLES)]
            for name in curve.names
        ]
    return [ROLES[(start + k) % len(ROLES)] for k in range(len(curve.shown))]
