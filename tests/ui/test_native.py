"""A web page in the window is a window to the system, and nothing else of the window becomes one."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QWidget

from alphapanda_desktop.ui.sheet import TypedSheet
from tests.ui.window_stage import a_window

SIBLINGS = Qt.ApplicationAttribute.AA_DontCreateNativeWidgetSiblings


@pytest.fixture
def as_started(qapp: QApplication) -> Any:
    """What `start` asks of Qt before there is an application."""
    before = QCoreApplication.testAttribute(SIBLINGS)
    QCoreApplication.setAttribute(SIBLINGS, True)
    yield
    QCoreApplication.setAttribute(SIBLINGS, before)


@pytest.mark.usefixtures("as_started")
def test_only_what_lies_over_a_web_page_becomes_a_window_with_it(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            page = QWidget(window.centre)
            page.setAttribute(Qt.WidgetAttribute.WA_DontCreateNativeAncestors)
            page.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
            window.centre.addWidget(page)
            window.centre.setCurrentWidget(page)
            sheet = TypedSheet("asked", "Asked", "Why?", window._edge, window)
            window.deck.lay(sheet)
            over = [sheet, *window.deck._over]
            assert page.internalWinId() and all(widget.internalWinId() for widget in over)
            beneath = [part for part in window.findChildren(QWidget) if not part.isWindow() and part.internalWinId()]
            assert {id(part) for part in beneath} == {id(part) for part in (page, *over)}
            sheet.dismiss()

    run(story())
