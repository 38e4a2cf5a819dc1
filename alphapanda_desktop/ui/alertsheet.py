"""The sheet that sets an alert: what to look at, the line, and the sentence that comes of it with the value of now.

Object names: `alert_kind`, `alert_instrument`, `alert_direction`, `alert_level`, `alert_interval`,
`alert_event`, `alert_repeat`, `alert_note`, `alert_sentence`, `alert_answer`, `alert_set`, and
those of `ui.indicatorfields`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QPushButton, QToolButton, QWidget

from alphapanda_desktop.domain.alerts import (
    INTERVALS,
    ORDER_EVENTS,
    SESSIONS,
    Direction,
    Kind,
    Rule,
    words_of,
)
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.alerts import NOW_EVERY_FRAMES, value_words
from alphapanda_desktop.ui.chart.studies import GUIDES
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import NumberSpin, Pick, field_looks
from alphapanda_desktop.ui.indicatorfields import IndicatorFields
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.sheet import Sheet, tell
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.tallscroll import TallScroll
from alphapanda_desktop.ui.words import say

KINDS: Final = {
    Kind.PRICE: "Price of an instrument",
    Kind.MOVE: "Move from the previous close",
    Kind.INDICATOR: "Indicator, as each bar closes",
    Kind.PNL: "Net P&L of the account",
    Kind.ORDER: "What becomes of orders",
    Kind.SESSION: "End of a session",
    Kind.FEED: "A feed without ticks",
}
REACHES: Final = {"either": "crosses", "above": "rises to", "below": "falls to"}
MOVES: Final = {"either": "moves either way by", "above": "rises by", "below": "falls by"}
EVENTS: Final = {"filled": "filled", "rejected": "rejected", "cancelled": "cancelled", "unknown": "not answered for"}
UNITS: Final = {
    Kind.PRICE: ("₹ ", ""), Kind.MOVE: ("", " %"), Kind.INDICATOR: ("", ""), Kind.PNL: ("₹ ", ""),
    Kind.SESSION: ("", " min before"), Kind.FEED: ("", " s"),
}  # fmt: skip
LEVELS: Final = {Kind.MOVE: 1.0, Kind.INDICATOR: 70.0, Kind.PNL: -5000.0, Kind.SESSION: 15.0, Kind.FEED: 30.0}
"""What the field begins with; a price begins with the last one."""

FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.PRICE: ("instrument", "direction", "level"),
    Kind.MOVE: ("instrument", "direction", "level"),
    Kind.INDICATOR: ("instrument", "indicator", "interval", "direction", "level"),
    Kind.PNL: ("direction", "level"),
    Kind.ORDER: ("any", "instrument", "event"),
    Kind.SESSION: ("session", "level"),
    Kind.FEED: ("any", "instrument", "level"),
}
"""Which fields each kind has, besides those of all."""

NUMBER_PX: Final = 220
FINE: Final = 10.0
"""An indicator of smaller values, as a slope or a ratio is, has its level in more decimals."""
OF_ANY: Final = frozenset({Kind.ORDER, Kind.FEED})
"""Kinds that need no instrument."""


class Room(TallScroll):
    """As high as what it shows wants to be, and lower where there is no room."""

    def sizeHint(self) -> QSize:
        content = self.widget()
        return content.sizeHint() if content is not None else super().sizeHint()


class AlertSheet(Sheet):
    """Sets one alert in a book; `instrument` is what it begins with."""

    least = QSize(640, 0)
    compact = True

    def __init__(
        self,
        book: AlertBook,
        master: InstrumentMaster,
        mode: str,
        edge: Edge,
        parent: QWidget,
        instrument: Instrument | None = None,
    ) -> None:
        super().__init__("alert_sheet", "New alert", edge, parent)
        self.setStyleSheet(self.styleSheet() + field_looks(edge.theme))
        self._book = book
        self._master = master
        self._mode = mode
        self._instrument = instrument
        self._make_fields()
        self.sentence = self.line("", "accent", "alert_sentence")
        self.answer = self.line("", "danger", "alert_answer")
        self.body.addWidget(self._fields(), 1)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.answer)
        self.foot.addStretch(1)
        self.foot.addWidget(self.button("alert_cancel", "Cancel", self.dismiss))
        self.foot.addWidget(self.button("alert_set", "Set alert", self._set, "Watch this from now on (Enter)"))
        self.setFocusProxy(self.kind)
        self._choose_kind()
        self._frames = 0
        edge.frames.add(self, self._frame)

    def _make_fields(self) -> None:
        self.kind = self._pick("alert_kind", "Look at", {kind.name: words for kind, words in KINDS.items()})
        self.instrument = SearchBox(self._master, self.edge.theme, self)
        self.instrument.setObjectName("alert_instrument")
        self.instrument.setAccessibleName(say("Instrument"))
        self.instrument.picked.connect(self.choose_instrument)
        self.any = QCheckBox(say("Any instrument"), self)
        self.any.setObjectName("alert_any")
        self.any.setAccessibleName(say("Of"))
        self.any.setChecked(True)
        self.any.toggled.connect(lambda _on: self._say())
        self.direction = self._pick("alert_direction", "When it", REACHES)
        self.level = NumberSpin(self)
        self.level.setObjectName("alert_level")
        self.level.setAccessibleName(say("Level"))
        self.level.setLocale(QLocale(QLocale.Language.English, QLocale.Country.India))
        self.level.setGroupSeparatorShown(True)
        self.level.setDecimals(2)
        self.level.setRange(-1e9, 1e9)
        self.level.valueChanged.connect(lambda _value: self._say())
        self.indicator = IndicatorFields(self.edge.theme, self)
        self.indicator.setAccessibleName(say("Indicator"))
        self.indicator.chosen.connect(self._choose_level)
        self.indicator.changed.connect(self._say)
        self.level.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.level.setMaximumWidth(NUMBER_PX)
        self.interval = self._pick("alert_interval", "Bars of", {name: Interval(name).label for name in INTERVALS})
        self.event_ = self._pick("alert_event", "Order is", {name: EVENTS[name] for name in ORDER_EVENTS})
        self.session = self._pick("alert_session", "Session", {name: _session_name(name) for name in SESSIONS})
        self.note = QLineEdit(self)
        self.note.setObjectName("alert_note")
        self.note.setAccessibleName(say("Note"))
        self.note.setPlaceholderText(say("said with it (optional)"))
        self.note.setMaxLength(200)
        self.repeat = QCheckBox(say("Arm again by itself each time, a minute later at the soonest"), self)
        self.repeat.setObjectName("alert_repeat")

    def _pick(self, name: str, words: str, choices: dict[str, str]) -> Pick:
        pick = Pick(self)
        pick.setObjectName(name)
        pick.setAccessibleName(say(words))
        _fill(pick, choices.items())
        pick.currentIndexChanged.connect(lambda _place: self._choose_kind() if pick is self.kind else self._say())
        return pick

    def _fields(self) -> TallScroll:
        """The form, which scrolls where the window is too low for it."""
        page = QWidget(self)
        page.setLayout(self._form())
        page.setAutoFillBackground(False)
        area = Room(page, self)
        area.viewport().setAutoFillBackground(False)
        return area

    def _form(self) -> QFormLayout:
        self._rows: dict[str, QWidget] = {
            "any": self.any, "instrument": self.instrument, "indicator": self.indicator,
            "interval": self.interval, "event": self.event_, "session": self.session, "direction": self.direction,
            "level": self.level,
        }  # fmt: skip
        self.form = QFormLayout()
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.addRow("Look at", self.kind)
        for widget in self._rows.values():
            self.form.addRow(widget.accessibleName(), widget)
        self.form.addRow("Note", self.note)
        self.form.addRow("", self.repeat)
        return self.form

    # -- what is in the fields -------------------------------------------------------------------------------

    @property
    def chosen_kind(self) -> Kind:
        return Kind[str(self.kind.currentData())]

    def _choose_kind(self) -> None:
        """Show this kind's fields, begun with what is usual."""
        kind = self.chosen_kind
        for name, widget in self._rows.items():
            self.form.setRowVisible(widget, name in FIELDS[kind])
        _fill(self.direction, (MOVES if kind is Kind.MOVE else REACHES).items())
        prefix, suffix = UNITS.get(kind, ("", ""))
        self.level.setPrefix(prefix)
        self.level.setSuffix(suffix)
        if kind in LEVELS:
            self.level.setValue(LEVELS[kind])
        self._show_instrument()
        self.repeat.setChecked(kind is Kind.ORDER)
        self._say()

    def choose_instrument(self, instrument: Instrument) -> None:
        """Look at this one."""
        self._instrument = instrument
        self.any.setChecked(False)
        self._show_instrument()
        self._say()

    def look_at(self, name: str, parameters: Iterable[tuple[str, float]], interval: Interval | None) -> None:
        """Look at this indicator, on bars of that length where it is one."""
        self.kind.setCurrentIndex(self.kind.findData(Kind.INDICATOR.name))
        if interval is not None:
            self.interval.setCurrentIndex(self.interval.findData(interval.value))
        self.indicator.choose(name, parameters)
        self._choose_level()

    def _choose_level(self) -> None:
        """Begin with the level that its pane marks, else with its value as it is now."""
        if not hasattr(self, "sentence") or self.chosen_kind is not Kind.INDICATOR:
            return
        now, name = self._book.values.now(self.rule()), self.indicator.name
        marked = GUIDES.get(name)
        self.level.setDecimals(4 if now is not None and marked is None and abs(now) < FINE else 2)
        self.level.setValue(marked[-1] if marked is not None else now or 0.0)

    def _show_instrument(self) -> None:
        if self._instrument is None:
            return
        self.instrument.setPlaceholderText(say(f"{self._instrument.key} — type to look at another"))
        if self.chosen_kind is Kind.PRICE:
            self.level.setDecimals(self._instrument.decimals)
            self.level.setSingleStep(self._instrument.tick_size or 0.05)
            value = self._book.values.now(Rule(kind=Kind.PRICE, key=self._instrument.key))
            self.level.setValue(value or 0.0)
        else:
            self.level.setDecimals(2)
            self.level.setSingleStep(1.0)
            self._choose_level()

    def rule(self) -> Rule:
        """What the fields say."""
        kind = self.chosen_kind
        shown = FIELDS[kind]
        any_ = "instrument" not in shown or (kind in OF_ANY and self.any.isChecked())
        event = self.session if kind is Kind.SESSION else self.event_
        return Rule(
            kind=kind,
            key=self._instrument.key if self._instrument is not None and not any_ else "",
            direction=cast(Direction, self.direction.currentData() if "direction" in shown else "either"),
            level=self.level.value() if "level" in shown else 0.0,
            indicator=self.indicator.name,
            parameters=self.indicator.parameters,
            line=self.indicator.output,
            interval=str(self.interval.currentData()),
            event=str(event.currentData()) if kind in (Kind.ORDER, Kind.SESSION) else "",
            repeat=self.repeat.isChecked(),
            note=self.note.text().strip(),
        )

    def _frame(self) -> None:
        self._frames = (self._frames + 1) % NOW_EVERY_FRAMES
        if not self._frames:
            self._show_sentence()

    def _say(self) -> None:
        if not hasattr(self, "sentence"):
            return
        tell(self.answer, "")
        self._show_sentence()

    def _show_sentence(self) -> None:
        """The alert in words, with the value as it is now."""
        rule = self.rule()
        now = value_words(rule, self._book.values.now(rule))
        also = f"Now: {now}." if now != formats.DASH else self._book.values.waits(rule)
        told = say(f"{MODE_MARKS.get(self._mode, '')} · Tell me when {words_of(rule, formats.grouped)}.")
        self.sentence.setText(f"{told} {say(also)}".rstrip())
        self.sentence.show()

    # -- what the person does --------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            focused = self.focusWidget()
            focused.click() if isinstance(focused, QPushButton | QToolButton) else self._set()
        else:
            super().keyPressEvent(event)

    def _set(self) -> None:
        self.start("set an alert", self._add())

    async def _add(self) -> None:
        try:
            alert = await self._book.add(self.rule())
        except AlphaPandaError as error:
            tell(self.answer, str(error))
            return
        self.edge.notify(f"Alert set: {words_of(alert.rule, formats.grouped)}.", "info")
        self.dismiss()


def _fill(pick: Pick, choices: Iterable[tuple[str, str]]) -> None:
    """Other choices; the chosen one stays where it is among them."""
    before = pick.currentData()
    pick.blockSignals(True)
    pick.clear()
    for name, words in choices:
        pick.addItem(say(words), name)
    pick.setCurrentIndex(max(0, pick.findData(before)))
    pick.blockSignals(False)


def _session_name(name: str) -> str:
    return "Kite login (06:00 IST)" if name == "login" else f"{name} closes"
