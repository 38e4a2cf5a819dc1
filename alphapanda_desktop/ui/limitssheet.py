"""The limits editor: the desk's, each strategy's and one instrument's side by side, profiles, and the rate of orders.

It shows and asks; what may be changed is judged by the keeper of the limits. Limits of the day hold until tomorrow:
they can be tightened at once, and what would loosen one is named before it is asked for.
Object names: `profile_<name>`, `limit_desk_<field>`, `limit_strategy_<field>`, `limit_instrument_<field>`,
`limit_instrument`, `limit_search`, `rate_<field>`, `limits_apply`, `limits_undo`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from alphapanda_desktop.domain.compliance import OrderLimits, limits_on
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.risk import InstrumentLimits, RiskLimits
from alphapanda_desktop.domain.risk_profiles import DAY_FIELDS, PROFILES, loosened
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.forms import NumberSpin, Pick, WholeSpin, field_looks
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.riskkeeper import RiskKeeper

MOST: Final = 1_000_000_000
SCOPES: Final = ("", "Whole desk", "Each strategy run", "One instrument")


class Row(NamedTuple):
    """One limit: its field, its words, its unit ("₹" before the number), and whether it is a whole number."""

    field: str
    words: str
    unit: str
    whole: bool = True


ROWS: Final = (
    Row("max_order_quantity", "Quantity of an order", "units"),
    Row("max_order_value", "Value of an order", "₹", whole=False),
    Row("max_position_quantity", "Position", "units"),
    Row("max_working_orders", "Working orders at once", "orders"),
    Row("price_band_pct", "Price away from the last", "%", whole=False),
    Row("max_orders_per_day", "Orders per day", "orders"),
    Row("max_loss_per_day", "Loss per day, after charges", "₹", whole=False),
    Row("max_drawdown", "Fall from the day's peak", "₹", whole=False),
)
RATES: Final = (
    Row("per_second", "Requests per second", ""),
    Row("per_minute", "Requests per minute", ""),
    Row("per_day", "Orders per day, all paths", ""),
    Row("day_reserve_for_exits", "of these kept for exits", ""),
    Row("modifications_per_order", "Changes of one order", ""),
)
CAPPED: Final = frozenset({"per_second", "per_minute", "per_day", "modifications_per_order"})
"""Rates for which a regulator's or Kite's own figure exists."""
ALWAYS_ON: Final = frozenset(ROW.field for ROW in ROWS[:3]) | {"price_band_pct", "max_orders_per_day"}
"""The desk's own limits for which 0 is a limit, and not "off"."""


class LimitFields:
    """Spin boxes of one scope's limits, by field name."""

    def __init__(self, scope: str, kind: object, sheet: LimitsSheet, off: bool) -> None:
        self.spins: dict[str, WholeSpin | NumberSpin] = {}
        for row in ROWS:
            if hasattr(kind, row.field):
                zero = "off" if off or row.field not in ALWAYS_ON else ""
                self.spins[row.field] = sheet.spin(f"limit_{scope}_{row.field}", row, zero)

    def show(self, limits: object) -> None:
        for name, spin in self.spins.items():
            spin.setValue(getattr(limits, name))

    def values(self) -> dict[str, Any]:
        return {name: spin.value() for name, spin in self.spins.items()}

    def enable(self, on: bool) -> None:
        for spin in self.spins.values():
            spin.setEnabled(on)


class LimitsSheet(Sheet):
    """Edits the limits of one desk; `keeper` and `governor` judge what is asked for."""

    least = QSize(1040, 780)

    def __init__(
        self,
        keeper: RiskKeeper,
        governor: Governor,
        master: InstrumentMaster,
        today: date,
        edge: Edge,
        parent: QWidget,
    ) -> None:
        super().__init__("limits_sheet", "Limits", edge, parent)
        self._keeper = keeper
        self._governor = governor
        self._legal = limits_on(today)
        self._filling = False
        self._instruments: dict[str, InstrumentLimits] = {}
        self._shown_key = ""
        self.setStyleSheet(self.styleSheet() + field_looks(edge.theme))
        self._build(master)
        connect(keeper.changed, self, self.undo)
        self.undo()

    # -- the fields ------------------------------------------------------------------------------------------

    def _build(self, master: InstrumentMaster) -> None:
        self.body.addLayout(self._profiles())
        inside = QFrame(self)
        inside.setFrameShape(QFrame.Shape.NoFrame)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 12, 0)  # the scroll bar's room
        column.addLayout(self._grid(master))
        column.addSpacing(8)
        column.addLayout(self._rates())
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setAccessibleName(say("Limits"))
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        self.body.addWidget(area, 1)
        self.words = self.line("", "muted", "limits_words")
        self.answer = self.line("", "danger", "limits_answer")
        self.body.addWidget(self.words)
        self.body.addWidget(self.answer)
        self.revert = self.button("limits_undo", "As they are in force", self.undo)
        self.tomorrow = self.button("limits_tomorrow", "From tomorrow on", self._from_tomorrow)
        self.apply = self.button("limits_apply", "Put in force", self._apply)
        self.foot.addStretch(1)
        self.foot.addWidget(self.revert)
        self.foot.addWidget(self.tomorrow)
        self.foot.addWidget(self.apply)

    def _profiles(self) -> QHBoxLayout:
        self.profile = self.line(name="limits_profile")
        row = QHBoxLayout()
        row.addWidget(self.profile, 1)
        row.addWidget(Words(say("Start from"), self))
        for name in PROFILES:
            row.addWidget(self.button(f"profile_{name}", name.capitalize(), partial(self._fill_from, name)))
        return row

    def _grid(self, master: InstrumentMaster) -> QGridLayout:
        grid = _grid_of(SCOPES, self)
        default = RiskLimits()
        self.desk = LimitFields("desk", default.desk, self, off=False)
        self.strategy = LimitFields("strategy", default.strategy, self, off=True)
        self.instrument = LimitFields("instrument", InstrumentLimits(), self, off=True)
        grid.addLayout(self._instrument_choice(master), 1, 3)
        for place, row in enumerate(ROWS, 2):
            words = Words(say(row.words) + (" ◷" if row.field in DAY_FIELDS else ""), self)
            grid.addWidget(words, place, 0)
            for column, fields in enumerate((self.desk, self.strategy, self.instrument), 1):
                spin = fields.spins.get(row.field)
                if spin is not None:
                    spin.setAccessibleName(say(f"{row.words}, {SCOPES[column]}"))
                    grid.addWidget(spin, place, column)
        return grid

    def _instrument_choice(self, master: InstrumentMaster) -> QHBoxLayout:
        self.keys = Pick(self)
        self.keys.setObjectName("limit_instrument")
        self.keys.setAccessibleName(say("Instrument with limits of its own"))
        self.keys.currentIndexChanged.connect(lambda _place: self._choose_key())
        self.search = SearchBox(master, self.edge.theme, self)
        self.search.setObjectName("limit_search")
        self.search.setPlaceholderText(say("Add: INFY …"))
        self.search.setAccessibleName(say("Give an instrument limits of its own"))
        self.search.picked.connect(self.add_instrument)
        row = QHBoxLayout()
        row.addWidget(self.keys, 1)
        row.addWidget(self.search, 1)
        return row

    def _rates(self) -> QGridLayout:
        grid = _grid_of(("Order rate, one window for all order paths", "", "At most"), self)
        self.rates: dict[str, WholeSpin] = {}
        for place, row in enumerate(RATES, 1):
            spin = self.spin(f"rate_{row.field}", row, "")
            assert isinstance(spin, WholeSpin)
            spin.setAccessibleName(say(row.words))
            self.rates[row.field] = spin
            grid.addWidget(Words(say(row.words), self), place, 0)
            grid.addWidget(spin, place, 1)
            capped = row.field in CAPPED
            grid.addWidget(Words(grouped(getattr(self._legal, row.field)) if capped else "", self), place, 2)
        grid.setColumnStretch(2, 2)
        grid.addWidget(self.line(f"Source: {self._legal.source}", "muted"), len(RATES) + 1, 0, 1, 3)
        return grid

    def spin(self, name: str, row: Row, zero: str) -> WholeSpin | NumberSpin:
        """A field for one limit, in Indian groups; `zero` is what a 0 reads as."""
        spin = WholeSpin(self) if row.whole else NumberSpin(self)
        spin.setObjectName(name)
        spin.setLocale(QLocale(QLocale.Language.English, QLocale.Country.India))
        spin.setGroupSeparatorShown(True)
        spin.setRange(0, MOST)
        spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        spin.setMinimumWidth(150)
        if isinstance(spin, NumberSpin):
            spin.setDecimals(0 if row.unit == "₹" else 1)
            spin.setSingleStep(1_000 if row.unit == "₹" else 0.5)
        spin.setSpecialValueText(say(zero))
        spin.setPrefix("₹ " if row.unit == "₹" else "")
        spin.setSuffix(f" {say(row.unit)}" if row.unit not in ("₹", "") else "")
        spin.valueChanged.connect(lambda _value: self._edited())
        return spin

    # -- what is in them -------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Show what is in force."""
        self._fill(self._keeper.limits)
        self._fill_rates(self._governor.limits)
        tell(self.answer, "")

    def _fill_from(self, name: str) -> None:
        """A profile's figures; instruments keep limits of their own unless the profile has some."""
        profile = PROFILES[name]
        self._fill(replace(profile, instruments={**self._instruments, **profile.instruments}))

    def _fill(self, limits: RiskLimits) -> None:
        self._filling = True
        self._profile = limits.profile
        self.desk.show(limits.desk)
        self.strategy.show(limits.strategy)
        self._instruments = dict(limits.instruments)
        self._show_keys(self._shown_key)
        self._filling = False
        self._judge()

    def _fill_rates(self, limits: OrderLimits) -> None:
        self._filling = True
        for name, spin in self.rates.items():
            spin.setValue(getattr(limits, name))
        self._rates_shown = limits
        self._filling = False
        self._judge()

    def _show_keys(self, wanted: str) -> None:
        """List instruments with limits of their own, and show one's."""
        self.keys.blockSignals(True)
        self.keys.clear()
        self.keys.addItems(sorted(self._instruments))
        self.keys.setCurrentIndex(max(0, self.keys.findText(wanted)))
        self.keys.blockSignals(False)
        self._shown_key = self.keys.currentText()
        self.keys.setVisible(bool(self._instruments))
        self.instrument.show(self._instruments.get(self._shown_key, InstrumentLimits()))
        self.instrument.enable(bool(self._shown_key))

    def _choose_key(self) -> None:
        self._filling = True
        self._show_keys(self.keys.currentText())
        self._filling = False

    def add_instrument(self, instrument: Instrument) -> None:
        """Give an instrument limits of its own, all off until they are set."""
        self._instruments.setdefault(instrument.key, InstrumentLimits())
        self._filling = True
        self._show_keys(instrument.key)
        self._filling = False
        self._judge()

    def asked(self) -> RiskLimits:
        """What the fields say."""
        limits = RiskLimits(
            desk=replace(self._keeper.limits.desk, **self.desk.values()),
            strategy=replace(self._keeper.limits.strategy, **self.strategy.values()),
            instruments={key: own for key, own in self._instruments.items() if own != InstrumentLimits()},
        )
        start = PROFILES.get(self._profile)
        same = start is not None and (start.desk, start.strategy) == (limits.desk, limits.strategy)
        return replace(limits, profile=self._profile if same else "own")

    def asked_rates(self) -> OrderLimits:
        """What the fields of the order rate say."""
        values: dict[str, Any] = {name: spin.value() for name, spin in self.rates.items()}
        return replace(self._governor.limits, **values)

    def _edited(self) -> None:
        if self._filling:
            return
        if self._shown_key:
            self._instruments[self._shown_key] = InstrumentLimits(**self.instrument.values())
        tell(self.answer, "")
        tint(self.answer, "danger", self.edge)
        self._judge()

    def _judge(self) -> None:
        """Say what would be loosened before tomorrow, and offer only what can be put in force."""
        if not hasattr(self, "_rates_shown"):
            return
        asked, now = self.asked(), self._keeper.limits
        loose = loosened(now, asked)
        edited = "" if asked == now else " Changed here, not in force yet."
        wanted = self._keeper.wanted
        later = "" if wanted == now else f" From tomorrow on: {wanted.profile} limits{_changes(now, wanted)}."
        tell(self.profile, f"In force: {now.profile} limits.{later}{edited}")
        tell(self.words, _words(loose))
        tint(self.words, "danger" if loose else "muted", self.edge)
        changed = asked != now or self.asked_rates() != self._governor.limits
        self.apply.setEnabled(changed and not loose)
        self.revert.setEnabled(changed)
        self.tomorrow.setVisible(bool(loose))

    # -- what the person does --------------------------------------------------------------------------------

    def _apply(self) -> None:
        self.start("limits", self._put_in_force())

    def _from_tomorrow(self) -> None:
        """Today's limits stay; rates that were edited stay in their fields."""
        asked = self.asked()
        self._keeper.want(asked)
        said = f"From tomorrow on{_changes(self._keeper.limits, asked)}. Until then the limits of today hold."
        self._fill(self._keeper.limits)
        tell(self.answer, said)
        tint(self.answer, "good", self.edge)
        self.edge.notify(said, "info")

    async def _put_in_force(self) -> None:
        asked, rates = self.asked(), self.asked_rates()
        try:
            if rates != self._governor.limits:
                self._governor.change(rates)
            if asked != self._keeper.limits:
                await self._keeper.change(asked)
        except AlphaPandaError as error:
            self._say_refused(error, asked)
        else:
            self.undo()
            self.edge.notify(f"Limits in force: {self._keeper.limits.profile}.", "info")

    def _say_refused(self, error: AlphaPandaError, asked: RiskLimits) -> None:
        """What was refused because it loosens a limit of the day is kept for tomorrow."""
        later = ""
        if loosened(self._keeper.limits, asked):
            self._keeper.want(asked)
            later = f" Kept: from tomorrow on{_changes(self._keeper.limits, asked)}."
        tell(self.answer, f"{error}{later}")
        tint(self.answer, "danger", self.edge)


def _changes(now: RiskLimits, wanted: RiskLimits) -> str:
    """What is looser in the limits that are wanted, with its figures; empty where nothing is."""
    named = ", ".join(f"{_named(name)} {_figure(name, asked)}" for name, _, asked in loosened(now, wanted))
    return f": {named}" if named else ""


def _grid_of(titles: tuple[str, ...], sheet: Sheet) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(5)
    for column, title in enumerate(titles):
        head = Words(say(title), sheet)
        head.setFont(ui_font(10, bold=True))
        grid.addWidget(head, 0, column)
        grid.setColumnStretch(column, 1)
    return grid


def _words(loose: tuple[tuple[str, float, float], ...]) -> str:
    if not loose:
        return "◷ Limits of the day can be tightened at once, and loosened from tomorrow. 0 is off where it reads so."
    named = "; ".join(
        f"{_named(name)} {_figure(name, limit)} in force, {_figure(name, asked)} asked" for name, limit, asked in loose
    )
    return f"Not before tomorrow: a limit of the day can be tightened, not loosened. {named}."


def _named(name: str) -> str:
    words: Mapping[str, str] = {row.field: row.words.lower() for row in ROWS}
    scope, _, field = name.rpartition(" ")
    return f"{scope} {words.get(field, field)}".strip()


def _figure(name: str, value: float) -> str:
    units = {row.field: row.unit for row in ROWS}
    sign = "₹ " if units.get(name.rpartition(" ")[2]) == "₹" else ""
    return f"{sign}{grouped(value)}" if value else "off"
