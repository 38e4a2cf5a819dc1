"""Words as small pictures, kept: a number on screen is put together of parts that have been drawn before.

"1,502" and ".35" come again and again while "1,502.35" may not; two pictures cost a third of laying out the words.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap

MOST: Final = 1024
"""How many pictures are kept, two to four kilobytes each."""

_AIR: Final = 2
"""Pixels at either side of a picture: letters may lean out of their width."""


class Stamp(NamedTuple):
    """A picture of words, and how wide the words are in it, in pixels of the screen's units."""

    picture: QPixmap
    width: int


class Ink(NamedTuple):
    """A colour, and the number that tells it apart: asking Qt for it costs as much as drawing."""

    colour: QColor
    rgba: int


class Stamps:
    """Pictures of words in one font, by words and colour."""

    def __init__(self, font: QFont, ratio: float = 1.0) -> None:
        self._font = QFont(font)
        self._metrics = QFontMetricsF(self._font)
        self._ratio = ratio
        self.height = round(self._metrics.height())
        """Of every picture."""
        self._made: dict[tuple[str, int], Stamp] = {}

    def fits(self, font: QFont, ratio: float) -> bool:
        """Whether these are pictures for that font on that screen."""
        return ratio == self._ratio and font == self._font

    def of(self, text: str, ink: Ink) -> Stamp:
        """The picture of these words."""
        stamp = self._made.get((text, ink.rgba))
        if stamp is None:
            if len(self._made) >= MOST:
                self._made.clear()
            stamp = self._made[text, ink.rgba] = self._draw(text, ink.colour)
        return stamp

    def draw_number(self, painter: QPainter, right: int, top: int, text: str, ink: Ink) -> None:
        """Put a number down so that it ends at `right`: what is before the decimal point, and the rest."""
        at = text.find(".")
        if at > 0:
            picture, width = self.of(text[at:], ink)
            right -= width
            painter.drawPixmap(right - _AIR, top, picture)
            text = text[:at]
        picture, width = self.of(text, ink)
        painter.drawPixmap(right - width - _AIR, top, picture)

    def draw(self, painter: QPainter, left: int, top: int, text: str, ink: Ink) -> None:
        """Put words down so that they begin at `left`."""
        painter.drawPixmap(left - _AIR, top, self.of(text, ink).picture)

    def width(self, text: str) -> int:
        """How wide words are, as they are put down by `draw`."""
        return round(self._metrics.horizontalAdvance(text))

    def elided(self, text: str, mode: Qt.TextElideMode, room: int) -> str:
        """The words with letters left out where there is no room."""
        return self._metrics.elidedText(text, mode, room)

    def _draw(self, text: str, colour: QColor) -> Stamp:
        width = self._metrics.horizontalAdvance(text)
        picture = QPixmap(int((width + 2 * _AIR + 1) * self._ratio) + 1, int(self._metrics.height() * self._ratio) + 1)
        picture.setDevicePixelRatio(self._ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setFont(self._font)
        painter.setPen(colour)
        painter.drawText(QPointF(_AIR, self._metrics.ascent()), text)
        painter.end()
        return Stamp(picture, round(width))
