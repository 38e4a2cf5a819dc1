"""A figure over two parameters as a field of colours: green gains, red loses, the best has a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from alphapanda_desktop.domain.shades import Shades
from alphapanda_desktop.ui.backtestparts import Field, Value
from alphapanda_desktop.ui.chart.items import sunk
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

AXIS_PX: Final = 74
"""Least room for the values at the left."""
HEAD_PX: Final = 44
LEAST_PX: Final = 4
WORDS_PX: Final = 44
"""A cell as wide as this has room for its figure."""
MOST_PX: Final = 110
STEPS: Final = 8
"""Shades on either side of the middle."""


class HeatMapView(QWidget):
    """Shows one field. Signal: `chosen(across, down)` with the values of a cell; arrows and Enter choose one too."""

    chosen = Signal(object, object)

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = edge.theme
        self._field: Field | None = None
        self._text_of: Callable[[float], str] = str
        self._least = False
        self._figure = ""
        self._axis_px = AXIS_PX
        self.at = (0, 0)
        """Column and row of the cell that the keyboard stands on."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(160)
        self.setObjectName("backtest_map")
        self.setAccessibleName(say("Figure over two parameters"))

    def show_field(
        self, field: Field | None, text_of: Callable[[float], str], *, least: bool, figure: str = ""
    ) -> None:
        """Show this field of a figure; `least` says that less is better."""
        self._field, self._text_of, self._least, self._figure = field, text_of, least, figure
        self._axis_px = max(AXIS_PX, self._widest(field) + 14) if field is not None else AXIS_PX
        self.at = (0, 0)
        best = self._best()
        if field is not None and best is not None:
            self.at = next((c, r) for r, row in enumerate(field.cells) for c, cell in enumerate(row) if cell == best)
        self.update()

    def _known(self) -> list[float]:
        cells = self._field.cells if self._field is not None else ()
        return [cell for row in cells for cell in row if cell is not None]

    def _best(self) -> float | None:
        known = self._known()
        return (min(known) if self._least else max(known)) if known else None

    def _widest(self, field: Field) -> int:
        words = [f"{field.down} ↓", *map(_words, field.rows)]
        return max(self.fontMetrics().horizontalAdvance(text) for text in words)

    # -- places ----------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 360)

    def place_of(self, column: int, row: int) -> QRect:
        """The pixels of a cell."""
        field = self._field
        if field is None:
            return QRect()
        wide = min(MOST_PX, max(LEAST_PX, (self.width() - self._axis_px - 8) // len(field.columns)))
        tall = min(MOST_PX // 2, max(LEAST_PX, (self.height() - HEAD_PX - 8) // len(field.rows)))
        return QRect(self._axis_px + column * wide, HEAD_PX + row * tall, wide - 1, tall - 1)

    def cell_at(self, at: QPoint) -> tuple[int, int] | None:
        """Column and row under a pixel."""
        field = self._field
        if field is None:
            return None
        cells = ((c, r) for r in range(len(field.rows)) for c in range(len(field.columns)))
        return next((cell for cell in cells if self.place_of(*cell).contains(at)), None)

    # -- painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint(painter)
        painter.end()  # not left to its end of life: the stall watchdog may hold this frame a moment longer

    def _paint(self, painter: QPainter) -> None:
        theme, field = self._theme, self._field
        painter.fillRect(self.rect(), theme.colour("panel"))
        if field is None:
            painter.setPen(theme.colour("muted"))
            words = "A sweep over two parameters is drawn here."
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
            return
        self._paint_axes(painter, field)
        known, best = self._known(), self._best()
        shades = Shades(known, self._figure, least=self._least)
        for row, cells in enumerate(field.cells):
            for column, cell in enumerate(cells):
                place = self.place_of(column, row)
                self._paint_cell(painter, place, cell, shades)
                if cell is not None and cell == best:
                    self._frame(painter, place, "text", 2)
                if (column, row) == self.at and self.hasFocus():
                    self._frame(painter, place, "accent", 2)

    def _paint_cell(self, painter: QPainter, place: QRect, cell: float | None, shades: Shades) -> None:
        if cell is None:
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "·")
            return
        good = shades.of(cell)
        role: Role = "up" if good > 0 else "down"
        painter.fillRect(place, sunk(self._theme, role, round(abs(good) * STEPS) / STEPS * 0.75))
        if place.width() >= WORDS_PX:
            painter.setPen(self._theme.colour("text"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._text_of(cell))

    def _frame(self, painter: QPainter, place: QRect, role: Role, width: int) -> None:
        painter.setPen(QPen(self._theme.colour(role), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)

    def _paint_axes(self, painter: QPainter, field: Field) -> None:
        painter.setPen(self._theme.colour("muted"))
        top = QRect(self._axis_px, 2, self.width() - self._axis_px, HEAD_PX // 2)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"{field.across} →")
        corner = QRect(2, HEAD_PX // 2, self._axis_px - 8, HEAD_PX // 2)
        painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{field.down} ↓")
        painter.setPen(self._theme.colour("text"))
        columns = _thinned(field.columns, self.place_of(0, 0).width() + 1, 38)
        for column in columns:
            place = self.place_of(column, 0)
            head = QRect(place.center().x() - 30, HEAD_PX // 2, 60, HEAD_PX // 2)
            painter.drawText(head, Qt.AlignmentFlag.AlignCenter, _words(field.columns[column]))
        tall = self.fontMetrics().height()
        for row in _thinned(field.rows, self.place_of(0, 0).height() + 1, tall):
            place = self.place_of(0, row)
            side = QRect(2, place.center().y() - tall // 2, self._axis_px - 8, tall)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(side, align, _words(field.rows[row]))

    # -- choosing --------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        field, (column, row) = self._field, self.at
        if field is not None:
            self.chosen.emit(field.columns[column], field.rows[row])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position().toPoint())
        if cell is not None:
            self.at = cell
            self.update()
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }  # fmt: skip
        step, field = steps.get(Qt.Key(event.key())), self._field
        if field is not None and step is not None:
            column, row = self.at[0] + step[0], self.at[1] + step[1]
            self.at = min(max(column, 0), len(field.columns) - 1), min(max(row, 0), len(field.rows) - 1)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._tell(event)
            return True
        return super().event(event)

    def _tell(self, event: QHelpEvent) -> None:
        field, cell = self._field, self.cell_at(event.pos())
        if field is None or cell is None:
            QToolTip.hideText()
            return
        column, row = cell
        value = field.cells[row][column]
        words = f"{field.across} {_words(field.columns[column])}, {field.down} {_words(field.rows[row])}"
        found = self._text_of(value) if value is not None else "no candidate: skipped, failed, or too few trades"
        QToolTip.showText(event.globalPos(), as_tip(f"{words}\n{found}"), self)


def _thinned(values: Sequence[Value], wide: int, room: int) -> range:
    return range(0, len(values), max(1, -(-room // max(1, wide))))


def _words(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
