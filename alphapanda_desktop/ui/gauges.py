"""Orders sent in the running second, minute and day, each against its limit, and who waits for a turn."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import count_of, say

BAR_PX: Final = 4
SPACE_PX: Final = 10
SIDE_PX: Final = 6
WARN_AT: Final = 0.6
FULL_AT: Final = 0.9
SHORT: Final = {"second": "/s", "minute": "/min", "day": "/day"}


class Gauge(QWidget):
    """One count against its limit: figures over a bar. `unit` is what it is counted in."""

    def __init__(self, name: str, unit: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._unit = unit
        self.used, self.limit = 0, -1
        self.setObjectName(name)
        self.setFont(ui_font(9))
        self.fill(0, 0)

    def fill(self, used: int, limit: int) -> None:
        """Show a count; nothing is done when it is shown already."""
        if (used, limit) == (self.used, self.limit):
            return
        if limit != self.limit:
            self.updateGeometry()
        self.used, self.limit = used, limit
        self.setAccessibleName(say(f"{grouped(used)} of {grouped(limit)} order requests this {self._unit}"))
        self.setToolTip(
            as_tip(say(f"{self.accessibleName()}. Entries wait when it is full; cancellations and exits go first."))
        )
        self.update()

    @property
    def text(self) -> str:
        return f"{grouped(self.used)}/{grouped(self.limit)} {SHORT[self._unit]}"

    @property
    def role(self) -> Role:
        """How near the limit it is, as a colour."""
        share = self.used / self.limit if self.limit else 0.0
        return "danger" if share >= FULL_AT else "warn" if share >= WARN_AT else "good"

    def sizeHint(self) -> QSize:
        widest = f"{grouped(self.limit)}/{grouped(self.limit)} {SHORT[self._unit]}"
        return QSize(self.fontMetrics().horizontalAdvance(widest) + 8, self.fontMetrics().height() + BAR_PX + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, painter = self._edge.theme, QPainter(self)
        painter.setPen(theme.colour("muted" if self.role == "good" else self.role))
        words = self.rect().adjusted(0, 0, 0, -BAR_PX - 1)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self.text)
        ground = QRectF(0, self.height() - BAR_PX, self.width(), BAR_PX)
        painter.fillRect(ground, theme.colour("border"))
        if self.limit:
            ground.setWidth(self.width() * min(1.0, self.used / self.limit))
            painter.fillRect(ground, theme.colour(self.role))
        painter.end()


class OrderGauges(QWidget):
    """The three gauges of one governor, and how many requests wait. Reads it once a frame."""

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._governor: Governor | None = None
        self.setObjectName("order_gauges")
        self.second = Gauge("gauge_second", "second", edge, self)
        self.minute = Gauge("gauge_minute", "minute", edge, self)
        self.day = Gauge("gauge_day", "day", edge, self)
        self._all = (self.second, self.minute, self.day)
        self.waiting = Words(self)
        self.waiting.setObjectName("gauge_waiting")
        self.waiting.setStyleSheet(f"color: {edge.theme.warn}; font-weight: 600;")
        self.waiting.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(SIDE_PX, 2, SIDE_PX, 2)
        row.setSpacing(SPACE_PX)
        for gauge in self._all:
            row.addWidget(gauge)
        row.addWidget(self.waiting)
        self.hide()

    def width_of(self, count: int) -> int:
        """The room that the first so many gauges ask for; who waits is told beside them, however few they are."""
        gaps = 2 * SIDE_PX if count else 0
        gauges = [gauge.sizeHint().width() for gauge in self._all[:count]]
        waiting = [] if self.waiting.isHidden() else [self.waiting.sizeHint().width()]
        return gaps + sum(gauges + waiting) + SPACE_PX * max(0, len(gauges + waiting) - 1)

    def show_most(self, count: int) -> None:
        """Show the first so many: the second's counts first, for it is the one that runs full."""
        for number, gauge in enumerate(self._all):
            gauge.setVisible(number < count)

    def follow(self, governor: Governor) -> None:
        """Show this governor's counts from now on."""
        first, self._governor = self._governor is None, governor
        self.show()
        self.refresh()
        if first:
            self._edge.frames.add(self, self.refresh)

    def refresh(self) -> None:
        """Read the governor anew."""
        if self._governor is None:
            return
        now = self._governor.gauges()
        self.second.fill(*now.second)
        self.minute.fill(*now.minute)
        self.day.fill(*now.day)
        self._show_waiting(now.waiting, now.why_waiting)

    def _show_waiting(self, count: int, why: str) -> None:
        words = f"{count} waiting" if count else ""
        if words != self.waiting.text():
            self.waiting.setText(say(words))
            self.waiting.setVisible(bool(count))
        if why != self.waiting.toolTip():
            self.waiting.setToolTip(as_tip(say(why)))
            self.waiting.setAccessibleName(say(f"{count_of(count, 'order request')} waiting: {why}"))
