"""Words of others are shown letter by letter: no name, answer or file of theirs is read as markup."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import Qt as Gui
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel

from alphapanda_desktop.ui.plain import Marked, Words, as_tip, bare
from alphapanda_desktop.ui.systemnotice import SystemNotice
from alphapanda_desktop.ui.tables import Cell, CellModel, Column
from alphapanda_desktop.ui.theme import DARK
from tests.ui.window_stage import a_window

PACKAGE = Path(__file__).resolve().parents[2] / "alphapanda_desktop"
EVIL = "<b>SOLD</b> <img src='file:///etc/hostname'><a href='http://evil.example'>log in again</a>\n 1 < 2 & 3"
TIPS = {"setToolTip": 0, "setWhatsThis": 0, "setStatusTip": 0, "showText": 1}
SAFE = {"as_tip", "bare"}
OVERLAY = "DockWidgetAreaLabel"
"""Of QtAds: arrows that show where a dock would land. Its tabs have titles, which have no angle brackets."""


def is_of_the_docks(label: QLabel) -> bool:
    return label.metaObject().className().startswith("ads::")


def seen(text: str) -> str:
    """What Qt shows of a tooltip, which is markup where it looks like it."""
    if not Gui.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def test_a_label_shows_each_letter_and_only_a_marked_one_reads_markup(qapp: Any) -> None:
    assert Words(EVIL).textFormat() is Qt.TextFormat.PlainText and Words(EVIL).text() == EVIL
    assert Marked("<b>x</b>").textFormat() is Qt.TextFormat.RichText


@pytest.mark.parametrize("text", ["", "INFY", "1 < 2", EVIL, "<b>", " <i>x</i>", "<qt>x", "a\n<img src=x>", "M&M <b>"])
def test_a_tooltip_shows_each_letter(qapp: Any, text: str) -> None:
    assert seen(as_tip(text)) == text


def test_a_tables_tooltips_show_each_letter(qapp: Any) -> None:
    class Book(CellModel):
        def rowCount(self, _parent: Any = None) -> int:
            return 1

        def cell(self, _row: int, _column: int) -> Cell:
            return Cell(EVIL)

        def tooltip(self, _row: int, _column: int) -> str:
            return EVIL

    book: QAbstractTableModel = Book([Column("why", "Why", str)], DARK)
    assert seen(str(book.data(book.index(0, 0), Qt.ItemDataRole.ToolTipRole))) == EVIL


def test_a_notice_of_the_system_holds_no_markup(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()

    class Tray:
        def showMessage(self, title: str, text: str, *_: Any) -> None:
            told.extend((title, text))

    notice = SystemNotice(None, lambda: None)  # type: ignore[arg-type]
    monkeypatch.setattr(SystemNotice, "tray", Tray())
    assert notice.show(EVIL, EVIL)
    assert told == [bare(EVIL)] * 2 and not set("<>") & set("".join(told)) and "log in again" in told[1]


def test_no_label_of_the_window_guesses_whether_its_text_is_markup(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            labels = stage.window.findChildren(QLabel)
            ours = [one for one in labels if one.objectName() != OVERLAY and not is_of_the_docks(one)]
            assert len(ours) > 30
            assert [one.objectName() for one in ours if one.textFormat() is Qt.TextFormat.AutoText] == []

    run(story())


# --- the sources -----------------------------------------------------------------------------------------------------


def guesses(tree: ast.Module) -> Iterator[int]:
    """Lines where Qt is left to guess: a QLabel, or a tooltip of words that are not all written there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "QLabel":
            yield node.lineno
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "QLabel" for base in node.bases):
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TIPS:
            place = TIPS[node.func.attr]
            if len(node.args) > place and not is_written(node.args[place]):
                yield node.lineno


def is_written(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", "")
        return name in SAFE or (name == "say" and is_written(node.args[0]))
    if isinstance(node, ast.IfExp):
        return is_written(node.body) and is_written(node.orelse)
    return isinstance(node, ast.Constant)


def test_every_label_and_tooltip_says_what_it_shows() -> None:
    files = PACKAGE.rglob("*.py")
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in files}
    words = ("QLabel", *TIPS)
    asked = {name: text for name, text in sources.items() if name != "ui/plain.py" and any(w in text for w in words)}
    assert len(asked) > 50
    assert {name: found for name, text in asked.items() if (found := list(guesses(ast.parse(text))))} == {}


@pytest.mark.parametrize(
    "line", ["QLabel(text)", "class A(QLabel): ...", "x.setToolTip(name)", 'x.setToolTip(say(f"{name}"))',
             'QToolTip.showText(at, "a" if b else name)'],
)  # fmt: skip
def test_a_guess_is_found(line: str) -> None:
    assert list(guesses(ast.parse(line))) == [1]
    assert not list(guesses(ast.parse('x.setToolTip(as_tip(say(name))); y.setToolTip(say("Buy"))')))
