"""Long work is shown with its share, and can be stopped, by the mouse and by the keyboard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.progress import PATIENCE_LOOKS, WorkBar, put_into


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def edge(qapp: Any, told: list[str]) -> Edge:
    return Edge(Scope("ui", lambda *_: None), FrameClock(), lambda text, _level: told.append(text))


@pytest.fixture
def bar(qtbot: Any, edge: Edge) -> Iterator[WorkBar]:
    window = QMainWindow()
    qtbot.addWidget(window)
    made = put_into(window, edge)
    window.show()
    yield made
    window.hide()


def looks(bar: WorkBar) -> None:
    for _ in range(PATIENCE_LOOKS):
        bar.look()


def test_what_is_over_at_once_is_never_shown_and_what_lasts_is_shown_with_its_share(bar: WorkBar, edge: Edge) -> None:
    with edge.works.shown(Progress("Copy the journal", 200)) as progress:
        assert not bar.isVisible()
        progress.at(50, words="page 50")
        looks(bar)
        cell = bar.cells[0]
        assert bar.isVisible() and (cell.share.value(), cell.share.maximum()) == (50, 200)
        assert cell.share.accessibleName() == "Copy the journal 25 %: page 50"
        assert not bar.cells[1].isVisible()
    assert not bar.isVisible()


def test_a_third_work_is_counted(bar: WorkBar, edge: Edge) -> None:
    with (
        edge.works.shown(Progress("one")),
        edge.works.shown(Progress("two", stoppable=False)),
        edge.works.shown(Progress("three")),
    ):
        looks(bar)
        assert bar.more.text() == "and 1 more" and bar.more.isVisible()
        assert bar.cells[0].stop.isVisible() and not bar.cells[1].stop.isVisible()


def test_stop_is_heard_at_the_next_step_and_by_the_keyboard_too(bar: WorkBar, edge: Edge) -> None:
    with edge.works.shown(Progress("Copy the journal", 9)) as progress:
        looks(bar)
        progress.step()
        bar.cells[0].stop.setFocus()
        QTest.keyClick(bar.cells[0].stop, Qt.Key.Key_Space)
        assert not bar.cells[0].stop.isEnabled() and "stopping" in bar.cells[0].share.accessibleName()
        with pytest.raises(Stopped, match="Copy the journal"):
            progress.step()
        assert progress.done == 1


def test_work_that_waits_for_others_is_cancelled_by_its_stop_and_that_is_said(
    run: Any, eventually: Any, qtbot: Any, told: list[str]
) -> None:
    async def story() -> None:
        async with Scope("ui", lambda *_: None) as scope:
            edge = Edge(scope, FrameClock(), lambda text, _level: told.append(text))
            window = QMainWindow()
            qtbot.addWidget(window)
            bar = put_into(window, edge)
            window.show()
            task = edge.work(Progress("Wait for ever"), asyncio.Event().wait())
            await eventually(bar.isVisible)
            bar.stop_all()
            await eventually(task.done)
            assert task.cancelled() and told == ["Stopped: Wait for ever."] and edge.works.running == []
            window.hide()

    run(story())
