from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field
from PySide6.QtCore import QDate, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from alphapanda_desktop.domain.strategy import Parameters, number
from alphapanda_desktop.strategies.ma_cross import MaCrossParams
from alphapanda_desktop.strategies.momentum import MomentumParams
from alphapanda_desktop.ui.forms import DayField, ModelForm, NumberSpin, Pick, WholeSpin, help_of, words_of
from alphapanda_desktop.ui.theme import DARK


class Odd(Parameters):
    """One field of each kind that the shipped strategies do not have."""

    side: Literal["long", "short"] = "short"
    label: str = Field("abc", max_length=3, description="Three letters")
    budget: float = number(10_000.0, "Money to use", unit="₹", ge=0, step=500)


@pytest.fixture
def form(qtbot: Any) -> ModelForm:
    made = ModelForm(MaCrossParams, DARK)
    qtbot.addWidget(made)
    return made


def _error(form: ModelForm, name: str) -> str:
    found = form.findChild(QLabel, f"param_error_{name}")
    assert isinstance(found, QLabel)
    return "" if found.isHidden() else found.text()


def test_the_form_starts_with_the_defaults(form: ModelForm) -> None:
    assert form.values() == MaCrossParams().model_dump()
    assert form.judge() == []


def test_a_fields_bounds_step_and_unit_come_from_the_model(form: ModelForm) -> None:
    fast = form.findChild(QSpinBox, "param_fast")
    stop = form.findChild(QDoubleSpinBox, "param_stop_loss")
    assert (fast.minimum(), fast.maximum(), fast.singleStep(), fast.suffix()) == (1, 500, 1, " bars")
    assert (stop.minimum(), stop.maximum(), stop.singleStep(), stop.suffix()) == (0, 50, 0.1, " %")
    assert stop.toolTip() == "Loss at which a position is closed; 0 never. 0 to 50 %"


def test_one_bar_is_not_called_one_bars(form: ModelForm) -> None:
    fast = form.findChild(QSpinBox, "param_fast")
    fast.setValue(1)
    assert fast.text() == "1 bar"
    assert words_of(MaCrossParams(fast=1, slow=2)).startswith("fast 1 bar · slow 2 bars · lots 1 · cool down 5 bars")


def test_a_strategys_own_fields_come_before_those_of_its_base(form: ModelForm) -> None:
    assert list(form.values())[:3] == ["fast", "slow", "lots"]


def test_values_that_do_not_fit_together_are_a_problem_without_a_field(form: ModelForm) -> None:
    form.findChild(QSpinBox, "param_fast").setValue(30)
    (problem,) = form.judge()
    assert problem.field == ""
    assert problem.text == "fast average of 30 bars must be shorter than the slow one of 21 bars"


def test_a_wrong_value_is_told_under_its_field_until_it_is_right(qtbot: Any) -> None:
    form = ModelForm(Odd, DARK)
    qtbot.addWidget(form)
    line = form.findChild(QLineEdit, "param_label")
    line.setText("abcd")
    assert [problem.field for problem in form.judge()] == ["label"]
    assert _error(form, "label") == "String should have at most 3 characters"
    line.setText("xyz")
    assert form.judge() == []
    assert _error(form, "label") == ""


def test_choices_and_rupees_have_fields_of_their_own(qtbot: Any) -> None:
    form = ModelForm(Odd, DARK)
    qtbot.addWidget(form)
    form.findChild(QComboBox, "param_side").setCurrentIndex(0)
    budget = form.findChild(QDoubleSpinBox, "param_budget")
    budget.stepUp()
    assert form.values() == {"side": "long", "label": "abc", "budget": 10_500.0}
    assert budget.prefix() == "₹ "


def test_every_edit_is_told_once(form: ModelForm, qtbot: Any) -> None:
    told: list[None] = []
    form.changed.connect(lambda: told.append(None))
    form.findChild(QSpinBox, "param_slow").setValue(50)
    form.set_values({"allow_short": True, "no_such_field": 1})
    assert len(told) == 2
    assert form.values()["allow_short"] is True


def test_the_wheel_does_not_turn_a_field_without_the_focus(form: ModelForm) -> None:
    spin = form.findChild(QSpinBox, "param_slow")
    turn = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    spin.wheelEvent(turn)
    assert spin.value() == 21
    assert not turn.isAccepted()


def test_the_wheel_over_a_field_gives_it_no_focus_and_changes_nothing(qtbot: Any) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    fields = [QLineEdit(), WholeSpin(), NumberSpin(), Pick(), DayField()]
    for field in fields:
        column.addWidget(field)
    first, whole, number, pick, day = fields
    pick.addItems(["BUY", "SELL"])
    day.setDate(QDate(2026, 9, 21))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    first.setFocus()
    for field in fields[1:]:
        at = QPointF(field.mapTo(window, field.rect().center()))
        QTest.wheelEvent(window.windowHandle(), at, QPoint(0, -120))
        QTest.wheelEvent(window.windowHandle(), at, QPoint(0, 120 * 3))
        assert not field.hasFocus()
    assert (whole.value(), number.value(), pick.currentText()) == (0, 0.0, "BUY")
    assert day.date() == QDate(2026, 9, 21)


def test_a_threshold_keeps_the_digits_of_its_step(qtbot: Any) -> None:
    form = ModelForm(MomentumParams, DARK)
    qtbot.addWidget(form)
    spin = form.findChild(QDoubleSpinBox, "param_threshold")
    spin.stepUp()
    assert form.values()["threshold"] == 1.05


def test_every_field_has_a_name_and_help_for_screen_readers(form: ModelForm) -> None:
    for name, field in MaCrossParams.model_fields.items():
        widget = form.findChild(QWidget, f"param_{name}")
        assert widget.accessibleName()
        assert widget.accessibleDescription() == help_of(field) != ""
