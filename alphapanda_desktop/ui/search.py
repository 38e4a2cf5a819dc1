"""A field that finds instruments as one types, with its list below."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QLineEdit, QWidget

from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.ui.searchchips import SearchChips
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Theme
from alphapanda_desktop.ui.words import say

PAUSE_MS: Final = 80
"""Typing goes on within this time: one search for a word, not one for each letter."""

ROWS_SHOWN: Final = 12
LIMIT: Final = 40

COLUMNS: Final[tuple[Column[Instrument], ...]] = (
    Column("Symbol", value=lambda i: i.tradingsymbol, width_chars=22, elide="middle"),
    Column("Exch", value=lambda i: i.exchange, width_chars=4, colour=lambda _: "muted"),
    Column("Type", value=lambda i: i.instrument_type if i.tradable else "IDX", width_chars=4, colour=lambda _: "muted"),
    Column(
        "Expiry", value=lambda i: i.expiry, text=lambda i: f"{i.expiry:%d %b %Y}" if i.expiry else "", width_chars=11
    ),
    Column("Name", value=lambda i: i.name, width_chars=24, colour=lambda _: "muted"),
)


class SearchBox(QLineEdit):
    """Finds instruments as one types; Enter or a click picks one. Signal: `picked(Instrument)`.

    With `chips` its list has a row of them, which narrow it by exchange, kind and expiry.
    """

    picked = Signal(object)

    def __init__(self, master: InstrumentMaster, theme: Theme, parent: QWidget, *, chips: bool = False) -> None:
        super().__init__(parent)
        self._master = master
        self._over = parent
        self.setPlaceholderText(say("Search instruments: INFY, NIFTY 26000 CE, USDINR …"))
        self.setClearButtonEnabled(True)
        self.model: RowModel[Instrument] = RowModel(COLUMNS, key=lambda i: i.key, theme=theme, parent=self)
        self.results = self._build_results(parent)
        self.chips = SearchChips(parent) if chips else None
        if self.chips is not None:
            self.chips.changed.connect(self.search_now)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.search_now)
        self.textEdited.connect(lambda _: self._pause.start())
        self.textChanged.connect(lambda text: None if text else self._show(False))
        parent.installEventFilter(self)

    def _build_results(self, parent: QWidget) -> TableView:
        results = TableView(self.model, "Nothing found. Try the start of a symbol, a strike, or a month.", parent)
        results.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        results.setSortingEnabled(False)
        results.horizontalHeader().hide()
        results.horizontalHeader().setStretchLastSection(True)
        results.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        results.setFrameShape(QFrame.Shape.Box)
        results.setProperty("popup", True)
        results.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        results.clicked.connect(lambda index: self._pick(self.model.row(index)))
        results.hide()
        return results

    def search_now(self) -> None:
        """Search for what is typed, without waiting for a pause."""
        self._pause.stop()
        if not self.text().strip():
            self._show(False)
            return
        among = None
        if self.chips is not None:
            among = self.chips.among
            self.chips.show_expiries(self._master.expiries(self.text(), among))
        self.model.update(self._master.search(self.text(), LIMIT, among))
        if self.model.rowCount():
            self.results.selectRow(0)
        self._show(True)

    def _pick(self, instrument: Instrument) -> None:
        self.clear()
        self._show(False)
        self.picked.emit(instrument)

    def _show(self, shown: bool) -> None:
        self.results.setVisible(shown)
        if self.chips is not None:
            self.chips.setVisible(shown)
            if not self.text():
                self.chips.clear()
        if shown:
            self._place_results()
            self.results.raise_()

    def _place_results(self) -> None:
        top = self.mapTo(self._over, QPoint(0, self.height()))
        if self.chips is not None:
            high = self.chips.sizeHint().height()
            self.chips.setGeometry(top.x(), top.y(), self.width(), high)
            self.chips.raise_()
            top += QPoint(0, high)
        rows = min(max(self.model.rowCount(), 3), ROWS_SHOWN)
        height = rows * self.results.verticalHeader().defaultSectionSize() + 4
        self.results.setGeometry(top.x(), top.y(), self.width(), min(height, self._over.height() - top.y()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.results.isVisible():
            self._place_results()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.search_now()
            found = self.results.current_row()
            if found is not None and self.text().strip():
                self._pick(found)
        elif key == Qt.Key.Key_Escape:
            self.clear()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self.results.isVisible():
            self._step(1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def _step(self, rows: int) -> None:
        wanted = self.results.currentIndex().row() + rows
        self.results.selectRow(min(max(wanted, 0), self.model.rowCount() - 1))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show(False)
