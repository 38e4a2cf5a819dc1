"""The hand that draws on a chart: makes, moves and deletes drawings with the mouse or the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QObject, QPointF, Qt, Signal

from alphapanda_desktop.ui.chart.drawings import Anchor, Drawing, Kind, points_of
from alphapanda_desktop.ui.chart.drawitem import DrawingsItem

DRAGGED_PX: Final = 4.0
"""Farther than this from where it was pressed, letting go ends a line; nearer, the next press does."""


class DrawingHand(QObject):
    """Signals: `changed()` after drawings did; `tool_changed()`; `words_wanted(anchor)` where a text is to stand."""

    changed = Signal()
    tool_changed = Signal()
    words_wanted = Signal(object)

    def __init__(self, item: DrawingsItem, snap: Callable[[float], float], step: Callable[[], float]) -> None:
        super().__init__()
        self.tool: Kind | None = None
        self._item = item
        self._snap = snap
        self._step = step
        self._pressed_at = QPointF()
        self._taken: tuple[int, int | None, Anchor, Drawing] | None = None

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        return self._item.drawings

    @property
    def holding(self) -> bool:
        """Whether the mouse makes or moves one."""
        return self._taken is not None or self._item.rough is not None

    def show(self, drawings: Sequence[Drawing]) -> None:
        """Show these in place of those there were."""
        self._taken = None
        self._item.show(drawings)

    def choose_tool(self, tool: Kind | None) -> None:
        """Draw this with the next press; None draws nothing."""
        self._item.show(self.drawings)
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit()

    # --- the mouse

    def press(self, x: float, y: float) -> bool:
        """Begin or end a drawing, or take one; whether there was anything to do."""
        self._pressed_at = QPointF(x, y)
        if self._item.source is None or self._item.source.end == self._item.source.first:
            return False
        if self._item.rough is not None:
            self._end(x, y)
            return True
        if self.tool is not None:
            self._begin(self.tool, self._anchor(x, y))
            return True
        return self._take(x, y)

    def _begin(self, tool: Kind, at: Anchor) -> None:
        if tool == "text":
            self.words_wanted.emit(at)
        elif points_of(tool) == 1:
            self.add(Drawing(tool, (at,)))
        else:
            self._item.show(self.drawings, Drawing(tool, (at, at)))

    def _take(self, x: float, y: float) -> bool:
        found = self._item.at(x, y)
        self._item.show(self.drawings, chosen=found[0] if found else None)
        if found is not None:
            self._taken = (*found, self._anchor(x, y), self.drawings[found[0]])
        return found is not None

    def move(self, x: float, y: float) -> None:
        """The mouse is here."""
        at, rough = self._anchor(x, y) if self.holding else (0.0, 0.0), self._item.rough
        if rough is not None:
            self._item.show(self.drawings, rough.with_point(1, at))
        elif self._taken is not None:
            number, point, start, before = self._taken
            now = before.moved(at[0] - start[0], at[1] - start[1]) if point is None else before.with_point(point, at)
            self._item.show(_with(self.drawings, number, now), chosen=number)

    def release(self, x: float, y: float) -> None:
        """The mouse let go."""
        far = (QPointF(x, y) - self._pressed_at).manhattanLength() > DRAGGED_PX
        if self._item.rough is not None and far:
            self._end(x, y)
        elif self._taken is not None:
            moved = self.drawings[self._taken[0]] != self._taken[3]
            self._taken = None
            if moved:
                self.changed.emit()

    def _end(self, x: float, y: float) -> None:
        rough = self._item.rough
        assert rough is not None
        self.add(rough.with_point(1, self._anchor(x, y)))

    def add(self, drawing: Drawing) -> None:
        """Put one more on the chart, chosen; the hand draws no more after it."""
        self._item.show([*self.drawings, drawing], chosen=len(self.drawings))
        self.tool = None
        self.tool_changed.emit()
        self.changed.emit()

    def _anchor(self, x: float, y: float) -> Anchor:
        at_s, price = self._item.anchor_at(x, y)
        return at_s, self._snap(price)

    # --- the keys

    def key(self, key: int, *, shifted: bool = False) -> bool:
        """D takes the next drawing, arrows move it by ticks, Del deletes it, Esc lets go; whether it was one."""
        chosen = self._item.chosen
        if key == Qt.Key.Key_D.value and self.drawings:
            self.take_next()
        elif key == Qt.Key.Key_Escape.value and (self.tool is not None or chosen is not None or self.holding):
            self.choose_tool(None)
        elif chosen is None or self._item.rough is not None:
            return False
        elif key == Qt.Key.Key_Delete.value:
            self.delete_chosen()
        elif key in (Qt.Key.Key_Up.value, Qt.Key.Key_Down.value):
            ticks = (1 if key == Qt.Key.Key_Up.value else -1) * (10 if shifted else 1)
            now = self.drawings[chosen].moved(0.0, ticks * self._step())
            self._item.show(_with(self.drawings, chosen, now), chosen=chosen)
            self.changed.emit()
        else:
            return False
        return True

    def take_next(self) -> None:
        """Choose the drawing after the one chosen, or the first."""
        chosen = self._item.chosen
        if self.drawings:
            self._item.show(self.drawings, chosen=0 if chosen is None else (chosen + 1) % len(self.drawings))

    def delete_chosen(self) -> None:
        """Take the chosen one off the chart."""
        chosen = self._item.chosen
        if chosen is not None:
            self.show([one for number, one in enumerate(self.drawings) if number != chosen])
            self.changed.emit()

    def delete_all(self) -> None:
        """Take all off the chart."""
        if self.drawings:
            self.show(())
            self.changed.emit()


def _with(drawings: Sequence[Drawing], number: int, one: Drawing) -> list[Drawing]:
    return [one if k == number else kept for k, kept in enumerate(drawings)]
