"""Chips above the search's results that narrow them: exchange, kind, expiry. Typing the words narrows as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.search import Among
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.words import say

EXCHANGES: Final = ("NSE", "NFO", "BSE", "BFO", "MCX", "CDS")
KINDS: Final = {"EQ": "shares", "IDX": "indices", "FUT": "futures", "CE": "calls", "PE": "puts"}
TIGHT: Final = "QToolButton { padding: 2px 4px; }"


class SearchChips(QWidget):
    """What a search is narrowed to, chip by chip. Signal: `changed()`, by hand only."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("search_chips")
        self.setAccessibleName(say("Narrow the search"))
        self.setAutoFillBackground(True)
        self._exchanges = {name: self._chip(name, f"Only on {name}") for name in EXCHANGES}
        self._kinds = {name: self._chip(name, f"Only {what}") for name, what in KINDS.items()}
        self._days: dict[date, QToolButton] = {}
        first = _row([*self._exchanges.values(), *self._kinds.values()])
        first.insertSpacing(len(EXCHANGES), 10)
        self._expiries = QHBoxLayout()
        self._expiries.setSpacing(3)
        self._expiries.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(4, 3, 4, 3)
        whole.setSpacing(3)
        whole.addLayout(first)
        whole.addLayout(self._expiries)
        self.hide()

    def _chip(self, words: str, what: str) -> QToolButton:
        chip = QToolButton(self)
        chip.setText(say(words))
        chip.setToolTip(as_tip(say(what)))
        chip.setAccessibleName(say(what))
        chip.setCheckable(True)
        chip.setMinimumWidth(chip.fontMetrics().horizontalAdvance(words) + 12)
        chip.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field keeps the keyboard, and with it the list open
        chip.setStyleSheet(TIGHT)
        chip.clicked.connect(lambda _checked=False: self.changed.emit())
        return chip

    @property
    def among(self) -> Among:
        """What the ticked chips say."""
        day = next((day for day, chip in self._days.items() if chip.isChecked()), None)
        return Among(_ticked(self._exchanges.items()), _ticked(self._kinds.items()), day)

    def chip(self, words: str) -> QToolButton:
        """The chip with these words; KeyError where there is none."""
        days = {chip.text(): chip for chip in self._days.values()}
        return (self._exchanges | self._kinds | days)[words]

    def show_expiries(self, days: Sequence[date]) -> None:
        """Offer these days; one that is ticked stays ticked, and stays offered."""
        ticked = {day for day, chip in self._days.items() if chip.isChecked()}
        wanted = sorted({*days, *ticked})
        if wanted == list(self._days):
            return
        for chip in self._days.values():
            self._expiries.removeWidget(chip)
            chip.deleteLater()
        self._days = {day: self._chip(f"{day.day} {day:%b %y}", f"Only expiry {day:%d %b %Y}") for day in wanted}
        for place, (day, chip) in enumerate(self._days.items()):
            chip.setChecked(day in ticked)
            chip.clicked.connect(lambda checked=False, day=day: self._one_day(day))
            self._expiries.insertWidget(place, chip)

    def _one_day(self, chosen: date) -> None:
        for day, chip in self._days.items():
            chip.setChecked(chip.isChecked() and day == chosen)
        self.changed.emit()

    def clear(self) -> None:
        """Narrow nothing any more."""
        for chip in (*self._exchanges.values(), *self._kinds.values(), *self._days.values()):
            chip.setChecked(False)
        self.show_expiries(())


def _row(widgets: Iterable[QWidget]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(3)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row


def _ticked(chips: Iterable[tuple[str, QToolButton]]) -> frozenset[str]:
    return frozenset(name for name, chip in chips if chip.isChecked())
