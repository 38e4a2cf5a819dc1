"""Crosshair and the words that go with it: what the bar under the mouse holds, whether the price is old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsLineItem

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.items import Look
from alphapanda_desktop.ui.chart.series import CandleSource, Source, TickSource
from alphapanda_desktop.ui.theme import Role, ui_font

LEGEND_POINTS: Final = 9.0
GAP: Final = 9.0


class Word(NamedTuple):
    """A piece of a line, in the colour of its role."""

    text: str
    role: Role = "text"


def caption(instrument: Instrument, interval: str) -> list[Word]:
    """What the chart shows: symbol, exchange, interval."""
    return [Word(instrument.tradingsymbol), Word(instrument.exchange, "muted"), Word(interval, "muted")]


def readout(source: Source, row: int, decimals: int) -> list[Word]:
    """Time and values of one row; empty where there is no such row."""
    if not source.first <= row < source.end:
        return []
    at_s = float(source.times(row, row + 1)[0])
    if isinstance(source, CandleSource):
        return _candle_words(source, row, decimals, at_s)
    if isinstance(source, TickSource):
        price = float(source.series.price[row - source.first])
        volume = int(source.series.volume[row - source.first])
        return [Word(formats.ist_time(at_s), "muted"), Word(formats.price(price, decimals)), *_volume_words(volume)]
    return []


def _candle_words(source: CandleSource, row: int, decimals: int, at_s: float) -> list[Word]:
    series = source.series
    is_day = series.interval.seconds >= 86_400
    words = [Word(formats.ist_day(at_s) if is_day else formats.ist_moment(at_s), "muted")]
    start, close = float(series.open[row]), float(series.close[row])
    role: Role = "up" if close >= start else "down"
    for name, price in (("O", start), ("H", float(series.high[row])), ("L", float(series.low[row])), ("C", close)):
        words += [Word(name, "muted"), Word(formats.price(price, decimals), role)]
    words += _volume_words(int(series.volume[row]))
    if row > 0 and (before := float(series.close[row - 1])):
        change: Role = "up" if close >= before else "down"
        words.append(Word(formats.percent((close - before) * 100 / before), change))
    return words


def _volume_words(volume: int) -> list[Word]:
    return [Word(f"V {formats.volume(volume)}")] if volume else []


class Words(QGraphicsItem):
    """Lines of words over a pane; `framed` puts them on a ground of their own.

    `align` says which corner or edge of its room they keep to.
    """

    def __init__(self, look: Look, parent: Any, align: Qt.AlignmentFlag, *, framed: bool = False) -> None:
        super().__init__(parent)
        self._look = look
        self._align = align
        self._framed = framed
        self._font = ui_font(LEGEND_POINTS)
        self._metrics = QFontMetricsF(self._font)
        self._lines: tuple[tuple[Word, ...], ...] = ()
        self._room = QRectF()
        self._place = QRectF()
        self._wrapped: Word | None = None
        self.setZValue(50)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    @property
    def text(self) -> str:
        """What it says, without colours."""
        return "\n".join(" ".join(word.text for word in line) for line in self._lines)

    def set_room(self, room: QRectF) -> None:
        """The part of the pane it may use."""
        if room != self._room:
            self.prepareGeometryChange()
            self._room = room
            self._place = self._placed()
            if self._wrapped is not None:
                self.say_wrapped(*self._wrapped)

    def say(self, *lines: Sequence[Word]) -> None:
        """Show these lines; none hides it."""
        said = tuple(tuple(line) for line in lines if line)
        if said != self._lines:
            self.prepareGeometryChange()
            self._lines = said
            self._place = self._placed()
            self.update()

    def say_wrapped(self, text: str, role: Role = "text") -> None:
        """Show a sentence in as many lines as its room needs; "" hides it."""
        self._wrapped = Word(text, role)
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._metrics.horizontalAdvance(longer) <= self._room.width() - 10:
                lines[-1] = longer
            else:
                lines.append(word)
        self.say(*([Word(line, role)] for line in lines))

    def boundingRect(self) -> QRectF:
        return self._place

    def _placed(self) -> QRectF:
        if not self._lines:
            return QRectF()
        width = min(max(self._width(line) for line in self._lines), self._room.width())
        height = self._metrics.height() * len(self._lines)
        place = QRectF(self._room.left(), self._room.top(), width + 10, height + (2 if self._framed else 6))
        if self._align & Qt.AlignmentFlag.AlignRight:
            place.moveRight(self._room.right())
        if self._align & Qt.AlignmentFlag.AlignHCenter:
            place.moveCenter(self._room.center())
        return QRectF(round(place.left()), round(place.top()), round(place.width()), round(place.height()))

    def _width(self, line: Sequence[Word]) -> float:
        return sum(self._metrics.horizontalAdvance(word.text) for word in line) + GAP * (len(line) - 1)

    def paint(self, painter: QPainter, _option: Any, _widget: Any = None) -> None:
        if not self._lines:
            return
        theme, place = self._look(), self._place
        painter.setFont(self._font)
        if self._framed:
            painter.setBrush(theme.colour("panel"))
            painter.setPen(QPen(theme.colour(self._lines[0][0].role), 1))
            painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setClipRect(place)
        baseline = place.top() + (1 if self._framed else 3) + self._metrics.ascent()
        for line in self._lines:
            x = place.left() + 5
            for word in line:
                width = self._metrics.horizontalAdvance(word.text)
                if x + width > place.right() and word is not line[0]:
                    break  # a value is shown whole or not at all
                painter.setPen(theme.colour(word.role))
                painter.drawText(QPointF(x, baseline), word.text)
                x += width + GAP
            baseline += self._metrics.height()


class Crosshair:
    """One upright line through all panes and one level line through the pane under the mouse.

    They are thin items of their own: moving them uncovers a few pixels, and no data is gone through again.
    """

    def __init__(self, scene: Any, look: Look) -> None:
        self._look = look
        self._upright = QGraphicsLineItem()
        self._level = QGraphicsLineItem()
        for line in (self._upright, self._level):
            line.setZValue(40)
            line.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
            line.hide()
            scene.addItem(line)

    @property
    def shown(self) -> bool:
        return self._upright.isVisible()

    def move(self, x: float, y: float, column: QRectF, pane: QRectF) -> None:
        """Cross at a scene position; `column` is all panes, `pane` the one under the mouse."""
        pen = QPen(self._look().colour("muted"), 1, Qt.PenStyle.DotLine)
        x, y = round(x) + 0.5, round(y) + 0.5
        self._upright.setPen(pen)
        self._level.setPen(pen)
        self._upright.setLine(x, column.top(), x, column.bottom())
        self._level.setLine(pane.left(), y, pane.right(), y)
        self._upright.show()
        self._level.show()

    def hide(self) -> None:
        self._upright.hide()
        self._level.hide()
