"""What lies over the data and moves without it: words, crosshair, the line at the last price.

Each part knows which pixels it covers. A change asks for those and no others to be shown anew, and what lies beneath
comes from the sheet: no data is gone through.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap, QRegion

from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.theme import Role, Theme

Touch = Callable[[QRect], None]
"""Asks for a rectangle of the widget to be shown anew."""

GAP: Final = 9
WORDS_AIR: Final = 5


NEAR_PX: Final = 24


class Word(NamedTuple):
    """A piece of a line, in the colour of its role."""

    text: str
    role: Role = "text"


Line = tuple[Word, ...]


class Over(ABC):
    """Base of the parts: where it is, and how it is painted."""

    def __init__(self, touch: Touch) -> None:
        self._touch = touch

    @abstractmethod
    def places(self) -> Sequence[QRect]:
        """Pixels of the widget that it covers."""

    @abstractmethod
    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        """Paint what of it is asked for, or all of it: the painter is clipped to that."""

    def _touch_both(self, *places: QRect) -> None:
        """Touch where it was and where it is: as one place if they are near, for Qt cuts what it paints into strips."""
        whole = QRect()
        for place in places:
            whole = whole.united(place)
        if sum(place.height() for place in places) + NEAR_PX >= whole.height():
            places = (whole,)
        for place in places:
            self._touch(place)

    def _touch_all(self) -> None:
        for place in self.places():
            self._touch(place)


class Words(Over):
    """Lines of words over a pane; `framed` puts them on a ground of their own.

    `align` says which corner or edge of its room they keep to.
    """

    def __init__(self, touch: Touch, labels: Labels, align: Qt.AlignmentFlag, *, framed: bool = False) -> None:
        super().__init__(touch)
        self._labels = labels
        self._align = align
        self._framed = framed
        self._lines: tuple[Line, ...] = ()
        self._widths: list[int] = []
        self._room = QRect()
        self._place = QRect()
        self._wrapped: Word | None = None

    @property
    def text(self) -> str:
        """What it says, without colours."""
        return "\n".join(" ".join(word.text for word in line) for line in self._lines)

    def places(self) -> Sequence[QRect]:
        return (self._place,) if self._lines else ()

    def set_room(self, room: QRect) -> None:
        """The part of the pane it may use."""
        if room != self._room:
            self._touch_all()
            self._room = room
            if self._wrapped is not None:
                self.say_wrapped(*self._wrapped)
            self._place = self._put()
            self._touch_all()

    def say(self, *lines: Sequence[Word]) -> None:
        """Show these lines; none hides it. Only what is different is shown anew, from the first such word on."""
        said = tuple(tuple(line) for line in lines if line)
        if said == self._lines:
            return
        before, kept, widths = self._lines, self._place, self._widths
        self._lines = said
        self._widths = [
            width if old == new else self._width(new) for old, new, width in zip(before, said, widths, strict=False)
        ] + [self._width(line) for line in said[len(before) :]]
        self._place = self._put()
        if len(before) != len(said) or self._framed or not self._align & Qt.AlignmentFlag.AlignLeft:
            self._touch(kept)
            self._touch(self._place)
            return
        right = max(kept.right(), self._place.right())
        for number, (old, new) in enumerate(zip(before, said, strict=True)):
            if old != new:
                left = kept.left() + WORDS_AIR + sum(map(self._advance, new[: _alike(old, new)]))
                top = kept.top() + 3 + number * self._labels.height
                self._touch(QRect(left, top, right + 1 - left, self._labels.height))

    def _advance(self, word: Word) -> int:
        return round(self._labels.width(word.text)) + GAP

    def say_wrapped(self, text: str, role: Role = "text") -> None:
        """Show a sentence in as many lines as its room needs; "" hides it."""
        self._wrapped = Word(text, role)
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._labels.metrics.horizontalAdvance(longer) <= self._room.width() - 2 * WORDS_AIR:
                lines[-1] = longer
            else:
                lines.append(word)
        self.say(*([Word(line, role)] for line in lines))

    def _put(self) -> QRect:
        width = max(self._widths, default=0) + 2 * WORDS_AIR
        place = QRect(self._room.left(), self._room.top(), min(width, self._room.width()), 0)
        place.setHeight(self._labels.height * len(self._lines) + (2 if self._framed else 6))
        if self._align & Qt.AlignmentFlag.AlignRight:
            place.moveRight(self._room.right())
        if self._align & Qt.AlignmentFlag.AlignHCenter:
            place.moveLeft(self._room.left() + (self._room.width() - place.width()) // 2)
        return place

    def _width(self, line: Line) -> int:
        return sum(map(self._advance, line)) - GAP

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        place = self._place
        self._labels.begin(painter)
        if self._framed:
            boxed(painter, theme, place, self._lines[0][0].role, filled=False)
        top = place.top() + (1 if self._framed else 3)
        for line in self._lines:
            row = asked.intersected(QRect(place.left(), top, place.width(), self._labels.height)).boundingRect()
            if not row.isEmpty():
                self._draw_line(painter, theme, line, top, row.left())
            top += self._labels.height

    def _draw_line(self, painter: QPainter, theme: Theme, line: Line, top: int, left: int) -> None:
        x, end = self._place.left() + WORDS_AIR, self._place.right()
        for number, word in enumerate(line):
            advance = self._advance(word)
            needs = advance + sum(map(self._advance, line[number + 1 : number + 2])) if len(word.text) == 1 else advance
            if x + needs - GAP > end and number:
                return  # a value is shown whole or not at all, and so is the letter before it
            if x + advance > left:
                painter.setPen(theme.colour(word.role))
                self._labels.draw(painter, x, top, word.text)
            x += advance


def _alike(one: Line, other: Line) -> int:
    """How many words both begin with."""
    for number, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return number
    return min(len(one), len(other))


def boxed(painter: QPainter, theme: Theme, place: QRect, role: Role, *, filled: bool) -> None:
    """Paint a label's ground: filled with its colour, or the panel's in a frame of it. Sets the pen for its words."""
    painter.fillRect(place, theme.colour(role))
    if not filled:
        painter.fillRect(place.adjusted(1, 1, -1, -1), theme.colour("panel"))
    painter.setPen(theme.colour("panel" if filled else role))


@lru_cache(16)
def dashes(width: int, height: int, colour: str, on: int, off: int) -> QPixmap:
    """A line of dashes as wide and high as this: laying it down costs less than counting its dashes each time."""
    line = QPixmap(width, height)
    line.fill(Qt.GlobalColor.transparent)
    painter = QPainter(line)
    for at in range(0, max(width, height), on + off):
        painter.fillRect(
            at if width > 1 else 0, at if height > 1 else 0, min(on, width), min(on, height), QColor(colour)
        )
    painter.end()
    return line


class Crosshair(Over):
    """One upright line through all panes and one level line through the pane under the mouse."""

    def __init__(self, touch: Touch) -> None:
        super().__init__(touch)
        self._places: tuple[QRect, ...] = ()

    @property
    def shown(self) -> bool:
        return bool(self._places)

    def places(self) -> Sequence[QRect]:
        return self._places

    def move(self, at: QPoint, column: QRect, pane: QRect) -> None:
        """Cross at a pixel; `column` is all panes, `pane` the one under the mouse."""
        upright = QRect(at.x(), column.top(), 1, column.height())
        level = QRect(pane.left(), at.y(), pane.width(), 1)
        if (upright, level) != self._places:
            self._touch_all()
            self._places = (upright, level)
            self._touch_all()

    def hide(self) -> None:
        self._touch_all()
        self._places = ()

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        for place in self._places:
            painter.drawPixmap(place.topLeft(), dashes(place.width(), place.height(), theme.muted, 1, 2))


class LastPrice(Over):
    """A dashed line at the last price, in the colour that its label has."""

    def __init__(self, touch: Touch, pane: Pane) -> None:
        super().__init__(touch)
        self.price: float | None = None
        self.role: Role = "muted"
        self._pane = pane
        self._placed: tuple[QRect, ...] = ()

    def show_price(self, price: float | None, role: Role) -> None:
        """Move the line: only where it was and where it will be is shown anew."""
        if (price, role) != (self.price, self.role):
            before = self._placed  # had the scale moved since, all would be painted anyway
            self.price, self.role = price, role
            self._touch_both(*before, *self.places())

    def places(self) -> Sequence[QRect]:
        self._placed = ()
        if self.price is not None:
            place = self._pane.place
            y = math.floor(self._pane.py(self.price))
            if place.top() <= y <= place.bottom():
                self._placed = (QRect(place.left(), y, place.width(), 1),)
        return self._placed

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        for place in self._placed:
            painter.drawPixmap(place.topLeft(), dashes(place.width(), 1, theme.colour(self.role).name(), 4, 3))
