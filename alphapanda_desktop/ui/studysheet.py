"""The indicators of a chart as a sheet: found by typing, set by their parameters, kept as templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from PySide6.QtCore import QModelIndex, QSize, QSortFilterProxyModel, QStringListModel, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QListView, QScrollArea, QVBoxLayout, QWidget

from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.studies import ROLES, Entry, Study, a_study, catalogue
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import ModelForm, Pick, field_looks
from alphapanda_desktop.ui.indicatorfields import form_of
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.words import say

OVER: Final = "Over the candles"
APART: Final = "A pane of its own"
COLOURS: Final[dict[str, Any]] = {
    "Blue": "accent", "Amber": "warn", "Violet": "unknown", "Teal": "practice", "Orange": "sell",
    "Pink": "replay", "Green": "good", "Red": "danger",
}  # fmt: skip
MOST: Final = 12
"""So many indicators go on one chart: each is worked out with every tick."""

AlertOn = Callable[[Study], object]
"""Asks for an alert on an indicator of the chart."""


class StudySheet(Sheet):
    """Adds to and takes from one plot; each change shows at once, and is kept."""

    least = QSize(860, 520)

    def __init__(
        self, plot: Plot, book: ChartBook, edge: Edge, parent: QWidget, alert_on: AlertOn | None = None
    ) -> None:
        super().__init__("study_sheet", "Indicators", edge, parent)
        self._alert_on = alert_on
        self._plot, self._book = plot, book
        self._entries = {f"{one.name}  {one.title}": one for one in catalogue()}
        self.setStyleSheet(self.styleSheet() + field_looks(edge.theme))
        columns = QHBoxLayout()
        columns.setSpacing(16)
        for column, share in ((self._build_search(), 5), (self._build_choice(), 4), (self._build_chosen(), 4)):
            columns.addLayout(column, share)
        self.body.addLayout(columns)
        self.answer = self.line("", "danger", "study_answer")
        self.body.addWidget(self.answer)
        self.setFocusProxy(self.search)
        self._show_chosen()
        self.results.setCurrentIndex(self._found.index(0, 0))

    # --- finding

    def _build_search(self) -> QVBoxLayout:
        self.search = QLineEdit(self)
        self.search.setObjectName("study_search")
        self.search.setAccessibleName(say("Find an indicator"))
        self.search.setPlaceholderText(say("RSI, average, volume, pattern…"))
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(QStringListModel(list(self._entries), self))
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.results = self._list("study_results", "Indicators that there are", self._found)
        self.search.textChanged.connect(self._seek)
        self.search.returnPressed.connect(self.add)
        self.results.selectionModel().currentChanged.connect(self._show_entry)
        self.results.activated.connect(lambda _index: self.add())
        return _column(self.search, self.results)

    def _list(self, name: str, title: str, model: QSortFilterProxyModel | QStringListModel) -> QListView:
        view = QListView(self)
        view.setObjectName(name)
        view.setAccessibleName(say(title))
        view.setModel(model)
        view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        view.setUniformItemSizes(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setTextElideMode(Qt.TextElideMode.ElideRight)
        return view

    def _seek(self, text: str) -> None:
        """What begins with the words comes before what holds them."""
        words = "".join(f"(?=.*{_escaped(word)})" for word in text.split())
        self._found.setFilterRegularExpression(f"(?i)^{words}")
        exact = [row for row in range(self._found.rowCount()) if self._name_at(row).startswith(text.upper().strip())]
        self.results.setCurrentIndex(self._found.index(exact[0] if exact else 0, 0))

    def _name_at(self, row: int) -> str:
        return str(self._found.index(row, 0).data())

    def _entry(self) -> Entry | None:
        index = self.results.currentIndex()
        return self._entries.get(str(index.data())) if index.isValid() else None

    # --- setting

    def _build_choice(self) -> QVBoxLayout:
        self.name = self.line("", "text", "study_name")
        self._room = QScrollArea(self)
        self._room.setWidgetResizable(True)
        self._room.setFrameShape(QScrollArea.Shape.NoFrame)
        self.form: ModelForm | None = None
        self.where = self._pick("study_where", "Where it is drawn", [OVER, APART])
        self.colour_pick = self._pick("study_colour", "Its colour", list(COLOURS))
        self.add_button = self.button("study_add", "Add to the chart", self.add)
        where, colour = Words(say("Drawn"), self), Words(say("Colour"), self)
        where.setBuddy(self.where)
        colour.setBuddy(self.colour_pick)
        return _column(self.name, self._room, where, self.where, colour, self.colour_pick, self.add_button)

    def _pick(self, name: str, title: str, choices: list[str]) -> Pick:
        pick = Pick(self)
        pick.setObjectName(name)
        pick.setAccessibleName(say(title))
        pick.addItems(choices)
        return pick

    def _show_entry(self, _now: QModelIndex, _before: QModelIndex | None = None) -> None:
        entry = self._entry()
        self.add_button.setEnabled(entry is not None)
        if entry is None:
            return
        tell(self.name, entry.title)
        self.form = form_of(entry, self.edge.theme, self, "study")
        holder = QWidget(self)
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.form)
        box.addStretch(1)
        self._room.setWidget(holder)
        self.where.setCurrentText(OVER if entry.over else APART)
        self.colour_pick.setCurrentIndex(len(self._plot.studies.wanted) % len(ROLES))

    def add(self) -> None:
        """Put what is chosen on the chart."""
        entry, shown = self._entry(), self._plot.studies.wanted
        if entry is None or self.form is None or self.form.judge():
            return
        if len(shown) >= MOST:
            tell(self.answer, f"{len(shown)} indicators are on this chart, {MOST} can be.")
            return
        values = cast("dict[str, float]", self.form.values())
        made = a_study(entry.name, COLOURS[self.colour_pick.currentText()], **values)
        study = Study(made.name, made.parameters, self.where.currentText() == OVER, made.role)
        if study in shown:
            tell(self.answer, f"{study.title} is on this chart already.")
            return
        self._show([*shown, study])

    # --- what is on the chart

    def _build_chosen(self) -> QVBoxLayout:
        self._chosen = QStringListModel(self)
        self.chosen = self._list("study_chosen", "Indicators on this chart", self._chosen)
        self.remove_button = self.button("study_remove", "Take off the chart", self.remove)
        tip = "Be told when it crosses a level, looked at as each bar closes"
        self.alert_button = self.button("study_alert", "Alert on this…", self.ask_alert, tip)
        self.alert_button.setVisible(self._alert_on is not None)
        self.templates = QComboBox(self)
        self.templates.setEditable(True)
        self.templates.setObjectName("study_template")
        self.templates.setAccessibleName(say("Name of a template"))
        line = self.templates.lineEdit()
        assert line is not None  # it is editable
        line.setPlaceholderText(say("Template"))
        row = QHBoxLayout()
        buttons: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("use", "Use", self.use), ("save", "Save", self.save), ("forget", "Forget", self.forget),
        )  # fmt: skip
        for name, text, work in buttons:
            row.addWidget(self.button(f"study_{name}", text, work, f"{text} the template named above"))
        head = Words(say("On this chart"), self)
        tint(head, "muted", self.edge)
        column = _column(head, self.chosen, self.alert_button, self.remove_button, self.templates)
        column.addLayout(row)
        return column

    def _show_chosen(self) -> None:
        self._chosen.setStringList([study.title for study in self._plot.studies.wanted])
        self.remove_button.setEnabled(bool(self._plot.studies.wanted))
        self.alert_button.setEnabled(bool(self._plot.studies.wanted))
        named = self.templates.currentText()
        self.templates.clear()
        self.templates.addItems(self._book.templates())
        self.templates.setEditText(named)

    def _show(self, studies: list[Study]) -> None:
        tell(self.answer, "")
        self._plot.set_studies(studies)
        self._book.keep_studies(studies)
        self._show_chosen()

    def remove(self) -> None:
        """Take the selected one off the chart; the last one where none is."""
        shown = list(self._plot.studies.wanted)
        row = self.chosen.currentIndex().row()
        if shown:
            shown.pop(row if 0 <= row < len(shown) else -1)
            self._show(shown)

    def ask_alert(self) -> None:
        """An alert on the selected one; on the last where none is."""
        shown, row = self._plot.studies.wanted, self.chosen.currentIndex().row()
        if shown and self._alert_on is not None:
            self._alert_on(shown[row if 0 <= row < len(shown) else -1])

    # --- templates

    def use(self) -> None:
        """Show the indicators of the template named, in place of those there are."""
        name = self.templates.currentText().strip()
        if name in self._book.templates():
            self._show(self._book.template(name)[:MOST])
        else:
            tell(self.answer, f"There is no template {name!r}." if name else "Name a template first.")

    def save(self) -> None:
        """Keep the indicators there are under the name given."""
        name, shown = self.templates.currentText().strip(), self._plot.studies.wanted
        if not name or not shown:
            tell(self.answer, "Name a template first." if shown else "There is no indicator on this chart to keep.")
            return
        self._book.keep_template(name, shown)
        self._show_chosen()
        tell(self.answer, "")
        self.edge.notify(f"Template {name} keeps {len(shown)} indicators.", "info")

    def forget(self) -> None:
        """Keep nothing under the name given any more."""
        self._book.keep_template(self.templates.currentText().strip(), ())
        self.templates.clearEditText()
        self._show_chosen()


def _escaped(word: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in word)


def _column(*widgets: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(6)
    for widget in widgets:
        column.addWidget(widget, 1 if isinstance(widget, QListView | QScrollArea) else 0)
    return column
