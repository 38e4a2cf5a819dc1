"""Fields in which an indicator of the chart's list is chosen: its name, its numbers, and which of its lines.

Object names: `alert_indicator`, `alert_line`, and `alert_param_<parameter>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from pydantic import Field, create_model
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from alphapanda_desktop.domain.anyindicator import indicator
from alphapanda_desktop.domain.indicatorlist import Entry, catalogue, entry
from alphapanda_desktop.ui.forms import ModelForm, Pick
from alphapanda_desktop.ui.theme import Theme
from alphapanda_desktop.ui.words import say

FIRST: Final = "RSI"
ROWS: Final = 16
"""Names that the open list shows at once; typing the first letters goes to a name."""

TITLES: Final = {
    "timeperiod": "Period",
    "fastperiod": "Fast period",
    "slowperiod": "Slow period",
    "signalperiod": "Signal period",
    "nbdevup": "Deviations up",
    "nbdevdn": "Deviations down",
    "nbdev": "Deviations",
    "matype": "Kind of average",
}
"""What TA-Lib's names of numbers mean, where they are run together."""

Parameters = tuple[tuple[str, float], ...]


def form_of(found: Entry, theme: Theme, parent: QWidget, prefix: str) -> ModelForm:
    """Fields for the numbers that an indicator takes, within its bounds."""
    fields: dict[str, Any] = {
        one.name: (int if one.whole else float, Field(one.default, ge=one.low, le=one.high, title=TITLES.get(one.name)))
        for one in found.parameters
    }
    return ModelForm(create_model(found.name, **fields), theme, parent, prefix)


class IndicatorFields(QWidget):
    """Chooses one of all. Signals: `changed()` after any edit, `chosen()` once it is another indicator."""

    changed = Signal()
    chosen = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pick = Pick(self)
        self.pick.setObjectName("alert_indicator")
        self.pick.setAccessibleName(say("Indicator"))
        self.pick.setMaxVisibleItems(ROWS)
        for one in catalogue():
            self.pick.addItem(f"{one.name}  {one.title}", one.name)
        self.line = Pick(self)
        self.line.setObjectName("alert_line")
        self.line.setAccessibleName(say("Its line"))
        self.line.currentIndexChanged.connect(lambda _place: self.changed.emit())
        self.form: ModelForm | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(self.pick)
        self._column.addWidget(self.line)
        self.setFocusProxy(self.pick)
        self.pick.currentIndexChanged.connect(lambda _place: self._show())
        self.pick.setCurrentIndex(self.pick.findData(FIRST))

    @property
    def name(self) -> str:
        """TA-Lib's name of the one that is chosen."""
        return str(self.pick.currentData())

    @property
    def parameters(self) -> Parameters:
        """Its numbers as the fields say them."""
        values = cast("dict[str, float]", self.form.values()) if self.form is not None else {}
        return tuple(values.items())

    @property
    def output(self) -> str:
        """Which of its lines, as TA-Lib calls it; empty where it has only one."""
        return str(self.line.currentData() or "") if self.line.count() > 1 else ""

    def choose(self, name: str, parameters: Iterable[tuple[str, float]]) -> None:
        """Fill in one as it stands on a chart."""
        self.pick.setCurrentIndex(self.pick.findData(name))
        if self.form is not None:
            self.form.set_values(dict(parameters))
        self.changed.emit()

    def _show(self) -> None:
        """The fields of the one that is chosen now."""
        found, before = entry(self.name), self.form
        if found is None:
            return
        self.form = form_of(found, self._theme, self, "alert_param")
        self.form.changed.connect(self.changed)
        self._column.insertWidget(1, self.form)
        self.form.setVisible(bool(found.parameters))
        if before is not None:
            before.hide()
            before.deleteLater()
        self._show_lines(indicator(found.name).lines)
        self._put_in_order()
        self.chosen.emit()
        self.changed.emit()

    def _show_lines(self, lines: tuple[str, ...]) -> None:
        self.line.blockSignals(True)
        self.line.clear()
        for line in lines:
            self.line.addItem(line, line)
        self.line.blockSignals(False)
        self.line.setVisible(len(lines) > 1)

    def _put_in_order(self) -> None:
        """Tab goes from the name through the numbers to the line."""
        last: QWidget = self.pick
        for field in self.form.findChildren(QWidget) if self.form is not None else ():
            if field.focusPolicy() & Qt.FocusPolicy.TabFocus:
                QWidget.setTabOrder(last, field)
                last = field
        QWidget.setTabOrder(last, self.line)
