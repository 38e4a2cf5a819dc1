"""Columns that never hide behind a sideways scroll bar: what can be spared goes while there is no room for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QHeaderView

from alphapanda_desktop.ui.tables import CellModel
from alphapanda_desktop.ui.tableview import TableView


class FittedColumns(QObject):
    """Fits a table's columns into its width; owned by the table.

    `spare` are titles, the first to go first; they come back as the table grows. `stretch` takes what is left over:
    before any column goes it is narrowed to `least_px`, which is its usual width unless told, and further last of all.
    With `scrolls` it is never narrowed further: a person has asked for more columns than there is room for.
    What is hidden is still copied with its row. `unwanted` are places that a person has taken away: they stay away.
    """

    def __init__(
        self,
        table: TableView,
        spare: Sequence[str],
        stretch: str,
        least_px: int | None = None,
        *,
        scrolls: bool = False,
    ) -> None:
        super().__init__(table)
        self._table = table
        model = table.model()
        assert isinstance(model, CellModel)
        titles = [column.title for column in model.headings]  # what the header shows is in the person's language
        self._spare = [titles.index(title) for title in spare if title in titles]
        self._stretch = titles.index(stretch)
        self._scrolls = scrolls
        self.unwanted: frozenset[int] = frozenset()
        header = table.horizontalHeader()
        self._usual = [header.sectionSize(place) for place in range(len(titles))]
        if least_px is not None:
            self._usual[self._stretch] = least_px
        header.setStretchLastSection(False)
        header.setSectionResizeMode(self._stretch, QHeaderView.ResizeMode.Stretch)
        table.viewport().installEventFilter(self)
        self.fit()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.fit()
        return False

    def fit(self) -> None:
        """Show as many columns as there is room for."""
        table, wanted = self._table, [place for place in range(len(self._usual)) if place not in self.unwanted]
        lacking = sum(map(self._width, wanted)) - table.viewport().width()
        for place in self._spare:
            if place in self.unwanted:
                continue
            gone = lacking > 0
            lacking -= self._width(place) if gone else 0
            if table.isColumnHidden(place) != gone:
                table.setColumnHidden(place, gone)
        if self._scrolls:
            self._keep_least(lacking=lacking > 0)

    def _keep_least(self, *, lacking: bool) -> None:
        header, modes = self._table.horizontalHeader(), QHeaderView.ResizeMode
        header.setSectionResizeMode(self._stretch, modes.Interactive if lacking else modes.Stretch)
        if lacking:
            header.resizeSection(self._stretch, self._usual[self._stretch])

    def leave_out(self, places: Iterable[int]) -> None:
        """Hide these whatever room there is, and give their room to the others."""
        self.unwanted = frozenset(places) - {self._stretch}
        for place in range(len(self._usual)):
            self._table.setColumnHidden(place, place in self.unwanted)
        self.fit()

    def _width(self, place: int) -> int:
        """What a column takes when it is shown; the person may have drawn it wider."""
        fixed = place != self._stretch and not self._table.isColumnHidden(place)
        return self._table.columnWidth(place) if fixed else self._usual[place]
