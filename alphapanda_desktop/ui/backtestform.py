"""What a backtest is asked for with: strategy, preset, instruments or a file, days, bars, money, parameters.

Object names: `backtest_strategy`, `backtest_preset`, `backtest_source`, `backtest_search`, `backtest_file`,
`backtest_from`, `backtest_to`, `backtest_bar`, `backtest_continuous`, `backtest_product`, `backtest_cash`,
`backtest_slippage`, `param_<field>`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError
from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.backtestparts import Bench, Wanted
from alphapanda_desktop.ui.edge import Edge, ask
from alphapanda_desktop.ui.forms import DayField, ModelForm, NumberSpin, Pick, field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.theme import Theme
from alphapanda_desktop.ui.words import say

KITE: Final = "kite"
FILE: Final = "file"
DAYS_BACK: Final = 90
"""Days that a first backtest looks back."""

CHIPS: Final = 3
"""Instruments side by side."""

FIRST_DAY: Final = date(2015, 1, 1)
"""Kite's history of minutes begins about here."""


class RupeeSpin(NumberSpin):
    """Whole rupees in Indian groups."""

    def textFromValue(self, value: float) -> str:
        return formats.grouped(value)

    def valueFromText(self, text: str) -> float:
        return float(_digits(text) or 0)

    def validate(self, text: str, place: int) -> tuple[QValidator.State, str, int]:
        whole = _digits(text).isdecimal()
        return QValidator.State.Acceptable if whole else QValidator.State.Intermediate, text, place


def _date_looks(theme: Theme) -> str:
    side = f"4px solid {theme.panel}"
    return f"""
QDateEdit::drop-down {{ subcontrol-origin: padding; subcontrol-position: center right; width: 20px; border: 0;
    background: transparent; }}
QDateEdit::down-arrow {{ width: 0; height: 0; border-left: {side}; border-right: {side};
    border-top: 5px solid {theme.muted}; }}
"""


def _digits(text: str) -> str:
    return text.removeprefix("₹").replace(",", "").strip()


class BacktestForm(QWidget):
    """Everything that is asked for. Signal: `changed()` after any edit; `wanted` tells the wish, or raises BadData."""

    changed = Signal()

    def __init__(self, bench: Bench, edge: Edge, over: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._edge = edge
        self._over = over
        self.instruments: list[Instrument] = []
        self._chip_of: list[QToolButton] = []
        self.params: ModelForm | None = None
        self.setStyleSheet(field_looks(edge.theme) + _date_looks(edge.theme))
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(12, 10, 12, 10)
        self._box.setSpacing(6)
        self._build_strategy()
        self._build_history()
        self._build_money()
        self._heading("Parameters")
        self._params_box = QVBoxLayout()
        self._box.addLayout(self._params_box)
        self.help = self._note()
        self._box.addStretch(1)
        self.offer_strategies()
        self._choose_source()

    # -- its parts -------------------------------------------------------------------------------------------

    def _heading(self, text: str) -> None:
        label = Words(say(text), self)
        label.setStyleSheet(f"color: {self._edge.theme.muted}; font-weight: 600; padding-top: 6px;")
        self._box.addWidget(label)

    def _note(self) -> QLabel:
        note = Words(self)
        note.setWordWrap(True)
        note.setStyleSheet(f"color: {self._edge.theme.muted};")
        self._box.addWidget(note)
        return note

    def _pick(self, name: str, title: str, choose: Callable[[], object]) -> Pick:
        pick = Pick(self)
        pick.setObjectName(f"backtest_{name}")
        pick.setAccessibleName(say(title))
        pick.currentIndexChanged.connect(lambda _place: choose())
        return pick

    def _build_strategy(self) -> None:
        self._heading("Strategy")
        self.strategy = self._pick("strategy", "Strategy", self._choose_strategy)
        self.preset = self._pick("preset", "Preset", self._take_preset)
        self._box.addWidget(self.strategy)
        self._box.addWidget(self.preset)
        self.about = self._note()

    def _build_history(self) -> None:
        self._heading("History")
        self.source = self._pick("source", "Where bars come from", self._choose_source)
        self.source.blockSignals(True)
        self.source.addItem(say("Candles from Kite, kept on this computer"), KITE)
        self.source.addItem(say("A file: CSV or Parquet"), FILE)
        self.source.blockSignals(False)
        self._box.addWidget(self.source)
        self._build_file()
        self._chips = QGridLayout()
        self._chips.setSpacing(4)
        self._box.addLayout(self._chips)
        self.search = SearchBox(self._bench.master, self._edge.theme, self._over)
        self.search.setObjectName("backtest_search")
        self.search.setAccessibleName(say("Add an instrument to the backtest"))
        self.search.setPlaceholderText(say("Add an instrument: INFY, NIFTY …"))
        self.search.picked.connect(self.add_instrument)
        self._box.addWidget(self.search)
        self._box.addLayout(self._build_days())
        self.continuous = QCheckBox(say("stitched over expiries"), self)
        self.continuous.setObjectName("backtest_continuous")
        self.continuous.setToolTip(say("The days of a future before its own first one, from the contracts before it"))
        self.continuous.toggled.connect(lambda _on: self.changed.emit())
        self._box.addWidget(self.continuous)
        self.bar.currentIndexChanged.connect(lambda _place: self._offer_stitching())
        self._offer_stitching()

    def _build_file(self) -> None:
        self.file = QLineEdit(self)
        self.file.setObjectName("backtest_file")
        self.file.setAccessibleName(say("File of bars"))
        self.file.setPlaceholderText(say("Path of a CSV or Parquet file"))
        self.file.textChanged.connect(lambda _text: self.changed.emit())
        self.choose = QPushButton(say("Choose…"), self)
        self.choose.clicked.connect(
            lambda _checked=False: self._edge.spawn("choose a file of bars", self._choose_file())
        )
        row = QHBoxLayout()
        row.addWidget(self.file, 1)
        row.addWidget(self.choose)
        self._box.addLayout(row)

    def _build_days(self) -> QGridLayout:
        today = self._bench.today()
        self.first = self._day("from", "First day", today - timedelta(days=DAYS_BACK))
        self.last = self._day("to", "Last day, included", today)
        self._days: list[QWidget] = []
        self.bar = self._pick("bar", "Length of a bar", self.changed.emit)
        self.bar.addItem(say("bars as the strategy wants them"), None)
        for interval in Interval:
            self.bar.addItem(say(f"{interval.label} bars"), interval.seconds)
        grid = QGridLayout()
        for column, (words, field) in enumerate((("From", self.first), ("To", self.last))):
            label = Words(say(words), self)
            label.setBuddy(field)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            self._days += (label, field)
        grid.addWidget(self.bar, 2, 0, 1, 2)
        return grid

    def _day(self, name: str, title: str, day: date) -> DayField:
        field = DayField(self)
        field.setDate(_qdate(day))
        field.setObjectName(f"backtest_{name}")
        field.setAccessibleName(say(title))
        field.setCalendarPopup(True)
        field.setDisplayFormat("d MMM yyyy")
        field.setDateRange(_qdate(FIRST_DAY), _qdate(self._bench.today()))
        field.dateChanged.connect(lambda _day: self.changed.emit())
        return field

    def _build_money(self) -> None:
        self._heading("Account")
        self.product = self._pick("product", "Product", self.changed.emit)
        for product in get_args(Product):
            self.product.addItem(say(product), product)
        self.product.setCurrentIndex(self.product.findData("MIS"))
        self.cash = RupeeSpin(self)
        self.cash.setObjectName("backtest_cash")
        self.cash.setAccessibleName(say("Cash at the start"))
        self.cash.setPrefix("₹ ")
        self.cash.setDecimals(0)
        self.cash.setRange(1_000, 1e11)
        self.cash.setSingleStep(1_00_000)
        self.cash.setValue(10_00_000)
        self.cash.valueChanged.connect(lambda _value: self.changed.emit())
        self.slippage = QLineEdit("1t", self)
        self.slippage.setObjectName("backtest_slippage")
        self.slippage.setAccessibleName(say("Slippage"))
        self.slippage.setToolTip(
            say("How much worse than shown a market order is filled: 2t is two ticks, 0.05% a share")
        )
        self.slippage.textChanged.connect(lambda _text: self.changed.emit())
        grid = QGridLayout()
        fields = (("Product", self.product), ("Cash at the start", self.cash), ("Slippage", self.slippage))
        for row, (words, field) in enumerate(fields):
            label = Words(say(words), self)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(1, 1)
        self._box.addLayout(grid)

    # -- choosing --------------------------------------------------------------------------------------------

    def offer_strategies(self) -> None:
        """Show what can be played now; the one that was chosen stays so while it is there."""
        chosen, available = self.strategy.currentData(), self._bench.available
        self.strategy.blockSignals(True)
        self.strategy.clear()
        for name, strategy in available.items():
            self.strategy.addItem(say(strategy.title or name), name)
        self.strategy.setCurrentIndex(max(0, self.strategy.findData(chosen)))
        self.strategy.blockSignals(False)
        if self.params is None or self.params.model is not self._kind().Params:
            self._choose_strategy()

    def _kind(self) -> type[Strategy]:
        return self._bench.available[self.strategy.currentData()]

    def _choose_strategy(self) -> None:
        kind = self._kind()
        self.about.setText(say(kind.description))
        self.about.setVisible(bool(kind.description))
        if self.params is not None:
            self._params_box.removeWidget(self.params)
            self.params.deleteLater()
        self.params = form = ModelForm(kind.Params, self._edge.theme, self)
        form.changed.connect(self.changed)
        form.helped.connect(self.help.setText)
        self._params_box.addWidget(form)
        self.preset.blockSignals(True)
        self.preset.clear()
        self.preset.addItem(say("values as the strategy has them"), None)
        for name in kind.presets:
            self.preset.addItem(say(f"preset: {name}"), name)
        self.preset.setVisible(bool(kind.presets))
        self.preset.blockSignals(False)
        self.changed.emit()

    def _take_preset(self) -> None:
        kind, name = self._kind(), self.preset.currentData()
        if self.params is not None:
            plain = {
                key: field.get_default(call_default_factory=True) for key, field in kind.Params.model_fields.items()
            }
            self.params.set_values(plain | dict(kind.presets[name] if name else {}))

    def _choose_source(self) -> None:
        of_file = self.source.currentData() == FILE
        self.file.setVisible(of_file)
        self.choose.setVisible(of_file)
        self._offer_stitching()
        for field in self._days:  # a file is played whole
            field.setVisible(not of_file)
        self.search.setPlaceholderText(
            say("The file's instrument: INFY, NIFTY …" if of_file else "Add an instrument: INFY, NIFTY …")
        )
        self.changed.emit()

    def _offer_stitching(self) -> None:
        """Kite stitches day bars of futures, and nothing else."""
        futures = bool(self.instruments) and all(one.instrument_type == "FUT" for one in self.instruments)
        fits = futures and self.bar.currentData() == Interval.DAY.seconds and self.source.currentData() == KITE
        self.continuous.setVisible(fits)

    async def _choose_file(self) -> None:
        dialog = QFileDialog(self.window(), "A file of bars", str(Path(self.file.text() or Path.home()).parent))
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog)  # a native one runs a loop of its own
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter("Bars (*.csv *.parquet *.pq);;All files (*)")
        if await ask(dialog) and dialog.selectedFiles():
            self.file.setText(dialog.selectedFiles()[0])
        dialog.deleteLater()

    def add_instrument(self, instrument: Instrument) -> None:
        """Play it too; a file is of one instrument."""
        if instrument in self.instruments:
            return
        self.instruments = [instrument] if self.source.currentData() == FILE else [*self.instruments, instrument]
        self._show_chips()

    def _drop(self, instrument: Instrument) -> None:
        self.instruments.remove(instrument)
        self._show_chips()

    def _show_chips(self) -> None:
        for chip in self._chip_of:
            self._chips.removeWidget(chip)
            chip.deleteLater()
        self._chip_of.clear()
        for place, instrument in enumerate(self.instruments):
            chip = QToolButton(self)
            chip.setText(f"{instrument.tradingsymbol}  ✕")
            chip.setObjectName(f"backtest_instrument_{instrument.key}")
            chip.setAccessibleName(say(f"Leave out {instrument.key}"))
            chip.setToolTip(as_tip(say(f"{instrument.key}: leave it out")))
            chip.clicked.connect(lambda _checked=False, gone=instrument: self._drop(gone))
            self._chip_of.append(chip)
            self._chips.addWidget(chip, place // CHIPS, place % CHIPS, Qt.AlignmentFlag.AlignLeft)
        self._chips.setColumnStretch(CHIPS, 1)
        self._offer_stitching()
        self.changed.emit()

    # -- the wish --------------------------------------------------------------------------------------------

    def wanted(self) -> Wanted:
        """The wish as it stands. Raises BadData with the first thing that is wrong with it."""
        of_file = self.source.currentData() == FILE
        path = Path(self.file.text().strip()).expanduser() if of_file else None
        if path is not None and not path.is_file():
            raise BadData(f"{self.file.text().strip() or 'No path'}: there is no such file.")
        if path is None and not self.instruments:
            raise BadData("Add the instrument whose history is to be played.")
        first, last = (field.date().toPython() for field in (self.first, self.last))
        assert isinstance(first, date) and isinstance(last, date)
        if first > last:
            raise BadData(f"The first day, {first:%d %b %Y}, is after the last, {last:%d %b %Y}.")
        Slippage.of(self.slippage.text())
        return Wanted(
            strategy=self.strategy.currentData(), params=self.values(), instruments=tuple(self.instruments), file=path,
            first=None if of_file else first, last=None if of_file else last, bar_s=self.bar.currentData(),
            product=self.product.currentData(), cash=self.cash.value(), slippage=self.slippage.text(),
            continuous=not self.continuous.isHidden() and self.continuous.isChecked(),
        )  # fmt: skip

    def values(self) -> dict[str, object]:
        """Parameters as the model takes them. Raises BadData where it does not; each field shows its share."""
        assert self.params is not None
        problems = self.params.judge()
        if problems:
            raise BadData(problems[0].text)
        try:
            return self._kind().Params.model_validate(self.params.values()).model_dump()
        except ValidationError as error:
            raise BadData(str(error)) from None


def _qdate(day: date) -> QDate:
    return QDate(day.year, day.month, day.day)
