"""Working orders and alerts as lines on the chart: at their prices, taken with mouse or keys, and let go elsewhere.

Nothing is changed in here: where a line was put is told, and what becomes of it is decided by who hears that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QRegion

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.overlay import Over, Touch, boxed
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.theme import Role, Theme

Owner = Literal["order", "gtt", "position", "alert"]
Part = Literal["price", "trigger", "lower", "upper", "average", "level"]

GRAB_PX: Final = 5.0
"""How near the mouse must be to take a line."""

AIR: Final = 6


class OrderLine(NamedTuple):
    """One price of one order, GTT, position or alert; `ref` is its id. An alert's `side` means nothing."""

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
        if self.owner == "alert":
            return "warn"
        return "buy" if self.side == "BUY" else "sell"


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a line is painted, in the widget's pixels; `y` is None where its price is out of sight."""

    line: OrderLine
    y: int | None
    label: QRect
    text: str


class OrderLinesItem(Over):
    """Lines with their labels at the right edge; the chosen one is filled, the moved one has a ghost."""

    def __init__(self, touch: Touch, pane: Pane, labels: Labels) -> None:
        super().__init__(touch)
        self.lines: tuple[OrderLine, ...] = ()
        self.chosen = ""
        self.ghost: tuple[OrderLine, float] | None = None
        self.words_of: Callable[[float], str] = str
        self._pane = pane
        self._labels = labels
        self._placed: list[_Placed] = []

    def set_lines(self, lines: Sequence[OrderLine]) -> None:
        """Draw these from now on."""
        if tuple(lines) != self.lines:
            self._touch_all()
            self.lines = tuple(lines)
            self.place()

    def line(self, name: str) -> OrderLine | None:
        return next((line for line in self.lines if line.name == name), None)

    def choose(self, name: str) -> None:
        if name != self.chosen:
            self.chosen = name
            self._touch_all()

    def show_ghost(self, ghost: tuple[OrderLine, float] | None) -> None:
        """Show where a line is being moved to; None when it is not."""
        if ghost != self.ghost:
            self._touch_all()
            self.ghost = ghost
            self._touch_all()

    # -- placing ---------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Find the pixels of all lines: after they changed, or the scale did."""
        inside = self._pane.place
        self._placed = []
        for line in sorted(self.lines, key=lambda one: -one.price):
            y = self._y(line.price)
            text, seen = f"{line.text}  {self.words_of(line.price)}", inside.top() <= y <= inside.bottom()
            if not seen:
                text = f"{'▲' if y < inside.top() else '▼'} {text}"
            self._placed.append(_Placed(line, y if seen else None, self._label_at(y, text), text))
        self._touch_all()

    def _y(self, price: float) -> int:
        return math.floor(min(max(float(self._pane.py(price)), -1e6), 1e6))

    def _label_at(self, y: int, text: str) -> QRect:
        """Room at the right edge, left of labels that are there already."""
        inside, width, height = self._pane.place, math.ceil(self._labels.width(text)) + 2 * AIR, self._labels.height + 3
        top = min(max(y - height // 2, inside.top()), inside.top() + inside.height() - height)
        place = QRect(inside.left() + inside.width() - width - 8, top, width, height)
        for other in sorted(self._placed, key=lambda placed: -placed.label.left()):
            if other.label.adjusted(-3, -1, 3, 1).intersects(place):
                place.moveRight(other.label.left() - 4)
        return place

    def places(self) -> Sequence[QRect]:
        inside = self._pane.place
        rows = [placed.y for placed in self._placed if placed.y is not None]
        if self.ghost is not None:
            rows.append(self._y(self.ghost[1]))
        lines = [QRect(inside.left(), y - 1, inside.width(), 2) for y in rows]
        ghost = [self._ghost_label()] if self.ghost is not None else []
        return [*lines, *(placed.label for placed in self._placed), *ghost]

    def _ghost_text(self) -> str:
        return f"→ {self.words_of(self.ghost[1])}" if self.ghost is not None else ""

    def _ghost_label(self) -> QRect:
        width, height = math.ceil(self._labels.width(self._ghost_text())) + 2 * AIR, self._labels.height + 3
        y = self._y(self.ghost[1]) if self.ghost is not None else 0
        return QRect(self._pane.place.left() + 8, y - height // 2, width, height)

    # -- painting --------------------------------------------------------------------------------------------

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        painter.save()
        painter.setClipRect(self._pane.place)
        self._labels.begin(painter)
        for placed in self._placed:
            if placed.y is not None:
                style = _STYLES[placed.line.owner, placed.line.part]
                self._draw_line(painter, theme, placed.line, placed.y, style, 2 if self._is_chosen(placed) else 1)
        for placed in self._placed:  # over all lines: words must not be struck through
            self._draw_label(painter, theme, placed.line.role, placed.label, placed.text, self._is_chosen(placed))
        if self.ghost is not None:
            line, price = self.ghost
            self._draw_line(painter, theme, line, self._y(price), Qt.PenStyle.SolidLine, 2)
            self._draw_label(painter, theme, line.role, self._ghost_label(), self._ghost_text(), filled=True)
        painter.restore()

    def _is_chosen(self, placed: _Placed) -> bool:
        return placed.line.name == self.chosen

    def _draw_line(
        self, painter: QPainter, theme: Theme, line: OrderLine, y: int, style: Qt.PenStyle, width: int
    ) -> None:
        inside = self._pane.place
        painter.setPen(QPen(theme.colour(line.role), 1, style))
        for row in range(y - width + 1, y + 1):
            painter.drawLine(inside.left(), row, inside.right(), row)

    def _draw_label(self, painter: QPainter, theme: Theme, role: Role, place: QRect, text: str, filled: bool) -> None:
        boxed(painter, theme, place, role, filled=filled)
        self._labels.draw(painter, place.left() + AIR, place.top() + 1, text)

    # -- finding ---------------------------------------------------------------------------------------------

    def at(self, x: float, y: float) -> OrderLine | None:
        """The line under a pixel of the widget, or None; a label counts as its line."""
        for placed in self._placed:
            if placed.label.contains(math.floor(x), math.floor(y)):
                return placed.line
        near = [placed for placed in self._placed if placed.y is not None and abs(placed.y - y) <= GRAB_PX]
        return min(near, key=lambda placed: abs((placed.y or 0) - y)).line if near else None


_STYLES: Final[dict[tuple[str, str], Qt.PenStyle]] = {
    ("order", "price"): Qt.PenStyle.SolidLine,
    ("order", "trigger"): Qt.PenStyle.DashLine,
    ("gtt", "lower"): Qt.PenStyle.DotLine,
    ("gtt", "upper"): Qt.PenStyle.DotLine,
    ("position", "average"): Qt.PenStyle.DashDotLine,
    ("alert", "level"): Qt.PenStyle.DashDotDotLine,
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
