"""The calm pages of the centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.pages import ProblemPage

TEXT = (
    "The journal /a/folder/that/has/a/rather/long/path/practice.sqlite cannot be used; it is not a database: "
    "move it aside or put a backup in its place, then start again (file is not a database)"
)


@pytest.mark.parametrize("width", [500, 900, 1600])
def test_a_problem_is_told_to_its_last_word(arun: Callable[[Any], Any], qtbot: QtBot, width: int) -> None:
    window = QWidget()
    qtbot.addWidget(window)

    async def story() -> None:
        async with Scope("page", lambda *_: None) as scope:
            edge = Edge(scope, FrameClock(), lambda *_: None)
            box = QVBoxLayout(window)
            box.addWidget(ProblemPage(edge, "AlphaPanda could not start", TEXT, lambda: None, window))
            window.resize(width, 700)
            window.show()
            words = window.findChild(QLabel, "problem_words")
            assert isinstance(words, QLabel) and words.text() == TEXT
            assert words.height() >= words.heightForWidth(words.width()) > words.fontMetrics().height()
            assert abs(words.mapTo(window, words.rect().center()).x() - width / 2) <= 2

    arun(story())
