"""Alerts as a panel: what is set, with the value as it is now, beside what has fired and whether anybody saw it.

Object names: `alert_table`, `alert_history`, `alert_new`, `alert_arm`, `alert_remove`, `alert_seen`, `alert_seen_all`,
`alert_words`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QSplitter, QWidget

from alphapanda_desktop.domain.alerts import Alert, Firing, Kind, Rule, finely, words_of
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, button, muted, seconds, stack
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

NOW_EVERY_FRAMES: Final = 30
"""How often the values as they are now are read: about once a second."""

UNITS: Final = {
    Kind.PRICE: "", Kind.MOVE: " %", Kind.INDICATOR: "", Kind.PNL: "", Kind.SESSION: " min", Kind.FEED: " s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert, and the value that it watches as it is now."""

    alert: Alert
    now: float | None
    waits: str = ""
    """Why there is no value yet."""

    @property
    def state(self) -> tuple[str, Role]:
        """A shape, a word and their colour."""
        if self.alert.why_not:
            return "! cannot fire", "warn"
        if self.alert.armed and self.waits:
            return "… waiting", "warn"
        return ("● armed", "good") if self.alert.armed else ("✓ told", "muted")


def value_words(rule: Rule, value: float | None) -> str:
    """A value that a rule looks at, with its unit; a dash where there is none."""
    if value is None or rule.kind not in UNITS:
        return formats.DASH
    if rule.kind is Kind.PNL:
        return formats.rupees(value)
    if rule.kind is Kind.INDICATOR:
        return formats.grouped(value, finely(rule, value))
    return f"{formats.grouped(value, 0 if rule.kind in (Kind.FEED, Kind.SESSION) else 2)}{UNITS[rule.kind]}"


def _why(row: Standing) -> str:
    return row.alert.why_not or row.waits or words_of(row.alert.rule, formats.grouped)


def _sentence(row: Standing) -> str:
    rule = row.alert.rule
    return f"{words_of(rule, formats.grouped)}{f' — {rule.note}' if rule.note else ''}"


COLUMNS: Final[tuple[Column[Standing], ...]] = (
    Column("State", lambda r: r.state[0], width_chars=12, colour=lambda r: r.state[1], chip=lambda r: r.state[1],
           tooltip=_why),
    Column("Now", lambda r: r.now, lambda r: value_words(r.alert.rule, r.now), "right", 12),
    Column("Told", lambda r: seconds(r.alert.fired_at), lambda r: formats.ist_time(r.alert.fired_at), width_chars=8,
           colour=lambda _: "muted", header_tooltip="When it fired last"),
    Column("Tell me when", _sentence, width_chars=24, tooltip=_why),
)  # fmt: skip

HISTORY: Final[tuple[Column[Firing], ...]] = (
    Column("Told", lambda f: seconds(f.at), lambda f: formats.ist_moment(f.at), width_chars=22),
    Column("Seen", lambda f: seconds(f.seen_at), lambda f: "✓ seen" if f.seen_at else "● new", width_chars=8,
           colour=lambda f: "muted" if f.seen_at else "warn", chip=lambda f: "muted" if f.seen_at else "warn"),
    Column("What", lambda f: f.text, width_chars=20, tooltip=lambda f: f.text),
)  # fmt: skip


class AlertsPanel(BookPanel):
    """Alerts of one venue. Signals: `new_wanted()`, `chart_wanted(key)`."""

    new_wanted = Signal()
    chart_wanted = Signal(str)

    def __init__(self, book: AlertBook, edge: Edge, mode: str, parent: QWidget | None = None) -> None:
        self._frames = 0
        super().__init__(edge, parent)
        self._book = book
        self._mode = mode
        self.model: RowModel[Standing] = RowModel(COLUMNS, key=lambda r: r.alert.id, theme=edge.theme, parent=self)
        self.history_model: RowModel[Firing] = RowModel(HISTORY, key=lambda f: f.id, theme=edge.theme, parent=self)
        self.table = self._table(self.model, "No alert is set: N sets one.", "alert_table", "Alerts that are set")
        self.history = self._table(self.history_model, "No alert has fired yet.", "alert_history", "What alerts told")
        self.table.opened.connect(lambda row: self._chart(row.alert.rule.key))
        self.history.opened.connect(lambda firing: self._chart(firing.key))
        self.table.menu_for = self._menu
        self.history.menu_for = self._history_menu
        self._build()
        connect(book.changed, self, self.mark)

    def _table(self, model: RowModel[Standing] | RowModel[Firing], empty: str, name: str, words: str) -> TableView:
        table = TableView(model, empty, self)
        table.setObjectName(name)
        table.setAccessibleName(say(words))
        table.chosen.connect(lambda _row: self._show_buttons())
        return table

    def _build(self) -> None:
        make: Callable[..., QWidget] = button
        self.new = make(self, "New alert…", "alert_new", "Set an alert (N)", self.new_wanted.emit)
        self.arm = make(self, "Arm again", "alert_arm", "Watch the selected alert once more (R)", self.arm_selected)
        self.remove = make(self, "Remove", "alert_remove", "Forget the selected alert (Del)", self.remove_selected)
        self.seen = make(self, "Seen", "alert_seen", "Acknowledge the selected news (A)", self.see_selected)
        self.seen_all = make(self, "All seen", "alert_seen_all", "Acknowledge all (Shift+A)", self.see_all)
        self.words = muted(self, self._edge)
        self.words.setObjectName("alert_words")
        both = QSplitter(Qt.Orientation.Horizontal, self)
        both.setChildrenCollapsible(False)
        both.addWidget(self.table)
        both.addWidget(self.history)
        both.setSizes([560, 560])
        self.history.horizontalHeader().setStretchLastSection(True)
        stack(self, both, self.table, self.words, self.new, self.arm, self.remove, self.seen, self.seen_all)
        self._show_buttons()

    # -- showing ---------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        self._frames = (self._frames + 1) % NOW_EVERY_FRAMES
        if self._old:
            self._old = False
            self.redraw()
        elif not self._frames:
            self.model.touch(self._standing(alert) for alert in self._book.alerts)

    def redraw(self) -> None:
        self.model.update(self._standing(alert) for alert in reversed(self._book.alerts))
        self.history_model.update(self._book.firings)
        armed, new = sum(alert.armed for alert in self._book.alerts), self._book.unseen
        self.words.setText(say(f"{count_of(armed, 'alert')} armed · {f'● {new} not seen' if new else 'all seen'}"))
        self._show_buttons()

    def _standing(self, alert: Alert) -> Standing:
        values = self._book.values
        now = values.now(alert.rule)
        return Standing(alert, now, values.waits(alert.rule) if now is None else "")

    def _show_buttons(self) -> None:
        if not hasattr(self, "seen_all"):
            return
        alert, firing = self._selected(), self._selected_news()
        self.arm.setEnabled(alert is not None and not alert.armed)
        self.remove.setEnabled(alert is not None)
        self.seen.setEnabled(firing is not None and firing.seen_at is None)
        self.seen_all.setEnabled(self._book.unseen > 0)

    def _selected(self) -> Alert | None:
        row = self.table.current_row()
        alert: Alert | None = row.alert if row is not None else None
        return alert

    def _selected_news(self) -> Firing | None:
        firing: Firing | None = self.history.current_row()
        return firing

    # -- what the person does --------------------------------------------------------------------------------

    def _chart(self, key: str) -> None:
        if key:
            self.chart_wanted.emit(key)

    def arm_selected(self) -> None:
        """Watch the selected alert once more."""
        alert = self._selected()
        if alert is not None:
            self._edge.spawn("arm an alert", self._book.rearm(alert.id))

    def remove_selected(self) -> None:
        """Forget the selected alert."""
        alert = self._selected()
        if alert is not None:
            self._edge.spawn("remove an alert", self._book.remove(alert.id))

    def see_selected(self) -> None:
        """Acknowledge the selected news."""
        firing = self._selected_news()
        if firing is not None:
            self._edge.spawn("acknowledge", self._book.acknowledge(firing.id))

    def see_all(self) -> None:
        """Acknowledge all news."""
        self._edge.spawn("acknowledge all", self._book.acknowledge_all())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Delete:
                self.remove_selected()
            case Qt.Key.Key_N:
                self.new_wanted.emit()
            case Qt.Key.Key_R:
                self.arm_selected()
            case Qt.Key.Key_A:
                self.see_all() if shifted else self.see_selected()
            case _:
                super().keyPressEvent(event)

    def _menu(self, row: Standing) -> list[QAction]:
        actions = []
        if row.alert.rule.key:
            actions.append(action("Show chart\tEnter", lambda: self._chart(row.alert.rule.key)))
        if not row.alert.armed:
            actions.append(action("Arm again\tR", self.arm_selected))
        return [*actions, action("Remove\tDel", self.remove_selected)]

    def _history_menu(self, firing: Firing) -> list[QAction]:
        actions = [action("Show chart\tEnter", lambda: self._chart(firing.key))] if firing.key else []
        if firing.seen_at is None:
            actions.append(action("Seen\tA", self.see_selected))
        return [*actions, action("All seen\tShift+A", self.see_all)]
