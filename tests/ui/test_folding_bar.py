"""Buttons over the chart give way in a narrow window, and are found behind the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from alphapanda_desktop.ui.chart.foldingbar import FoldingBar
from tests.ui.window_stage import a_window

NAMES = ("Tick", "1m", "Draw", "Log", "Fit")


@pytest.fixture
def room(qapp: Any) -> Iterator[QWidget]:
    widget = QWidget()
    widget.resize(700, 60)
    widget.show()
    yield widget
    shiboken6.delete(widget)


def a_bar(room: QWidget) -> tuple[FoldingBar, dict[str, QToolButton]]:
    """A bar that nothing lays out, of which the first two are kept."""
    bar = FoldingBar(room)
    buttons = {name: QToolButton(bar) for name in NAMES}
    for number, (name, button) in enumerate(buttons.items()):
        button.setText(name)
        button.setCheckable(True)
        bar.add(button, keep=number < 2)
    bar.resize(600, 40)
    bar.show()
    return bar, buttons


def test_what_does_not_fit_is_hidden_from_the_end_and_what_is_kept_never(run: Any, room: QWidget) -> None:
    async def story() -> None:
        bar, buttons = a_bar(room)
        assert bar.folded == [] and bar.more.isHidden()
        bar.resize(bar.minimumSizeHint().width(), 40)
        assert [button.text() for button in bar.folded] == ["Draw", "Log", "Fit"] and not bar.more.isHidden()
        bar.resize(bar.width() + buttons["Draw"].sizeHint().width() + 4, 40)
        assert [button.text() for button in bar.folded] == ["Log", "Fit"]
        bar.resize(600, 40)
        assert bar.folded == [] and bar.more.isHidden()

    run(story())


def test_what_is_hidden_is_done_from_the_menu(run: Any, room: QWidget) -> None:
    async def story() -> None:
        bar, buttons = a_bar(room)
        bar.resize(bar.minimumSizeHint().width(), 40)
        buttons["Fit"].setChecked(True)
        QTest.mouseClick(bar.more, Qt.MouseButton.LeftButton)
        menu = bar.findChild(QMenu)
        assert menu is not None
        entries = {action.text(): action for action in menu.actions()}
        assert list(entries) == ["Draw", "Log", "Fit"] and entries["Fit"].isChecked()
        entries["Log"].trigger()
        assert buttons["Log"].isChecked()
        menu.hide()

    run(story())


def test_a_button_put_before_another_folds_in_its_place(run: Any, room: QWidget) -> None:
    async def story() -> None:
        bar, buttons = a_bar(room)
        late = QToolButton(bar)
        late.setText("Look")
        bar.add(late, buttons["Log"])
        bar.resize(bar.minimumSizeHint().width(), 40)
        assert [button.text() for button in bar.folded] == ["Draw", "Look", "Log", "Fit"]

    run(story())


def test_the_window_fits_a_small_screen(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            assert stage.window.minimumSizeHint().width() <= 1280

    run(story())
