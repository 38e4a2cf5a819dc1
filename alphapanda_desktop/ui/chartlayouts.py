"""A chart's second time frame and its kept layouts, as menus, and the sheet that keeps a layout under a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QWidget

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.layouts import ChartLayout, layout_from
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import field_looks
from alphapanda_desktop.ui.sheet import Sheet, tell
from alphapanda_desktop.ui.words import say

Lay = Callable[[str, Callable[[], Sheet]], object]


class LongerMenu(QMenu):
    """Which second time frame a chart shows beneath, ticked."""

    def __init__(self, chart: ChartView, parent: QWidget) -> None:
        super().__init__(say("&Second time frame"), parent)
        self._chart = chart
        group = QActionGroup(self)
        self.choices = {"": self._add(say("None"), None, group)}
        for interval in Interval:
            self.choices[interval.label] = self._add(say(f"Candles of {interval.label} beneath"), interval, group)
        chart.longer_changed.connect(self._tick)
        self._tick(chart.longer.label if chart.longer is not None else "")

    def _add(self, text: str, interval: Interval | None, group: QActionGroup) -> QAction:
        action = QAction(say(text), self)
        self.addAction(action)
        action.setCheckable(True)
        group.addAction(action)
        action.triggered.connect(lambda _checked=False: self._chart.set_longer(interval))
        return action

    def _tick(self, label: str) -> None:
        self.choices[label].setChecked(True)


class LayoutMenu(QMenu):
    """Kept layouts by name; one that is chosen is put on the chart."""

    def __init__(self, laid: ChartLayout, book: ChartBook, lay: Lay, edge: Edge, parent: QWidget) -> None:
        super().__init__(say("&Layouts"), parent)
        self._laid, self._book, self._lay, self._edge = laid, book, lay, edge
        self.fill()
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Name those there are now."""
        self.clear()
        self.addAction(say("&Keep or forget a layout…")).triggered.connect(lambda _checked=False: self.show_sheet())
        self.addSeparator()
        for name in self._book.layouts():
            action = self.addAction(say(name.replace("&", "&&")))
            action.triggered.connect(partial(self._put, name))

    def _put(self, name: str, _checked: bool = False) -> None:
        self.use(name)

    def use(self, name: str) -> bool:
        """Put the layout of that name on the chart; whether it could be, else it is told why not."""
        kept = self._book.layout(name)
        if not kept:
            self._edge.notify(say(f"There is no layout {name!r}."), "warning")
            return False
        try:
            layout = layout_from(kept)
        except (ValueError, TypeError, KeyError) as error:
            self._edge.notify(say(f"Layout {name!r} cannot be shown: {error}"), "warning")
            return False
        self._laid.put(layout)
        return True

    def show_sheet(self) -> None:
        """Where layouts are named and forgotten."""
        self._lay("layout_sheet", lambda: LayoutSheet(self, self._laid, self._book, self._edge, self._laid.window()))


class LayoutSheet(Sheet):
    """Keeps what a chart looks like under a name, shows a kept one, forgets one.

    Object names: layout_sheet, layout_name, layout_keep, layout_use, layout_forget, layout_answer.
    """

    least = QSize(520, 0)
    compact = True

    def __init__(self, menu: LayoutMenu, laid: ChartLayout, book: ChartBook, edge: Edge, parent: QWidget) -> None:
        super().__init__("layout_sheet", say("Layouts of a chart"), edge, parent)
        self._menu, self._laid, self._book = menu, laid, book
        self.setStyleSheet(self.styleSheet() + field_looks(edge.theme))
        self.body.addWidget(self.line(say(
            "Time frames, candles, indicators, volume profile, scale and colours, under one name for all charts."
        ), "muted"))  # fmt: skip
        self.name = QComboBox(self)
        self.name.setEditable(True)
        self.name.setObjectName("layout_name")
        self.name.setAccessibleName(say("Name of a layout"))
        field = self.name.lineEdit()
        assert isinstance(field, QLineEdit)  # it is editable
        field.setPlaceholderText(say("Name"))
        field.returnPressed.connect(self.keep)
        self.body.addWidget(self.name)
        self.answer = self.line("", "danger", "layout_answer")
        self.body.addWidget(self.answer)
        self.body.addLayout(self._buttons())
        self.setFocusProxy(self.name)
        self._fill("")

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(
            self.button("layout_keep", say("Keep"), self.keep, say("Keep the chart as it is now under this name"))
        )
        row.addWidget(self.button("layout_use", say("Use"), self.use, say("Lay the chart out as kept under this name")))
        row.addWidget(self.button("layout_forget", say("Forget"), self.forget, say("Keep nothing under this name")))
        return row

    def _fill(self, named: str) -> None:
        self.name.clear()
        self.name.addItems(self._book.layouts())
        self.name.setEditText(named)
        self._menu.fill()

    def _named(self) -> str:
        name = self.name.currentText().strip()
        tell(self.answer, "" if name else say("Name a layout first."))
        return name

    def keep(self) -> None:
        """Keep the chart as it is under the name given."""
        name = self._named()
        if name:
            self._book.keep_layout(name, self._laid.layout.as_json())
            self._fill(name)
            self.edge.notify(say(f"Layout {name} is kept."), "info")

    def use(self) -> None:
        """Lay the chart out as kept under the name given."""
        name = self._named()
        if name and not self._menu.use(name):
            tell(self.answer, say(f"There is no layout {name!r}."))

    def forget(self) -> None:
        """Keep nothing under the name given any more."""
        name = self._named()
        if name and name not in self._book.layouts():
            tell(self.answer, say(f"There is no layout {name!r}."))
        elif name:
            self._book.keep_layout(name, {})
            self._fill("")
