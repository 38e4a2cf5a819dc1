"""The calm pages of the centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.pages import PATIENCE_S, BusyPage, ProblemPage

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


def test_what_takes_long_says_how_long_and_offers_the_way_out(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    page = BusyPage(window)
    window.show()
    page.tell("Loading the day's instruments…")
    page.second()
    assert page.findChild(QPushButton, "busy_stop") is None  # most starts are over by now
    for _ in range(PATIENCE_S):
        page.second()
    stop, since = page.findChild(QPushButton, "busy_stop"), page.findChild(QLabel, "busy_since")
    assert stop is not None and stop.isVisible() and since is not None and since.text() == f"{PATIENCE_S + 1} s so far"
    page.tell("Stopping strategies and closing…", stoppable=False)
    assert not since.isVisible() and not stop.isVisible()
    for _ in range(PATIENCE_S):
        page.second()
    assert since.isVisible() and not stop.isVisible()
    page.tell("Reconciling with the broker…")
    for _ in range(PATIENCE_S):
        page.second()
    stop.click()
    assert not window.isVisible()
