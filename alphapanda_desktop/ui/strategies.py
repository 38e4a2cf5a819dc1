"""The strategies panel: a form that starts a run, and a card for each run of today.

Object names for the tour: `strategy_new` (opens and closes the form), `strategy_pick` (item data is the strategy's
name), `strategy_search`, `strategy_instrument_<key>`, `strategy_interval`, `strategy_product`, `param_<field>`,
`strategy_why` (why Start is disabled), `strategy_start`, and those of `ui.runcard`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner, StartOrder
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.forms import ModelForm, Pick, field_looks, problems_of
from alphapanda_desktop.ui.runcard import RunCard
from alphapanda_desktop.ui.search import SearchBox

if TYPE_CHECKING:
    from alphapanda_desktop.trading.coverage import StopCoverage

REFRESH_FRAMES: Final = 8
"""Cards follow prices about four times a second; a frame is 33 ms."""

SHARES: Final = frozenset({"NSE", "BSE"})
PRODUCT_WORDS: Final[dict[Product, str]] = {
    "MIS": "MIS · closed the same day",
    "CNC": "CNC · delivery",
    "MTF": "MTF · margin funded",
    "NRML": "NRML · carried overnight",
}


def products_for(instruments: Iterable[Instrument]) -> list[Product]:
    """Products that every one of these exchanges takes, the usual one first."""
    kinds = {instrument.exchange in SHARES for instrument in instruments}
    if kinds == {True, False}:
        return ["MIS"]
    return ["MIS", "CNC", "MTF"] if kinds != {False} else ["NRML", "MIS"]


class StartForm(QWidget):
    """What a new run needs. Signal: `started()` once a run was started."""

    started = Signal()

    def __init__(self, runner: Runner, market: Market, desk: Desk, edge: Edge, over: QWidget) -> None:
        super().__init__(over)
        self._runner = runner
        self._desk = desk
        self._edge = edge
        self._instruments: list[Instrument] = []
        self._default: Instrument | None = None
        self._chosen_by_hand = False
        self._starting = False
        self._refusal = ""
        self.params: ModelForm | None = None
        self._build(market, over)
        self._choose_strategy()

    def _build(self, market: Market, over: QWidget) -> None:
        self.setStyleSheet(field_looks(self._edge.theme))
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(10, 4, 10, 10)
        self._box.setSpacing(6)
        self.pick = Pick(self)
        self.pick.setObjectName("strategy_pick")
        self.pick.setAccessibleName("Strategy")
        for name, strategy in self._runner.available.items():
            self.pick.addItem(strategy.title or name, name)
        self.about = self._note("muted")
        self._box.insertWidget(0, self.pick)
        self._build_instruments(market, over)
        self._build_choices()
        self._params_box = QVBoxLayout()
        self._box.addLayout(self._params_box)
        self.help = self._note("muted")
        self.why = self._note("warn")
        self.why.setObjectName("strategy_why")
        self.start = QPushButton("Start", self)
        self.start.setObjectName("strategy_start")
        self.start.setAccessibleName("Start the strategy")
        self.start.setStyleSheet("font-weight: 600; padding: 7px;")
        self.start.clicked.connect(lambda _checked=False: self._edge.spawn("start strategy", self.start_run()))
        self._box.addWidget(self.start)
        self.pick.currentIndexChanged.connect(lambda _place: self._choose_strategy())

    def _note(self, role: str) -> QLabel:
        note = QLabel(self)
        note.setWordWrap(True)
        note.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        note.hide()
        self._box.addWidget(note)
        return note

    def _build_instruments(self, market: Market, over: QWidget) -> None:
        self._chips = QGridLayout()
        self._chips.setSpacing(4)
        self._box.addLayout(self._chips)
        self.search = SearchBox(market.master, self._edge.theme, over)
        self.search.setObjectName("strategy_search")
        self.search.setPlaceholderText("Add an instrument: INFY, NIFTY …")
        self.search.setAccessibleName("Add an instrument to the strategy")
        self.search.picked.connect(self.add_instrument)
        self._box.addWidget(self.search)

    def _build_choices(self) -> None:
        self.interval, self.product = Pick(self), Pick(self)
        self.interval.setObjectName("strategy_interval")
        self.interval.setAccessibleName("Bar interval")
        for interval in Interval:
            self.interval.addItem(f"{interval.label} bars", interval)
        self.product.setObjectName("strategy_product")
        self.product.setAccessibleName("Product")
        row = QHBoxLayout()
        row.addWidget(self.interval, 2)
        row.addWidget(self.product, 3)
        self._box.addLayout(row)

    # -- choices ---------------------------------------------------------------------------------------------

    def _choose_strategy(self) -> None:
        strategy = self._runner.available.get(self.pick.currentData())
        if strategy is None:
            return
        _say(self.about, strategy.description)
        self.interval.setCurrentIndex(self.interval.findData(strategy.interval))
        if self.params is not None:
            # Out of the tree at once: its fields' names are those of the next form's.
            self._params_box.removeWidget(self.params)
            self.params.setParent(None)
            self.params.deleteLater()
        self.params = ModelForm(strategy.Params, self._edge.theme, self)
        self.params.changed.connect(self._edited)
        self.params.helped.connect(lambda text: _say(self.help, text))
        self._params_box.addWidget(self.params)
        self._edited()

    @property
    def instruments(self) -> list[Instrument]:
        """What the next run would be started on."""
        return list(self._instruments)

    def set_default_instrument(self, instrument: Instrument) -> None:
        """Offer this instrument unless others were chosen by hand."""
        self._default = instrument
        if not self._chosen_by_hand:
            self._take([instrument])

    def add_instrument(self, instrument: Instrument) -> None:
        """Add one more; the first chosen by hand takes the place of the one that was offered."""
        before = self._instruments if self._chosen_by_hand else []
        self._chosen_by_hand = True
        self._take([*(i for i in before if i.key != instrument.key), instrument])

    def remove_instrument(self, instrument: Instrument) -> None:
        """Take one away; without any chosen by hand the chart's is offered again."""
        left = [i for i in self._instruments if i.key != instrument.key]
        back = self._default if self._chosen_by_hand and not left else None
        self._chosen_by_hand = bool(left)
        self._take([back] if back is not None else left)

    def _take(self, instruments: list[Instrument]) -> None:
        self._instruments = instruments
        self._show_chips()
        self._show_products()
        self._edited()

    def _show_chips(self) -> None:
        while (item := self._chips.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.setParent(None)
                gone.deleteLater()
        for place, instrument in enumerate(self._instruments):
            self._chips.addWidget(self._chip(instrument), place // 2, place % 2)

    def _chip(self, instrument: Instrument) -> QToolButton:
        chip = QToolButton(self)
        chip.setObjectName(f"strategy_instrument_{instrument.key}")
        chip.setText(f"{instrument.tradingsymbol}  ×")
        chip.setToolTip(f"{instrument.key}: click to take it away")
        chip.setAccessibleName(f"Take {instrument.key} away")
        chip.clicked.connect(lambda _checked=False: self.remove_instrument(instrument))
        return chip

    def _show_products(self) -> None:
        kept = self.product.currentData()
        self.product.clear()
        for product in products_for(self._instruments):
            self.product.addItem(PRODUCT_WORDS[product], product)
        self.product.setCurrentIndex(max(0, self.product.findData(kept)))

    def _edited(self) -> None:
        self._refusal = ""
        self.judge()

    # -- may it start? ---------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Say why Start is disabled, or enable it."""
        why = self._why_not()
        _say(self.why, why or self._refusal)
        self.start.setEnabled(not why and not self._starting)
        self.start.setText("Starting…" if self._starting else "Start")

    def _why_not(self) -> str:
        if not self._instruments:
            return "Choose at least one instrument."
        for instrument in self._instruments:
            if not instrument.tradable:
                return f"{instrument.tradingsymbol} is an index and cannot be traded; choose its future or a stock."
        problems = self.params.judge() if self.params is not None else []
        if problems:
            return " ".join(problem.text for problem in problems if not problem.field) or "Correct the fields in red."
        return self._desk_says_no()

    def _desk_says_no(self) -> str:
        desk = self._desk
        if desk.trading_state is TradingState.HALTED:
            return "The kill switch is on: release it before starting a strategy."
        if desk.trading_state is TradingState.REDUCING:
            return f"Only exits pass: {desk.why_halted}. No strategy starts until that is released."
        if desk.differences.why_locked():
            return f"Strategies are locked: {desk.differences.why_locked()}. Decide them first (F6)."
        if desk.state in (DeskState.CLOSED, DeskState.FROZEN):
            return f"The desk takes no orders: {desk.state}. {desk.state_detail}".strip()
        return desk.arming.why_not()

    async def start_run(self) -> None:
        """Ask the runner; what it refuses is said here, under the field where it has one."""
        if self._starting or self.params is None:
            return
        self._starting, self._refusal = True, ""
        self.judge()
        try:
            await self._runner.start(self._order(self.params))
        except ValidationError as error:
            self._refusal = " ".join(problem.text for problem in problems_of(error))
        except AlphaPandaError as error:
            self._refusal = str(error)
        else:
            self.started.emit()
        finally:
            self._starting = False
            self.judge()

    def _order(self, params: ModelForm) -> StartOrder:
        return StartOrder(
            strategy=self.pick.currentData(),
            instruments=tuple(self._instruments),
            params=params.values(),
            interval=Interval(self.interval.currentData()),
            product=self.product.currentData(),
        )


class StrategiesPanel(QWidget):
    """The form above the cards, newest run first."""

    def __init__(self, runner: Runner, market: Market, desk: Desk, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._market = market
        self._desk = desk
        self._edge = edge
        self._frames = 0
        self._changed: set[str] = set()
        self._coverage: StopCoverage | None = None
        self._books_changed = True
        self.cards: dict[str, RunCard] = {}
        self._build()
        self._show_cards()
        connect(runner.changed, self, self._on_changed)
        connect(desk.state_changed, self, self._on_desk)
        connect(desk.halted_changed, self, self._on_desk)
        connect(desk.order_changed, self, self._on_books)
        connect(desk.positions_changed, self, self._on_books)
        connect(desk.differences.changed, self, self._on_differences)
        edge.frames.add(self, self._frame)

    def _build(self) -> None:
        self.new = QToolButton(self)
        self.new.setObjectName("strategy_new")
        self.new.setCheckable(True)
        self.new.setChecked(True)
        self.new.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.new.setStyleSheet(
            "QToolButton { border: 0; background: transparent; font-weight: 600; padding: 6px 4px; }"
            f"QToolButton:focus {{ color: {self._edge.theme.accent}; }}"
        )
        self.new.toggled.connect(self._show_form)
        self.form = StartForm(self._runner, self._market, self._desk, self._edge, self)
        self.form.started.connect(lambda: self.new.setChecked(False))
        self.empty = QLabel("No strategy was started today.", self)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setStyleSheet(f"color: {self._edge.theme.muted}; padding: 14px;")
        inside = QWidget(self)
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(6, 2, 6, 6)
        self._column.setSpacing(6)
        for widget in (self.new, self.form, self.empty):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.area = QScrollArea(self)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)
        self._show_form(True)

    def _show_form(self, shown: bool) -> None:
        self.new.setText("▾ New run" if shown else "▸ New run")
        self.form.setVisible(shown)

    def set_default_instrument(self, instrument: Instrument) -> None:
        """The chart's instrument is what the next run is offered."""
        self.form.set_default_instrument(instrument)

    # -- cards -----------------------------------------------------------------------------------------------

    def _show_cards(self) -> None:
        for run in reversed(self._runner.runs):
            if run.run_id not in self.cards:
                self._add_card(run)
        self.empty.setVisible(not self.cards)

    def _add_card(self, run: Run) -> None:
        card = RunCard(run, self._runner, self._market, self._desk, self._edge, self)
        card.coverage = self._coverage
        self.cards[run.run_id] = card
        self._books_changed = True
        self._column.insertWidget(self._column.indexOf(self.empty) + 1, card)

    def _on_changed(self, run_id: str) -> None:
        self._changed.add(run_id)
        if run_id not in self.cards:
            self._show_cards()
        if run_id in self.cards:
            self.cards[run_id].follow_state()

    def follow_coverage(self, coverage: StopCoverage | None) -> None:
        """Show on each card what stops protect of its positions."""
        self._coverage = coverage
        for card in self.cards.values():
            card.coverage = coverage
            card.refresh()

    def _on_desk(self, _state: object) -> None:
        self._on_differences()

    def _on_books(self, _order: object = None) -> None:
        self._books_changed = True

    def _on_differences(self) -> None:
        """What holds strategies back has changed."""
        self.form.judge()
        for card in self.cards.values():
            card.follow_state()

    def _frame(self) -> None:
        if self._books_changed:  # asked once for all cards: it goes through the day's fills
            self._books_changed, unread = False, self._desk.books.lacks_fills()
            for card in self.cards.values():
                card.fills_unread = unread
        for card in self.cards.values():
            card.show_pnl()  # with every frame, as the books and the strip do: the figures must agree
        self._frames = (self._frames + 1) % REFRESH_FRAMES
        if self._frames:
            return
        changed, self._changed = self._changed, set()
        for run_id, card in self.cards.items():
            if run_id in changed or not card.run.state.over:
                card.refresh()
        if self.form.isVisible():
            self.form.judge()


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
