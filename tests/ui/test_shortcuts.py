from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenuBar

from alphapanda_desktop.ui.keys import keys_page
from alphapanda_desktop.ui.shortcuts import Entry, Shortcuts, fixed_keys, is_free_of_typing
from alphapanda_desktop.ui.shortcutsheet import ShortcutSheet
from tests.ui.window_stage import a_window


class Bar:
    """A menu bar of three actions, and what was kept of its keys."""

    def __init__(self, own: dict[str, str] | None = None) -> None:
        self.bar = QMenuBar()
        self.menu = self.bar.addMenu("&File")
        for words, key in (("&Open…", "Ctrl+O"), ("&Settings…", "Ctrl+,"), ("Fit", "")):
            self.menu.addAction(words).setShortcut(QKeySequence(key))
        self.menu.addAction("Kill\tCtrl+Shift+K")
        self.kept: list[dict[str, str]] = []
        self.keys = Shortcuts(self.bar, own or {}, self.kept.append)

    def entry(self, words: str) -> Entry:
        return next(entry for entry in self.keys.entries() if entry.words == words)


def test_a_key_is_given_and_kept_and_given_again_at_the_next_start(qapp: Any) -> None:
    first = Bar()
    first.keys.give(first.entry("Fit"), "Ctrl+Alt+F")
    assert first.entry("Fit").key == "Ctrl+Alt+F" and first.entry("Fit").usual == ""
    assert first.kept == [{"Fit": "Ctrl+Alt+F"}]
    again = Bar(first.kept[-1])
    assert again.entry("Fit").key == "Ctrl+Alt+F"
    again.keys.reset(again.entry("Fit"))
    assert again.entry("Fit").key == "" and again.kept == [{}]


def test_a_key_has_one_action(qapp: Any) -> None:
    it = Bar()
    fit = it.entry("Fit")
    holder = it.keys.holder("Ctrl+O", fit)
    assert holder is not None and holder.words == "Open…"
    it.keys.give(fit, "Ctrl+O")
    assert (it.entry("Open…").key, it.entry("Fit").key) == ("", "Ctrl+O")
    assert it.keys.changed() == {"Ctrl+O": "Fit"}
    it.keys.reset_all()
    assert [entry.key for entry in it.keys.entries()] == ["Ctrl+O", "Ctrl+,", ""]
    assert it.kept[-1] == {}


def test_what_a_panel_or_the_strip_hears_is_given_to_nothing_else(qapp: Any) -> None:
    it = Bar()
    assert "kill switch" in it.keys.why_not("Ctrl+Shift+K")
    assert "Any table: copy" in it.keys.why_not("Ctrl+C")
    assert "Alt+4" in fixed_keys()  # of "Alt+1 … Alt+6"
    assert "panel's key" in it.keys.why_not("Q")
    assert it.keys.why_not("Ctrl+Alt+Q") == it.keys.why_not("") == ""
    assert [entry.words for entry in it.keys.entries()] == ["Open…", "Settings…", "Fit"]  # only told keys are left out


@pytest.mark.parametrize(("key", "free"), [("F11", True), ("Shift+F2", True), ("F", False), ("Shift+A", False)])
def test_a_key_that_types_is_no_shortcut(key: str, free: bool) -> None:
    assert is_free_of_typing(key) is free


def test_the_page_of_keys_tells_what_was_changed() -> None:
    assert "Changed by you" not in keys_page({})
    assert "Ctrl+Alt+F" in keys_page({"Ctrl+Alt+F": "Fit"})


def test_keys_are_changed_in_the_sheet_without_a_mouse(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            window.menus.show_shortcuts()
            sheet = window.deck.find("shortcuts_sheet")
            assert isinstance(sheet, ShortcutSheet)
            QTest.keyClicks(sheet.search, "limits")
            assert [entry.words for entry in sheet.model.rows()] == ["Limits…"]
            QTest.keyClick(sheet.field, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
            sheet.give.click()
            assert "Find an action or an instrument" in sheet.answer.text()  # who has it is named first
            assert window.menus.shortcuts().holder("F8", sheet.model.row(0)) is None
            assert sheet.model.row(0).key == "F8"
            sheet.give.click()
            assert sheet.model.row(0).key == "Ctrl+K"
            assert stage.saved["shortcuts"] == {"Limits…": "Ctrl+K", "Find an action or an instrument…": ""}
            sheet.all.click()
            assert sheet.model.row(0).key == "F8" and stage.saved["shortcuts"] == {}
            late = window.menuBar().actions()[0].menu().addAction("Later")  # type: ignore[attr-defined]
            window.menus.shortcuts().give(Entry("File", "Later", late), "Ctrl+Alt+L")
            assert late.shortcut().toString() == "Ctrl+Alt+L"

    run(story())
