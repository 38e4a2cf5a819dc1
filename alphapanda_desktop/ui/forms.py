"""A form made from a pydantic model: a bounded field for each parameter, its help, and its error beside it.

Object names for the tour: `param_<field>` for each field's widget, `param_error_<field>` for the words under it.
Another form in the same window has a word of its own instead of `param`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateEdit,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from alphapanda_desktop.domain.misfits import misfits_of
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Theme
from alphapanda_desktop.ui.words import say

INT_MAX: Final = 2_147_483_647
FLOAT_MAX: Final = 1e12
DECIMALS_MAX: Final = 6


class Problem(NamedTuple):
    """What is wrong with a value; `field` is empty where it is the whole that does not fit."""

    field: str
    text: str


class WholeSpin(QSpinBox):
    """Whole numbers. The wheel turns it only while it has the focus: a scrolled form must not change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt's own policy lets the wheel take the focus first

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class NumberSpin(QDoubleSpinBox):
    """Numbers with decimals. The wheel turns it only while it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class Pick(QComboBox):
    """A choice. The wheel turns it only while it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class DayField(QDateEdit):
    """A day. The wheel turns it only while it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


def field_looks(theme: Theme) -> str:
    """Style of arrows and boxes, which the program's style sheet would leave dark on dark."""
    side = f"4px solid {theme.panel}"  # a triangle is a border between two of the ground's colour
    arrow = f"width: 0; height: 0; border-left: {side}; border-right: {side};"
    return f"""
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 18px; border: 0; background: transparent; }}
QAbstractSpinBox::up-arrow {{ {arrow} border-bottom: 5px solid {theme.muted}; }}
QAbstractSpinBox::down-arrow {{ {arrow} border-top: 5px solid {theme.muted}; }}
QComboBox::drop-down {{ width: 20px; border: 0; background: transparent; }}
QComboBox::down-arrow {{ {arrow} border-top: 5px solid {theme.muted}; }}
QCheckBox::indicator {{
    width: 13px; height: 13px; border: 1px solid {theme.muted}; border-radius: 3px; background: {theme.panel}; }}
QCheckBox::indicator:checked {{ background: {theme.accent}; border-color: {theme.accent}; }}
QCheckBox::indicator:focus {{ border-color: {theme.text}; }}
"""


class _Input(NamedTuple):
    widget: QWidget
    read: Callable[[], object]
    write: Callable[[Any], None]


class ModelForm(QWidget):
    """Fields of one pydantic model. Signals: `changed()` after any edit, `helped(text)` as the focus moves."""

    changed = Signal()
    helped = Signal(str)

    def __init__(
        self, model: type[BaseModel], theme: Theme, parent: QWidget | None = None, prefix: str = "param"
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._prefix = prefix
        self._inputs: dict[str, _Input] = {}
        self._errors: dict[str, QLabel] = {}
        self.model = model
        self.setStyleSheet(field_looks(theme))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for row, name in enumerate(_own_first(model)):
            self._add(grid, 2 * row, name, model.model_fields[name])

    def _add(self, grid: QGridLayout, row: int, name: str, field: FieldInfo) -> None:
        made = self._inputs[name] = _input_for(field, self.changed.emit, self)
        words = help_of(field)
        made.widget.setObjectName(f"{self._prefix}_{name}")
        title = field.title or label_of(name)
        made.widget.setAccessibleName(say(title))
        made.widget.setAccessibleDescription(say(words))
        made.widget.setToolTip(as_tip(say(words)))
        made.widget.setMinimumWidth(130)
        made.widget.installEventFilter(self)
        label = Words(say(title), self)
        label.setToolTip(as_tip(say(words)))
        label.setBuddy(made.widget)
        grid.addWidget(label, row, 0)
        grid.addWidget(made.widget, row, 1)
        grid.addWidget(self._error_line(name), row + 1, 0, 1, 2)

    def _error_line(self, name: str) -> QLabel:
        line = self._errors[name] = Words(self)
        line.setObjectName(f"{self._prefix}_error_{name}")
        line.setWordWrap(True)
        line.setStyleSheet(f"color: {self._theme.danger};")
        line.hide()
        return line

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self.helped.emit(watched.toolTip())
        return False

    def values(self) -> dict[str, object]:
        """What the fields say, by field name; the model has not judged it yet."""
        return {name: made.read() for name, made in self._inputs.items()}

    def set_values(self, values: dict[str, object]) -> None:
        """Fill in fields; names that the model does not have are left out."""
        for name, value in values.items():
            if name in self._inputs:
                self._inputs[name].write(value)

    def judge(self) -> list[Problem]:
        """What the model says against the values; each field shows its own share."""
        try:
            self.model.model_validate(self.values())
        except ValidationError as error:
            return self.show_error(error)
        self._show({})
        return []

    def show_error(self, error: ValidationError) -> list[Problem]:
        """Put each complaint under its field; all of them."""
        problems = problems_of(error)
        self.show_problems(problems)
        return problems

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Put what somebody else says against the values under the fields."""
        self._show({problem.field: problem.text for problem in reversed(problems)})

    def _show(self, texts: dict[str, str]) -> None:
        for name, line in self._errors.items():
            line.setText(say(texts.get(name, "")))
            line.setVisible(name in texts)


def problems_of(error: ValidationError) -> list[Problem]:
    """A validation error in plain sentences, by field."""
    return [Problem(where.partition(".")[0], what) for where, what in misfits_of(error)]


def words_of(values: BaseModel) -> str:
    """Values of a model in one line: "fast 9 bars · slow 21 bars · allow short no"."""
    kind = type(values)
    said = ((name, getattr(values, name, None), kind.model_fields[name]) for name in _own_first(kind))
    return " · ".join(f"{label_of(name).lower()} {_worded(name, value, field)}" for name, value, field in said)


def _worded(name: str, value: object, field: FieldInfo) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    unit = _unit(field, value)
    return f"{text} {unit}" if unit and unit not in (name, name.removesuffix("s")) else text


def _unit(field: FieldInfo, value: object) -> str:
    """The unit after a number: "bars", and "bar" after 1."""
    unit = str(_extra(field, "unit") or "")
    return unit.removesuffix("s") if value == 1 and len(unit) > 1 else unit


def label_of(name: str) -> str:
    """A field's name as words: "stop_loss" is "Stop loss"."""
    return name.replace("_", " ").capitalize()


def help_of(field: FieldInfo) -> str:
    """A field's help with its bounds: "Bars in the fast average. 1 to 500 bars"."""
    low, high, unit = _bound(field, "ge"), _bound(field, "le"), _extra(field, "unit") or ""
    words = (field.description or "").strip().rstrip(".")
    if low is None and high is None:
        return words
    span = f"{low:g} to {high:g}" if low is not None and high is not None else ""
    span = span or (f"at least {low:g}" if low is not None else f"at most {high:g}")
    return f"{words}. {span[0].upper()}{span[1:]} {unit}".strip()


def _own_first(model: type[BaseModel]) -> list[str]:
    """Field names, the model's own before those of its bases: what tells it apart comes first."""
    own = [name for name in vars(model).get("__annotations__", {}) if name in model.model_fields]
    return own + [name for name in model.model_fields if name not in own]


def _bound(field: FieldInfo, which: str) -> float | None:
    for constraint in field.metadata:
        value = getattr(constraint, which, None)
        if isinstance(value, int | float):
            return float(value)
    return None


def _extra(field: FieldInfo, name: str) -> Any:
    return field.json_schema_extra.get(name) if isinstance(field.json_schema_extra, dict) else None


def _input_for(field: FieldInfo, changed: Callable[[], None], parent: QWidget) -> _Input:
    kind = field.annotation
    if options := _options(kind):
        return _choice(field, options, changed, parent)
    if kind is bool:
        return _switch(field, changed, parent)
    if kind is int:
        return _whole(field, changed, parent)
    if kind is float:
        return _number(field, changed, parent)
    return _words(field, changed, parent)


def _options(kind: Any) -> tuple[Any, ...]:
    """What a Literal has to choose from, with None first where that is one of them; empty for any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    among = [part for part in get_args(kind) if get_origin(part) is Literal]
    return (None, *get_args(among[0])) if among and set(get_args(kind)) == {among[0], NoneType} else ()


def _whole(field: FieldInfo, changed: Callable[[], None], parent: QWidget) -> _Input:
    spin = WholeSpin(parent)
    low, high = _bound(field, "ge"), _bound(field, "le")
    spin.setRange(-INT_MAX if low is None else int(low), INT_MAX if high is None else int(high))
    spin.setSingleStep(int(_extra(field, "step") or 1))
    spin.setGroupSeparatorShown(True)
    _dress(spin, field)
    spin.setValue(int(field.get_default(call_default_factory=True) or 0))
    spin.valueChanged.connect(lambda _value: changed())
    return _Input(spin, spin.value, spin.setValue)


def _number(field: FieldInfo, changed: Callable[[], None], parent: QWidget) -> _Input:
    spin = NumberSpin(parent)
    step = float(_extra(field, "step") or 0.1)
    default = float(field.get_default(call_default_factory=True) or 0.0)
    low, high = _bound(field, "ge"), _bound(field, "le")
    spin.setDecimals(max(2, _decimals(step), _decimals(default)))
    spin.setRange(-FLOAT_MAX if low is None else low, FLOAT_MAX if high is None else high)
    spin.setSingleStep(step)
    _dress(spin, field)
    spin.setValue(default)
    spin.valueChanged.connect(lambda _value: changed())
    return _Input(spin, spin.value, lambda value: _write(spin, float(value)))


def _write(spin: NumberSpin, value: float) -> None:
    """Show a value as it is: a field that rounds would start something else than was asked for."""
    spin.setDecimals(max(spin.decimals(), _decimals(value)))
    spin.setValue(value)


def _decimals(value: float) -> int:
    return min(DECIMALS_MAX, len(f"{value:.{DECIMALS_MAX}f}".rstrip("0").partition(".")[2]))


def _dress(spin: WholeSpin | NumberSpin, field: FieldInfo) -> None:
    unit = _extra(field, "unit")
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setAccelerated(True)
    if unit == "₹":
        spin.setPrefix("₹ ")
    elif unit:
        spin.valueChanged.connect(lambda value: spin.setSuffix(f" {say(_unit(field, value))}"))
        spin.setSuffix(f" {say(_unit(field, field.get_default(call_default_factory=True)))}")


def _switch(field: FieldInfo, changed: Callable[[], None], parent: QWidget) -> _Input:
    default = bool(field.get_default(call_default_factory=True))
    box = QCheckBox(say("yes" if default else "no"), parent)
    box.setChecked(default)
    box.toggled.connect(lambda on: box.setText(say("yes" if on else "no")))
    box.toggled.connect(lambda _on: changed())
    return _Input(box, box.isChecked, box.setChecked)


def _choice(field: FieldInfo, options: tuple[Any, ...], changed: Callable[[], None], parent: QWidget) -> _Input:
    pick = Pick(parent)
    for option in options:
        pick.addItem(say(str(_extra(field, "none") or "none") if option is None else str(option)), option)
    pick.setCurrentIndex(_place_of(field.get_default(call_default_factory=True), options, 0))
    pick.currentIndexChanged.connect(lambda _place: changed())
    return _Input(pick, pick.currentData, lambda value: pick.setCurrentIndex(_place_of(value, options, -1)))


def _place_of(value: object, options: tuple[Any, ...], otherwise: int) -> int:
    """Where a value stands among options: Qt's own search never finds None."""
    return options.index(value) if value in options else otherwise


def _words(field: FieldInfo, changed: Callable[[], None], parent: QWidget) -> _Input:
    """Any other type is typed as text and read by the model, which says what it does not understand."""
    line = QLineEdit("" if field.is_required() else str(field.get_default(call_default_factory=True)), parent)
    line.textChanged.connect(lambda _text: changed())
    return _Input(line, line.text, lambda value: line.setText(str(value)))
