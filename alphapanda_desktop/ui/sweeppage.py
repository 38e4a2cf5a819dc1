"""A simple sweep: every combination of one or two parameters over the same history, as a field and as a ranking.

Object names: `sweep_param_1`, `sweep_values_1`, `sweep_param_2`, `sweep_values_2`, `sweep_figure`, `sweep_run`,
`sweep_said`, `sweep_ranking`, `backtest_map`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QSplitter, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.backtestparts import SweepReport, Tried
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.forms import Pick, label_of
from alphapanda_desktop.ui.heatmap import HeatMapView
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import tell
from alphapanda_desktop.ui.tables import Column
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say

FIGURES: Final = {
    "sharpe": "Sharpe", "total_return": "return", "sortino": "Sortino", "profit_factor": "profit factor",
    "max_drawdown": "max drawdown", "win_rate": "win rate", "expectancy": "expectancy, ₹",
}  # fmt: skip
"""By what trials may be ranked: of each, more is better."""

SHARES: Final = frozenset(("total_return", "max_drawdown", "win_rate"))
"""Figures that are fractions of one."""

FEW: Final = 6
"""Values that are offered on either side of a parameter's own."""


class Row(NamedTuple):
    """One trial and its place among the candidates, None for one that is none."""

    place: int | None
    tried: Tried


def values_around(model: type[BaseModel], name: str, value: object) -> str:
    """Values to begin with, around the one that the form says: "5:35:5", or every choice there is."""
    field = model.model_fields[name]
    if isinstance(value, bool):
        return "true,false"
    if not isinstance(value, int | float):
        return str(value)
    low, high = (
        next((float(found) for part in field.metadata if (found := getattr(part, bound, None)) is not None), None)
        for bound in ("ge", "le")
    )
    whole = isinstance(value, int)
    step = max(1, round(abs(value) / FEW)) if whole else max(0.05, round(abs(value) / FEW, 2))
    first = max(value - FEW * step // 2 if whole else value - FEW * step / 2, low if low is not None else -1e12)
    last = min(first + FEW * step, high if high is not None else 1e12)
    return f"{first:g}:{last:g}:{step:g}"


def words_of_figure(figure: str) -> Callable[[float], str]:
    """How a figure is written in a cell."""
    if figure in SHARES:
        return lambda value: f"{formats.grouped(value * 100, 2)} %"
    return lambda value: formats.grouped(value, 2)


class SweepPage(QWidget):
    """Signals: `wanted(axes, figure)` to sweep, `taken(params)` to put a trial's values into the form."""

    wanted = Signal(object, str)
    taken = Signal(object)

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self.setAutoFillBackground(True)
        self._model: type[BaseModel] | None = None
        self._values: Callable[[], dict[str, object]] = dict
        self._report: SweepReport | None = None
        self._figure = "sharpe"
        self.map = HeatMapView(edge, self)
        self.map.chosen.connect(self._take_cell)
        self.ranking: LongModel[Row] = LongModel(self._columns(), edge.theme, self)
        self.table = TableView(self.ranking, "Nothing has been tried yet.", self)
        self.table.setObjectName("sweep_ranking")
        self.table.setAccessibleName(say("What was tried, best first"))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.opened.connect(lambda row: self.taken.emit(dict(row.tried.params)))
        self.said = Words("", self)
        self.said.setObjectName("sweep_said")
        self.said.setWordWrap(True)
        self.said.setContentsMargins(8, 0, 8, 4)
        self.said.hide()
        self.said.setStyleSheet(f"color: {edge.theme.muted};")
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.map)
        split.addWidget(self.table)
        split.setSizes([420, 260])
        split.setChildrenCollapsible(False)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(self._build_head())
        box.addWidget(self.said)
        box.addWidget(split, 1)

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(8, 8, 8, 0)
        self.params, self.values = [Pick(self), Pick(self)], [QLineEdit(self), QLineEdit(self)]
        for number, (pick, values) in enumerate(zip(self.params, self.values, strict=True), 1):
            pick.setObjectName(f"sweep_param_{number}")
            pick.setAccessibleName(say(f"Parameter {number} of the sweep"))
            values.setObjectName(f"sweep_values_{number}")
            values.setAccessibleName(say(f"Values of parameter {number}"))
            values.setToolTip(say("from:to:step, or values with commas"))
            pick.currentIndexChanged.connect(lambda _place, n=number - 1: self._offer_values(n))
            head.addWidget(pick, 2)
            head.addWidget(values, 2)
        self.figure = Pick(self)
        self.figure.setObjectName("sweep_figure")
        self.figure.setAccessibleName(say("Figure to rank by"))
        for name, words in FIGURES.items():
            self.figure.addItem(say(f"by {words}"), name)
        self.run = QPushButton(say("Run the sweep"), self)
        self.run.setObjectName("sweep_run")
        self.run.setAccessibleName(say("Run the sweep"))
        self.run.clicked.connect(lambda _checked=False: self.ask())
        head.addWidget(self.figure, 2)
        head.addWidget(self.run)
        return head

    def _columns(self) -> tuple[Column[Row], ...]:
        def statistic(name: str) -> Callable[[Row], float | None]:
            return lambda row: row.tried.statistics.get(name)

        def words(name: str) -> Callable[[Row], str]:
            how = words_of_figure(name)
            return lambda row: formats.DASH if (value := row.tried.statistics.get(name)) is None else how(value)

        figures: list[Column[Row]] = [
            Column(FIGURES[name], statistic(name), words(name), "right", 11)
            for name in ("sharpe", "total_return", "max_drawdown", "profit_factor", "win_rate")
        ]
        return (
            Column("#", lambda row: row.place, lambda row: str(row.place or formats.DASH), "right", 5,
                   colour=lambda _: "muted"),
            Column("Parameters", lambda row: _told(row.tried), width_chars=30, tooltip=lambda row: _told(row.tried)),
            *figures,
            Column("trades", lambda row: row.tried.statistics.get("trades"),
                   lambda row: str(row.tried.statistics.get("trades", formats.DASH)), "right", 7),
            Column("", lambda row: row.tried.reason, width_chars=10, colour=lambda _: "warn",
                   tooltip=lambda row: row.tried.reason),
        )  # fmt: skip

    # -- asking ----------------------------------------------------------------------------------------------

    def offer(self, model: type[BaseModel], values: Callable[[], dict[str, object]]) -> None:
        """The parameters of this model can be swept; `values` tells what the form says of each."""
        self._values = values
        if model is self._model:
            return
        self._model = model
        own = [name for name in vars(model).get("__annotations__", {}) if name in model.model_fields]
        names = own + [name for name in model.model_fields if name not in own]
        for number, pick in enumerate(self.params):
            pick.blockSignals(True)
            pick.clear()
            if number:
                pick.addItem(say("one parameter alone"), None)
            for name in names:
                pick.addItem(say(label_of(name)), name)
            pick.setCurrentIndex(min(2 * number, pick.count() - 1))
            pick.blockSignals(False)
            self._offer_values(number)

    def _offer_values(self, number: int) -> None:
        name, field = self.params[number].currentData(), self.values[number]
        field.setEnabled(name is not None)
        known = name is not None and self._model is not None
        field.setText(values_around(self._model, name, self._values().get(name)) if known and self._model else "")

    def axes(self) -> list[str]:
        """What is to be tried, as "fast=5:50:5". Raises BadData where a parameter stands there twice."""
        pairs = [(pick.currentData(), field.text()) for pick, field in zip(self.params, self.values, strict=True)]
        chosen = [(name, text.replace(" ", "")) for name, text in pairs if name is not None]
        if len({name for name, _ in chosen}) < len(chosen):
            raise BadData(f"{label_of(chosen[0][0])} stands there twice.")
        return [f"{name}={text}" for name, text in chosen]

    def ask(self) -> None:
        """Ask for the sweep as it stands."""
        try:
            self.wanted.emit(self.axes(), self.figure.currentData())
        except BadData as error:
            tell(self.said, str(error))

    # -- what was found --------------------------------------------------------------------------------------

    def show_sweep(self, report: SweepReport) -> None:
        """Show field and ranking."""
        self._report = report
        self.map.show_field(report.field, words_of_figure(report.figure), least=report.least, figure=report.figure)
        count = report.candidates
        self.ranking.show_rows([Row(n if n <= count else None, one) for n, one in enumerate(report.tried, 1)])
        tell(self.said, " ".join(_words(report)))

    def _take_cell(self, across: object, down: object) -> None:
        field = self._report.field if self._report is not None else None
        if field is None or self._report is None:
            return
        fits = (
            one for one in self._report.tried
            if one.params[field.across] == across and one.params[field.down] == down
        )  # fmt: skip
        found = next(fits, None)
        if found is not None:
            self.taken.emit(dict(found.params))


def _told(tried: Tried) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in tried.params.items()
    )


def _words(report: SweepReport) -> Sequence[str]:
    left = len(report.tried) - report.candidates
    told = [
        f"{grouped(len(report.tried))} combinations in {report.took_s:.1f} s, {grouped(report.candidates)} candidates."
    ]
    if left:
        told.append(f"{grouped(left)} are none: skipped by the strategy, failed, or without trades.")
    if report.by_luck is not None:
        told.append(f"Were none of them of use, the best Sharpe ratio would still be about {report.by_luck:.2f}.")
    told.append("A good set among bad neighbours is luck. Click a cell to put its values into the form.")
    return told
