"""Everything of the window as a screen reader meets it, and as it reads in Hindi: one window, every sheet, one walk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QLoggingCategory, Qt
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QTableView,
    QWidget,
)

from alphapanda_desktop.ui.shell import MainWindow
from alphapanda_desktop.ui.words import say, speak
from tests.ui.window_stage import a_window

SHEETS = ("show_kill", "show_limits", "show_coverage", "show_differences", "show_review", "show_data", "show_preflight")
LATIN = re.compile(r"[A-Za-z]{2,}")
HINDI = re.compile(r"[\u0900-\u097f]")
QTS_OWN = re.compile(r"^(qt_|ads|tabCloseButton|Scroll(Left|Right)Button|tabsMenuButton|detachGroup|dockArea|QtAds)")
"""Parts of Qt's and QtAds' own making, which no key reaches or whose words are theirs."""

NAMES = re.compile(r"^(PRACTICE|AB1234|AlphaPanda|[A-Z]{2,6}|[A-Z]{3}:[A-Z]+|IST [\d:]+|/.*|SL-M|IV %|Cr|\W|\d)+$")
"""Modes, codes of the exchange, people, files and times are the same in every language."""
NOT_SAID = re.compile(r"^(journal .*|.*\.(sqlite|csv|md)|List 1|RSI|https?:.*|.*<table.*)$")


def focusable(top: QWidget) -> Iterator[QWidget]:
    """What the keyboard can be in, apart from the inner parts of Qt's own widgets."""
    for widget in [top, *top.findChildren(QWidget)]:
        inner = isinstance(widget.parent(), QAbstractSpinBox | QComboBox) or QTS_OWN.match(widget.objectName() or "")
        inner = inner or type(widget) in (QListView, QKeySequenceEdit)  # a combo's list; what holds a line to type in
        theirs = type(widget).__module__.startswith(("PySide6QtAds", "PySide6.QtWebEngine"))
        takes_keys = widget.focusPolicy() & Qt.FocusPolicy.TabFocus == Qt.FocusPolicy.TabFocus
        passes_on = widget.focusProxy() is not None
        silent = isinstance(widget, QAbstractButton | QLineEdit) and _put_away(widget, top)  # named when it is shown
        if takes_keys and not passes_on and not silent and not inner and not theirs and not isinstance(widget, QMenu):
            yield widget


def _put_away(widget: QWidget | None, top: QWidget) -> bool:
    """Whether it, or what it stands in, is not shown and has no words yet; a panel behind another has."""
    if isinstance(widget, QAbstractButton) and widget.text():
        return False
    while widget is not None and widget is not top:
        if widget.isHidden():
            return True
        widget = widget.parentWidget()
    return False


def nameless(top: QWidget) -> set[str]:
    """What the keyboard can be in and a screen reader has no name or no role for."""
    found = set()
    for widget in focusable(top):
        heard = QAccessible.queryAccessibleInterface(widget)
        name = heard.text(QAccessible.Text.Name) if heard is not None else ""
        if heard is None or not name.strip() or heard.role() == QAccessible.Role.NoRole:
            found.add(f"{type(widget).__name__} {widget.objectName()} in {_owner(widget)}: {name!r}")
    return found


def _owner(widget: QWidget) -> str:
    parent = widget.parentWidget()
    while parent is not None and not parent.objectName():
        parent = parent.parentWidget()
    return parent.objectName() if parent is not None else "nothing"


def texts(top: QWidget) -> Iterator[tuple[str, str]]:
    """What is shown or read out, with where."""
    for widget in [top, *top.findChildren(QWidget)]:
        if QTS_OWN.match(widget.objectName() or "") or type(widget).__module__.startswith("PySide6QtAds"):
            continue
        for text in _texts_of(widget):
            yield text, f"{type(widget).__name__} {widget.objectName()} in {_owner(widget)}"


def _texts_of(widget: QWidget) -> Iterator[str]:
    yield from (widget.toolTip(), widget.accessibleName(), widget.accessibleDescription())
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    if isinstance(widget, QLineEdit):
        yield widget.placeholderText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(place) for place in range(widget.count()))
    if isinstance(widget, QMenu):
        yield from (action.text() for action in widget.actions())
    if isinstance(widget, QTableView):
        model, sideways = widget.model(), Qt.Orientation.Horizontal
        yield from (str(model.headerData(place, sideways) or "") for place in range(model.columnCount()))
        yield say(getattr(widget, "empty_text", ""))


def unsaid(top: QWidget) -> set[str]:
    """What is English in Hindi, and is no name."""
    return {
        f"{text!r}: {where}"
        for text, where in texts(top)
        if LATIN.search(text) and not HINDI.search(text) and not NAMES.match(text) and not NOT_SAID.match(text)
    }


@pytest.fixture
def hindi() -> Iterator[None]:
    QLoggingCategory.setFilterRules("qt.text.font.db.warning=false")
    speak("हिन्दी")
    yield
    speak("English")
    QLoggingCategory.setFilterRules("")


def steps_of(window: MainWindow) -> list[Callable[[], object]]:
    """What lays each sheet over the window, opens the ticket, and opens the pages that are windows of their own."""
    sheets, view, menus = window.sheets, window.view, window.menus
    assert sheets is not None and view is not None
    shown = [getattr(sheets, name) for name in SHEETS if hasattr(sheets, name)]
    return [*shown, menus.show_palette, menus.show_shortcuts, menus.show_keys, window.ask_recording,
            lambda: view.order_here("BUY"), lambda: sheets.show_why("")]  # fmt: skip


def test_everything_has_a_name_and_a_role_and_is_said_in_hindi(run: Any, hindi: None) -> None:
    nobody: set[str] = set()
    english: set[str] = set()

    async def story() -> None:
        others = set(QApplication.topLevelWidgets())  # what other tests left to the collector
        async with a_window() as stage:
            for step in [lambda: None, *steps_of(stage.window)]:
                step()
                await asyncio.sleep(0)
                top = stage.window.deck.top or stage.window
                nobody.update(nameless(top))
                english.update(unsaid(top))
            for other in set(QApplication.topLevelWidgets()) - others:
                nobody.update(nameless(other))
                english.update(unsaid(other))
            bar = [menu for action in stage.window.menuBar().actions() if isinstance(menu := action.menu(), QMenu)]
            assert len(bar) >= 5 and all(_has_letter(menu.menuAction()) for menu in bar)

    run(story())
    assert nobody == set()
    assert english == set()


def _has_letter(action: QAction) -> bool:
    """Whether a menu is opened with Alt and a letter."""
    return "&" in action.text()
