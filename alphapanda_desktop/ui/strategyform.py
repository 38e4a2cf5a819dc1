"""The form that loads or starts a strategy: which, on what, with which parameters, and why it may not.

Object names for the tour: `strategy_pick` (item data is the strategy's name), `strategy_preset` (item data is the
preset's name), `strategy_search`, `strategy_instrument_<key>`, `strategy_interval`, `strategy_product`,
`param_<field>`, `strategy_why` (why Start is disabled), `strategy_load`, `strategy_start`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner, StartOrder
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import ModelForm, Pick, Problem, field_looks, problems_of
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.runlines import why_no_start
from alphapanda_desktop.ui.sheet import give_way, tell
from alphapanda_desktop.ui.strategyfiles import StrategyFiles
from alphapanda_desktop.ui.strategyinstruments import InstrumentsField
from alphapanda_desktop.ui.words import say

SHARES: Final = frozenset({"NSE", "BSE"})
PRODUCT_WORDS: Final[dict[Product, str]] = {
    "MIS": "MIS · intraday",
    "CNC": "CNC · delivery",
    "MTF": "MTF · funded",
    "NRML": "NRML · overnight",
}
_NO_WORD: Final = re.compile(r"[\s_-]+")
DEFAULTS: Final = "defaults"
OWN: Final = "own values"


def products_for(instruments: Iterable[Instrument]) -> list[Product]:
    """Products that every one of these exchanges takes, the usual one first."""
    kinds = {instrument.exchange in SHARES for instrument in instruments}
    if kinds == {True, False}:
        return ["MIS"]
    return ["MIS", "CNC", "MTF"] if kinds != {False} else ["NRML", "MIS"]


class StartForm(QWidget):
    """What a new run needs. Signal: `started()` once a run was loaded or started."""

    started = Signal()

    def __init__(
        self,
        runner: Runner,
        market: Market,
        desk: Desk,
        edge: Edge,
        over: QWidget,
        files: StrategyFiles | None = None,
    ) -> None:
        super().__init__(over)
        self._files = files
        self._against: list[Problem] = []
        """What the strategy's own file says against the values, until one is changed."""
        self._runner = runner
        self._desk = desk
        self._edge = edge
        self._busy = ""
        self._refusal = ""
        self._filter = ""
        self._shown: type[Strategy] | None = None
        self._defaults: dict[str, object] = {}
        self.params: ModelForm | None = None
        self._build(market, over)
        self.show_strategies()

    def _build(self, market: Market, over: QWidget) -> None:
        self.setStyleSheet(field_looks(self._edge.theme))
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(10, 4, 10, 10)
        self._box.setSpacing(6)
        self.pick = self._field("strategy_pick", "Strategy")
        self.pick.setPlaceholderText(say("Choose a strategy"))
        self._box.addWidget(self.pick)
        self.about = self._note("muted")
        self.preset = self._field("strategy_preset", "Preset of parameters")
        self._box.addWidget(self.preset)
        self.chosen = InstrumentsField(market, self._edge, over, self)
        self.chosen.changed.connect(self._instruments_changed)
        self.search = self.chosen.search
        self._box.addWidget(self.chosen)
        self._build_choices()
        self._params_box = QVBoxLayout()
        self._box.addLayout(self._params_box)
        self.help = self._note("muted")
        self.why = self._note("warn")
        self.why.setObjectName("strategy_why")
        self._build_buttons()
        self.pick.currentIndexChanged.connect(lambda _place: self._choose_strategy())
        self.preset.activated.connect(lambda _place: self._take_preset())

    def _field(self, name: str, words: str) -> Pick:
        pick = Pick(self)
        pick.setObjectName(name)
        pick.setAccessibleName(say(words))
        pick.setToolTip(as_tip(say(words)))
        pick.setMinimumContentsLength(8)  # the longest of its items must not make the dock wider
        pick.setSizeAdjustPolicy(Pick.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return pick

    def _note(self, role: str) -> QLabel:
        note = Words(self)
        give_way(note)
        note.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        note.hide()
        self._box.addWidget(note)
        return note

    def _build_choices(self) -> None:
        self.interval = self._field("strategy_interval", "Bar interval")
        self.product = self._field("strategy_product", "Product")
        for interval in Interval:
            self.interval.addItem(say(f"{interval.label} bars"), interval)
        row = QHBoxLayout()
        row.addWidget(self.interval, 2)
        row.addWidget(self.product, 3)
        self._box.addLayout(row)

    def _build_buttons(self) -> None:
        row = QHBoxLayout()
        self.load = self._button("load", "Load", "Load the strategy", self._runner.load)
        self.load.setToolTip(say("Have it ready with its history read; Start on its card lets it trade"))
        self.start = self._button("start", "Start", "Start the strategy", self._runner.start)
        self.start.setStyleSheet("font-weight: 600; padding: 7px;")
        self.load.setStyleSheet("padding: 7px;")
        row.addWidget(self.load, 1)
        row.addWidget(self.start, 2)
        self._box.addLayout(row)

    def _button(self, name: str, text: str, words: str, work: Callable[[StartOrder], Awaitable[Run]]) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"strategy_{name}")
        button.setAccessibleName(say(words))
        button.clicked.connect(lambda _checked=False: self._edge.spawn(f"{name} strategy", self.ask_for(name, work)))
        return button

    @property
    def last_field(self) -> QWidget:
        """Where Tab leaves it."""
        return self.start

    # -- which strategy --------------------------------------------------------------------------------------

    def filter(self, text: str) -> int:
        """Offer the strategies that these words fit, all where none does; how many fit."""
        self._filter = text
        self.show_strategies()
        return len(self._fitting())

    def _fitting(self) -> list[str]:
        """What is called so, by the beginnings of its words; else what these words are said of."""
        words = self._filter.lower().split()
        called = {name: _NO_WORD.split(f" {name} {kind.title}".lower()) for name, kind in self._all().items()}
        fits = [name for name, own in called.items() if all(any(w.startswith(word) for w in own) for word in words)]
        said = {name: f"{name} {kind.title} {kind.description}".lower() for name, kind in self._all().items()}
        return fits or [name for name, text in said.items() if all(word in text for word in words)]

    def _all(self) -> Mapping[str, type[Strategy]]:
        return dict(self._runner.available)

    def show_strategies(self) -> None:
        """Offer what can be started now; the choice stays where it can, and so do the values typed."""
        kept, strategies = self.pick.currentData(), self._all()
        names = self._fitting() or list(strategies)
        self.pick.blockSignals(True)
        self.pick.clear()
        for name in names:
            self.pick.addItem(say(strategies[name].title or name), name)
        gone = kept is not None and kept not in strategies  # another one must not take its place unseen
        self.pick.setCurrentIndex(-1 if gone else max(0, self.pick.findData(kept)))
        self.pick.blockSignals(False)
        self._choose_strategy()

    def choose(self, strategy: str) -> bool:
        """Offer this strategy; False where there is none of that name."""
        if self.pick.findData(strategy) < 0:
            self.filter("")
        place = self.pick.findData(strategy)
        self.pick.setCurrentIndex(max(0, place))
        return place >= 0

    def _choose_strategy(self) -> None:
        strategy = self._runner.available.get(self.pick.currentData())
        if strategy is None or strategy is self._shown:
            return
        before, same = self.params, self._shown is not None and self._shown.name == strategy.name
        values = before.values() if before is not None and same else {}
        self._shown = strategy
        tell(self.about, strategy.description)
        self._show_params(strategy)
        if same and self.params is not None:  # another version of the same file: what was typed is kept
            self.params.set_values(values)
        else:
            self.interval.setCurrentIndex(self.interval.findData(strategy.interval))
        self._edited()

    def _show_params(self, strategy: type[Strategy]) -> None:
        if self.params is not None:
            # Out of the tree at once: its fields' names are those of the next form's.
            self._params_box.removeWidget(self.params)
            self.params.setParent(None)
            self.params.deleteLater()
        self.params = ModelForm(strategy.Params, self._edge.theme, self)
        self._defaults = self.params.values()
        self.params.changed.connect(self._edited)
        self.params.helped.connect(lambda text: tell(self.help, text))
        self._params_box.addWidget(self.params)
        self.preset.clear()
        for name in (DEFAULTS, *strategy.presets):
            self.preset.addItem(say(f"Preset: {name}"), name)

    # -- presets and clones ----------------------------------------------------------------------------------

    def _presets(self) -> dict[str, dict[str, object]]:
        """Every preset with the values of all fields; what one leaves out keeps its default."""
        strategy, defaults = self._shown, self._defaults
        if strategy is None:
            return {}
        return {DEFAULTS: defaults, **{name: {**defaults, **values} for name, values in strategy.presets.items()}}

    def _take_preset(self) -> None:
        values = self._presets().get(self.preset.currentData())
        if values is not None and self.params is not None:
            self.params.set_values(values)
            self._edited()

    def _show_preset(self) -> None:
        """Name the preset whose values the fields hold; "own values" where that is none."""
        values = self.params.values() if self.params is not None else {}
        name = next((name for name, preset in self._presets().items() if preset == values), OWN)
        own = self.preset.findData(OWN)
        if name == OWN and own < 0:
            self.preset.addItem(say(f"Preset: {OWN}"), OWN)
        elif name != OWN and own >= 0:
            self.preset.removeItem(own)
        self.preset.setCurrentIndex(self.preset.findData(name))

    def again(self, run: Run) -> None:
        """Offer what that run was started with."""
        if self._fill(run):
            self.chosen.choose(run.instruments)
            self._take_product(run)
            self.start.setFocus()

    def clone(self, run: Run) -> None:
        """Offer what that run was started with on another instrument."""
        if self._fill(run):
            self.chosen.offer_other_than({instrument.key for instrument in run.instruments})
            self._take_product(run)
            self.search.setFocus()

    def _fill(self, run: Run) -> bool:
        """Take strategy, parameters and bars from a run; False, and a notice, where it cannot be started now."""
        if not self.choose(run.strategy.name) or self.params is None:
            self._edge.notify(f"{run.strategy.title} cannot be started now; see the strategy files.", "warning")
            return False
        self.params.set_values((run.waiting_params or run.params).model_dump())
        self.interval.setCurrentIndex(self.interval.findData(run.interval))
        return True

    def _take_product(self, run: Run) -> None:
        self.product.setCurrentIndex(max(0, self.product.findData(run.product)))
        self._edited()

    # -- on what ---------------------------------------------------------------------------------------------

    @property
    def instruments(self) -> list[Instrument]:
        """What the next run would be started on."""
        return list(self.chosen.chosen)

    def set_default_instrument(self, instrument: Instrument) -> None:
        """Offer this instrument unless others were chosen by hand."""
        self.chosen.offer(instrument)

    def _instruments_changed(self) -> None:
        kept = self.product.currentData()
        self.product.clear()
        for product in products_for(self.instruments):
            self.product.addItem(say(PRODUCT_WORDS[product]), product)
        self.product.setCurrentIndex(max(0, self.product.findData(kept)))
        self._edited()

    def _edited(self) -> None:
        self._refusal, self._against = "", []
        self._show_preset()
        self.judge()

    # -- may it start? ---------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Say why Start is disabled, or enable it."""
        why = self._why_not()
        tell(self.why, why or self._refusal)
        for button, text in ((self.load, "Load"), (self.start, "Start")):
            button.setEnabled(not why and not self._busy)
            button.setText(say({"": text, text.lower(): f"{text}ing…"}.get(self._busy, text)))

    def _why_not(self) -> str:
        if self._shown is None or self._runner.available.get(self._shown.name) is not self._shown:
            return "This strategy cannot be started now; see the strategy files."
        if not self.instruments:
            return "Choose at least one instrument."
        for instrument in self.instruments:
            if not instrument.tradable:
                return f"{instrument.tradingsymbol} is an index and cannot be traded; choose its future or a stock."
        problems = self.params.judge() if self.params is not None else []
        if self._against and self.params is not None and not problems:
            self.params.show_problems(self._against)
            problems = self._against
        if problems:
            return " ".join(problem.text for problem in problems if not problem.field) or "Correct the fields in red."
        return why_no_start(self._desk)

    async def ask_for(self, what: str, work: Callable[[StartOrder], Awaitable[Run]]) -> None:
        """Ask the runner to "load" or "start"; what it refuses is said here, under the field where it has one."""
        if self._busy or self.params is None:
            return
        self._busy, self._refusal = what, ""
        self.judge()
        try:
            order = self._order(self.params)
            if await self._fits(order.params):
                await work(order)
                self.started.emit()
        except ValidationError as error:
            self._refusal = " ".join(problem.text for problem in problems_of(error))
        except AlphaPandaError as error:
            self._refusal = str(error)
        finally:
            self._busy = ""
            self.judge()

    async def _fits(self, values: Mapping[str, object]) -> bool:
        """Whether the strategy's own file has nothing against the values; what it has is kept to be shown."""
        if self._files is None or self._shown is None:
            return True
        self._against = [Problem(field, text) for field, text in await self._files.judge(self._shown, values)]
        return not self._against

    def _order(self, params: ModelForm) -> StartOrder:
        return StartOrder(
            strategy=self.pick.currentData(),
            instruments=tuple(self.instruments),
            params=params.values(),
            interval=Interval(self.interval.currentData()),
            product=self.product.currentData(),
        )
