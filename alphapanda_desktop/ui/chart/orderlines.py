"""Working orders as lines on the chart: drawn at their prices, taken with the mouse or the keys, and let go elsewhere.

Nothing is changed in here: where a line was put is told, and what becomes of it is decided by who hears that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui.chart.items import Frame, Look, PaneItem
from alphapanda_desktop.ui.theme import Role, Theme, ui_font

Owner = Literal["order", "gtt", "position"]
Part = Literal["price", "trigger", "lower", "upper", "average"]

GRAB_PX: Final = 5.0
"""How near the mouse must be to take a line."""

LABEL_POINTS: Final = 8.5
AIR: Final = 6.0


class OrderLine(NamedTuple):
    """One price of one order, GTT or position; `ref` is its order id or GTT id."""

    owner: Owner
    ref: str
    part: Part
    price: float
    side: Side
    text: str
    movable: bool = True

    @property
    def name(self) -> str:
        return f"{self.owner} {self.ref} {self.part}"

    @property
    def role(self) -> Role:
        if self.owner == "position":
            return "muted"
        return "buy" if self.side == "BUY" else "sell"


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a line is painted, in the pane's pixels; `y` is None where its price is out of sight."""

    line: OrderLine
    y: float | None
    label: QRectF
    text: str


class OrderLinesItem(PaneItem):
    """Lines with their labels at the right edge; the chosen one is filled, the moved one has a ghost."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.lines: tuple[OrderLine, ...] = ()
        self.chosen = ""
        self.ghost: tuple[OrderLine, float] | None = None
        self.words_of: Callable[[float], str] = str
        self._font = ui_font(LABEL_POINTS)
        self._metrics = QFontMetricsF(self._font)
        self._placed: list[_Placed] = []
        self._ghost_y: float | None = None
        self._width = 0.0
        self.setZValue(20)

    def set_lines(self, lines: Sequence[OrderLine]) -> None:
        """Draw these from now on."""
        if tuple(lines) != self.lines:
            self.lines = tuple(lines)
            self.changed()

    def line(self, name: str) -> OrderLine | None:
        return next((line for line in self.lines if line.name == name), None)

    def choose(self, name: str) -> None:
        if name != self.chosen:
            self.chosen = name
            self.changed()

    def show_ghost(self, ghost: tuple[OrderLine, float] | None) -> None:
        """Show where a line is being moved to; None when it is not."""
        if ghost != self.ghost:
            self.ghost = ghost
            self.changed()

    # -- laying out ------------------------------------------------------------------------------------------

    def lay_out(self, frame: Frame) -> None:
        self._width = frame.width
        self._placed = []
        for line in sorted(self.lines, key=lambda one: -one.price):
            y = float(np.floor(frame.py(line.price))) + 0.5
            text, seen = f"{line.text}  {self.words_of(line.price)}", 0 <= y <= frame.height
            if not seen:
                text = f"{'▲' if y < 0 else '▼'} {text}"
            label = self._label_at(y, text, frame)
            self._placed.append(_Placed(line, y if seen else None, label, text))
        self._ghost_y = None if self.ghost is None else float(np.floor(frame.py(self.ghost[1]))) + 0.5

    def _label_at(self, y: float, text: str, frame: Frame) -> QRectF:
        """Room at the right edge, left of labels that are there already."""
        width, height = self._metrics.horizontalAdvance(text) + 2 * AIR, self._metrics.height() + 3
        top = min(max(y - height / 2, 0.0), frame.height - height)
        place = QRectF(round(frame.width - width - 8), round(top), round(width), round(height))
        for other in sorted(self._placed, key=lambda placed: -placed.label.left()):
            if other.label.adjusted(-3, -1, 3, 1).intersects(place):
                place.moveRight(other.label.left() - 4)
        return place

    # -- painting --------------------------------------------------------------------------------------------

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setFont(self._font)
        for placed in self._placed:
            self._draw_line(painter, theme, placed)
        for placed in self._placed:  # over all lines: words must not be struck through
            is_chosen = placed.line.name == self.chosen
            self._draw_label(painter, theme, placed.line.role, placed.label, placed.text, filled=is_chosen)
        if self.ghost is not None and self._ghost_y is not None:
            line, price = self.ghost
            painter.setPen(QPen(theme.colour(line.role), 2))
            painter.drawLine(QPointF(0, self._ghost_y), QPointF(self._width, self._ghost_y))
            text = f"→ {self.words_of(price)}"
            width = self._metrics.horizontalAdvance(text) + 2 * AIR
            self._draw_label(painter, theme, line.role, QRectF(8, self._ghost_y - 9, width, 18), text, filled=True)

    def _draw_line(self, painter: QPainter, theme: Theme, placed: _Placed) -> None:
        line = placed.line
        if placed.y is not None:
            width = 2 if line.name == self.chosen else 1
            painter.setPen(QPen(theme.colour(line.role), width, _STYLES[line.owner, line.part]))
            painter.drawLine(QPointF(0, placed.y), QPointF(self._width, placed.y))

    def _draw_label(
        self, painter: QPainter, theme: Theme, role: Role, place: QRectF, text: str, *, filled: bool
    ) -> None:
        painter.setPen(QPen(theme.colour(role), 1))
        painter.setBrush(theme.colour(role if filled else "panel"))
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(theme.colour("panel" if filled else role))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    # -- finding ---------------------------------------------------------------------------------------------

    def at(self, x: float, y: float) -> OrderLine | None:
        """The line under a pixel of the pane, or None; a label counts as its line."""
        for placed in self._placed:
            if placed.label.contains(x, y):
                return placed.line
        near = [placed for placed in self._placed if placed.y is not None and abs(placed.y - y) <= GRAB_PX]
        return min(near, key=lambda placed: abs((placed.y or 0.0) - y)).line if near else None


_STYLES: Final[dict[tuple[str, str], Qt.PenStyle]] = {
    ("order", "price"): Qt.PenStyle.SolidLine,
    ("order", "trigger"): Qt.PenStyle.DashLine,
    ("gtt", "lower"): Qt.PenStyle.DotLine,
    ("gtt", "upper"): Qt.PenStyle.DotLine,
    ("position", "average"): Qt.PenStyle.DashDotLine,
}


class LineGrip(QObject):
    """The hand on the lines. Signals: `moved(OrderLine, price)` where one was let go, `cancelled(OrderLine)`.

    After `moved` the ghost stays until `let_go`: the question is about what can be seen.
    """

    moved = Signal(object, float)
    cancelled = Signal(object)

    def __init__(self, item: OrderLinesItem, snap: Callable[[float], float], step: Callable[[], float]) -> None:
        super().__init__()
        self._item = item
        self._snap = snap
        self._step = step
        self._held: OrderLine | None = None

    @property
    def holding(self) -> bool:
        """Whether the mouse holds a line."""
        return self._held is not None

    # -- the mouse -------------------------------------------------------------------------------------------

    def press(self, x: float, y: float) -> bool:
        """Take the line under the mouse; whether there was one."""
        line = self._item.at(x, y)
        self._item.choose(line.name if line is not None else "")
        self._item.show_ghost(None)
        self._held = line if line is not None and line.movable else None
        return line is not None

    def drag(self, price: float) -> None:
        """Move the held line to this price, on a tick."""
        if self._held is not None:
            wanted = self._snap(price)
            self._item.show_ghost((self._held, wanted) if wanted > 0 and wanted != self._held.price else None)

    def release(self) -> None:
        """Let the held line go where it is."""
        if self._held is not None:
            self._held = None
            self._tell()

    def _tell(self) -> None:
        if self._item.ghost is not None:
            self.moved.emit(*self._item.ghost)

    def let_go(self) -> None:
        """Forget where a line was moved to."""
        self._held = None
        self._item.show_ghost(None)

    # -- the keys --------------------------------------------------------------------------------------------

    def key(self, key: int, *, shifted: bool = False) -> bool:
        """L takes the next line, arrows move it by ticks, Enter asks, Del cancels, Esc lets go; whether it was one."""
        line = self._item.line(self._item.chosen)
        if key == Qt.Key.Key_L.value:
            self._choose_next()
        elif line is None:
            return False
        elif key in (Qt.Key.Key_Up.value, Qt.Key.Key_Down.value) and line.movable:
            self._nudge(line, (1 if key == Qt.Key.Key_Up.value else -1) * (10 if shifted else 1))
        elif key in (Qt.Key.Key_Return.value, Qt.Key.Key_Enter.value):
            self._tell()
        elif key == Qt.Key.Key_Delete.value and line.owner != "position":
            self.cancelled.emit(line)
        elif key == Qt.Key.Key_Escape.value:
            self.let_go()
            self._item.choose("")
        else:
            return False
        return True

    def _choose_next(self) -> None:
        names = [line.name for line in self._item.lines if line.owner != "position"]
        self.let_go()
        if names:
            place = names.index(self._item.chosen) + 1 if self._item.chosen in names else 0
            self._item.choose(names[place % len(names)])

    def _nudge(self, line: OrderLine, ticks: int) -> None:
        ghost = self._item.ghost
        start = ghost[1] if ghost is not None and ghost[0].name == line.name else line.price
        wanted = self._snap(start + ticks * self._step())
        self._item.show_ghost((line, wanted) if wanted > 0 and wanted != line.price else None)
