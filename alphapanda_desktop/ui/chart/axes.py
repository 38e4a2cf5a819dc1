"""The scales beside and below the panes, with the labels that ride on them.

Marks are painted on the sheet with the data; labels (`Tag`) lie over it and move without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QRegion

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.items import Floats
from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.overlay import Over, Touch, boxed
from alphapanda_desktop.ui.chart.pane import Pane, ScaleKind
from alphapanda_desktop.ui.chart.scales import LABEL_PX, TimeMark, log_marks, percent_marks, price_marks
from alphapanda_desktop.ui.theme import Role, Theme

PRICE_LABEL_PX: Final = 46.0
"""Distance of price labels from one another, about."""

AIR: Final = 6


class Tag(NamedTuple):
    """A label on an axis at a price or bar number; filled with its role's colour, or framed in it."""

    at: float
    text: str
    role: Role
    filled: bool = True


_ABOVE: Final = {"last": 1, "cursor": 2}
"""Labels that lie over all others: an order's or an alert's must not hide the price."""


class Axis(Over):
    """Base of the scales: marks from the pane beside it, tags on top of them. Its size never follows its text."""

    def __init__(self, touch: Touch, pane: Pane, labels: Labels) -> None:
        super().__init__(touch)
        self.place = QRect()
        self._pane = pane
        self._labels = labels
        self._tags: dict[str, Tag] = {}
        self._marked: list[QRect] = []

    def set_tag(self, name: str, tag: Tag | None) -> None:
        """Put, move or (None) remove a label; those named later lie on top."""
        before = self._tags.get(name)
        if tag == before:
            return
        if tag is None:
            self._tags.pop(name, None)
        else:
            self._tags[name] = tag
        self._touch_both(*(self._reach(one) for one in (before, tag) if one is not None))

    def tag(self, name: str) -> Tag | None:
        """The label of that name, or None."""
        return self._tags.get(name)

    def place_of(self, tag: Tag) -> QRect:
        """Which pixels a label covers."""
        return QRect()

    def _reach(self, tag: Tag) -> QRect:
        """The label and the marks that it may lie on."""
        return QRect()

    def places(self) -> Sequence[QRect]:
        return [self._reach(tag) for tag in self._tags.values()]

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        self._labels.begin(painter)
        names = sorted(self._tags, key=lambda name: _ABOVE.get(name, 0))
        placed = [(self._tags[name], self.place_of(self._tags[name])) for name in names]
        for _, place in placed:  # half a number is read as a wrong one: what a label touches goes whole
            for mark in self._marked:
                if mark.intersects(place):
                    painter.fillRect(mark, theme.colour("panel"))
        for tag, place in placed:
            boxed(painter, theme, place, tag.role, filled=tag.filled)
            top = place.top() + (place.height() - self._labels.height) // 2
            self._labels.draw(painter, place.right() + 1 - AIR - self._labels.width(tag.text), top, tag.text)


class PriceAxis(Axis):
    """Prices right of a pane; wide enough for the prices of its instrument, and as wide while it is shown."""

    def __init__(self, touch: Touch, pane: Pane, labels: Labels) -> None:
        super().__init__(touch, pane, labels)
        self.text_of: Callable[[float], str] = formats.price
        self.finest = 0.01
        self.count_least, self.count_limit = 1, 99
        self.wide = 60
        self.kind: ScaleKind = "linear"
        self.base = 0.0
        """Price that per cents are counted from."""
        self.has_prices = False
        """Without a price there is no scale: an empty chart shows no numbers."""
        self._made_for: tuple[object, ...] = ()
        self._marks: Floats = np.empty(0)

    def set_widest(self, text: str) -> None:
        """Make room for this text."""
        self.wide = math.ceil(self._labels.width(text) + 2 * AIR + 4)

    def words_of(self, price: float) -> str:
        """A price as this scale says it: itself, or as per cent from its base."""
        if self.kind == "percent" and self.base > 0:
            return formats.percent((price / self.base - 1) * 100)
        return self.text_of(price)

    def marks(self) -> Floats:
        """Prices that are marked in the pane now."""
        pane = self._pane
        made_for = (pane.low, pane.high, pane.log, pane.height(), self.kind, self.base, self.finest, self.has_prices)
        if made_for != self._made_for:
            self._made_for, self._marks = made_for, self._new_marks(pane)
        return self._marks

    def _new_marks(self, pane: Pane) -> Floats:
        if not self.has_prices:
            return np.empty(0)
        count = max(self.count_least, min(self.count_limit, int(pane.height() / PRICE_LABEL_PX)))
        if self.kind == "percent":
            return percent_marks(pane.low, pane.high, count, self.base)
        return (log_marks if pane.log else price_marks)(pane.low, pane.high, count, self.finest)

    def place_of(self, tag: Tag) -> QRect:
        height, y = self._labels.height + 4, min(max(float(self._pane.py(tag.at)), -1e6), 1e6)
        top = min(max(math.floor(y) - height // 2, self.place.top()), max(self.place.top(), self._last(height)))
        return QRect(self.place.left(), top, self.place.width(), height)

    def _reach(self, tag: Tag) -> QRect:
        tall = self._labels.height + 2
        return self.place_of(tag).adjusted(0, -tall, 0, tall) & self.place

    def _last(self, height: int) -> int:
        return self.place.top() + self.place.height() - height

    def draw_marks(self, painter: QPainter, theme: Theme) -> None:
        """Paint line and numbers."""
        place, tall = self.place, self._labels.height
        painter.fillRect(place.left(), place.top(), 1, place.height(), theme.colour("border"))
        painter.setPen(theme.colour("muted"))
        self._labels.begin(painter)
        marks = self.marks()
        below = math.inf
        self._marked = []
        for mark, y in zip(marks.tolist(), np.floor(self._pane.py(marks)).astype(int).tolist(), strict=True):
            top = y - tall // 2
            if place.top() <= top <= self._last(tall) and below - top >= tall + 2:
                below, text = top, self.words_of(mark)
                self._labels.draw_mark(painter, place.right() + 1 - AIR - self._labels.width(text), top, text)
                self._marked.append(QRect(place.left() + 1, top, place.width() - 1, tall))


class TimeAxis(Axis):
    """India's time below the panes; where a day begins its date stands instead."""

    def __init__(
        self, touch: Touch, pane: Pane, labels: Labels, bold: Labels, marks: Callable[[], list[TimeMark]]
    ) -> None:
        super().__init__(touch, pane, labels)
        self.marks = marks
        self._bold = bold
        self.tall = labels.height + 8

    def place_of(self, tag: Tag) -> QRect:
        width = math.ceil(self._labels.width(tag.text)) + 2 * AIR
        left = math.floor(self._pane.px(tag.at)) - width // 2
        left = min(max(left, self.place.left()), max(0, self.place.left() + self.place.width() - width))
        return QRect(left, self.place.top() + 1, width, self.place.height() - 2)

    def _reach(self, tag: Tag) -> QRect:
        wide = math.ceil(LABEL_PX)
        return self.place_of(tag).adjusted(-wide, 0, wide, 0) & self.place

    def draw_marks(self, painter: QPainter, theme: Theme) -> None:
        """Paint line, times and dates; a label is shown whole or not at all."""
        place = self.place
        self._marked = []
        painter.fillRect(place.left(), place.top(), place.width(), 1, theme.colour("border"))
        marks, pane = self._in_sight(), self._pane
        for labels, major in ((self._labels, False), (self._bold, True)):
            labels.begin(painter)
            painter.setPen(theme.colour("text" if major else "muted"))
            top = place.top() + 1 + (place.height() - labels.height) // 2
            for mark in marks:
                if mark.major is major:
                    width = labels.width(mark.text)
                    left = round(pane.px(mark.x) - width / 2)
                    labels.draw_mark(painter, left, top, mark.text)
                    self._marked.append(QRect(left - 1, top, math.ceil(width) + 2, labels.height))

    def _in_sight(self) -> list[TimeMark]:
        """Marks whose labels fit in whole."""
        pane, place = self._pane, self.place
        first, last = pane.row_at(place.left() + LABEL_PX / 2), pane.row_at(place.right() - LABEL_PX / 2)
        return [mark for mark in self.marks() if first <= mark.x <= last]
