"""Docks, workspaces and several charts in a real window."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import shiboken6
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from alphapanda_desktop.ui.chart.studies import a_study
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.charts import Charts, Pane
from alphapanda_desktop.ui.dockplan import CENTRE
from alphapanda_desktop.ui.docks import Dock
from alphapanda_desktop.ui.placement import bring_on_screen
from alphapanda_desktop.ui.sheet import TypedSheet
from alphapanda_desktop.ui.workspacedesk import WorkspaceDesk
from alphapanda_desktop.ui.workspaces import ChartRecord, Workspaces
from alphapanda_desktop.ui.workspacesheet import WorkspaceSheet
from tests.ui.fakes_market import INFY, NIFTY
from tests.ui.window_stage import WindowStage, a_window


class Whole:
    """A window with its desk, and what a person does with its docks."""

    def __init__(self, stage: WindowStage, folder: Path) -> None:
        self.stage, self.window = stage, stage.window
        stage.window.show_desk(replace(stage.parts, database=str(folder / "practice.sqlite")))
        assert stage.window.view is not None and stage.window.workspaces is not None
        self.view = stage.window.view
        self.charts: Charts = self.view.charts
        self.desk: WorkspaceDesk = stage.window.workspaces

    def dock(self, name: str) -> Dock:
        found = self.window.dockyard().find(name)
        assert found is not None
        return found

    def open(self, **more: Any) -> Pane:
        made = self.charts.open(ChartRecord(self.desk.spaces.next_chart(), **more))
        assert made is not None
        return made

    def menu(self, words: str) -> QAction:
        return next(action for action in self.desk.menu.actions() if words in action.text().replace("&", ""))

    def standing(self) -> dict[str, tuple[bool, bool]]:
        """Of each dock, whether it is open and whether it is torn off."""
        return {dock.name: (dock.is_open, dock.floating) for dock in self.window.dockyard()}


async def settled() -> None:
    """What Qt was asked to delete later is deleted."""
    await asyncio.sleep(0)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    await asyncio.sleep(0)


def shown(charts: Charts) -> Iterator[tuple[str, str]]:
    for pane in charts:
        assert pane.chart.instrument is not None
        yield pane.name, pane.chart.instrument.key


def test_everything_is_at_the_next_start_as_it_was_left(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            pane = it.open(key=NIFTY.key, interval="5m", kind="heikin", link=3)
            it.charts.main.chart.set_interval(pane.chart.interval)
            it.dock("orders").raise_()
            it.dock("strategies").float_()
            it.dock("strategies").widget().window().setGeometry(120, 150, 400, 300)
            it.dock("ladder").close()
            it.desk.lock(True)
            it.window.close()
            before, kept, left = it.standing(), stage.saved["layout"], it.charts.main.record()
            assert isinstance(kept, bytes)
        async with a_window(show_desk=False, layout=kept) as stage:
            it = Whole(stage, tmp_path)
            assert it.standing() == before
            assert before["strategies"] == (True, True) and before["ladder"] == (False, False)
            assert it.dock("strategies").widget().window().geometry().getRect() == (120, 150, 400, 300)
            assert it.dock("orders").in_front and not it.dock("positions").in_front
            again = it.charts.find(pane.name)
            assert again is not None and again.record() == ChartRecord(pane.name, NIFTY.key, "5m", "heikin", 3)
            assert it.charts.main.record() == left
            assert it.window.dockyard().locked and it.desk.locked.isChecked()
            assert stage.window.strip.isVisible() and stage.window.strip.kill.isVisible()

    run(story())


def test_the_keys_of_workspaces_are_heard_beside_the_main_window_after_each_change_too(
    run: Any, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            it.dock("log").float_()
            away = it.dock("log").widget().window()
            QApplication.sendEvent(away, QEvent(QEvent.Type.WindowActivate))

            def heard() -> dict[str, str]:
                return {action.shortcut().toString(): action.text() for action in away.actions()}

            for key, name in (("Ctrl+Alt+2", "Build"), ("Ctrl+Alt+1", "Trade"), ("Ctrl+Alt+2", "Build")):
                assert heard()[key] == name
                next(action for action in away.actions() if action.text() == name).trigger()
                assert it.desk.spaces.current == name and it.menu(name).isChecked()
            assert set(heard()) >= {"Ctrl+Shift+N", "Ctrl+Tab", "Ctrl+K"}

    run(story())


def test_workspaces_are_gone_to_saved_renamed_removed_and_reset(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            trade = it.standing()
            it.menu("Build").trigger()
            assert not it.dock("ladder").is_open and it.dock("log").in_front
            it.dock("log").float_()
            it.open(key=INFY.key)
            it.menu("Review").trigger()
            assert len(it.charts) == 1 and not it.dock("log").floating and it.dock("trades").in_front
            assert not it.dock("watchlist").in_front and stage.window.strip.isVisible()
            it.menu("Build").trigger()
            assert len(it.charts) == 2 and it.dock("log").floating
            it.menu("Reset").trigger()
            assert len(it.charts) == 1 and not it.dock("log").floating
            it.menu("Trade").trigger()
            assert it.standing() == trade

            it.menu("Save as").trigger()
            sheet = it.window.deck.find("typed_workspace")
            assert isinstance(sheet, TypedSheet)
            sheet.field.setText("Trade")
            sheet.ok.click()
            assert sheet.answer.text() == "There is a workspace Trade already."
            sheet.field.setText("Expiry")
            sheet.ok.click()
            assert it.desk.spaces.current == "Expiry" and it.menu("Expiry").isChecked()
            it.dock("funds").float_()
            it.menu("Reset").trigger()
            assert not it.dock("funds").floating
            it.dock("funds").float_()
            it.menu("Save the workspace").trigger()
            it.menu("Reset").trigger()
            assert it.dock("funds").floating

            it.menu("Rename").trigger()
            sheets = it.window.deck.find("workspace_sheet")
            assert isinstance(sheets, WorkspaceSheet) and sheets.name.text() == "Expiry"
            sheets.name.setText("Thursday")
            QTest.keyClick(sheets.name, Qt.Key.Key_Return)
            assert it.menu("Thursday").isChecked() and "Expiry" not in it.desk.spaces.names
            sheets.removed.click()
            assert it.desk.spaces.current == "Trade" and not it.dock("funds").floating
            assert not sheets.removed.isEnabled()
            kept = stage.saved["layout"]
            assert isinstance(kept, bytes) and Workspaces.from_bytes(kept).names == ["Trade", "Build", "Review"]

    run(story())


def test_charts_of_one_colour_show_one_instrument(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            mate, other, lone = (it.open(key=INFY.key, link=link) for link in (1, 2, 0))
            it.view.watchlist.chosen.emit(NIFTY)
            of_mate = {CENTRE: NIFTY.key, mate.name: NIFTY.key}
            assert dict(shown(it.charts)) == {**of_mate, other.name: INFY.key, lone.name: INFY.key}
            it.charts.watchlist.show_link(2)
            it.view.watchlist.chosen.emit(NIFTY)
            assert other.chart.instrument == NIFTY and lone.chart.instrument == INFY
            it.charts.watchlist.show_link(0)
            it.view.watchlist.chosen.emit(INFY)
            assert set(dict(shown(it.charts)).values()) == {INFY.key, NIFTY.key}
            assert it.charts.main.chart.instrument == NIFTY
            lone.links.actions()[1].trigger()
            assert lone.chart.instrument == NIFTY and lone.link == 1
            it.view.choose(INFY)
            assert lone.chart.instrument == mate.chart.instrument == INFY

    run(story())


def test_each_chart_has_its_own_menu_indicators_and_lines_and_all_have_one_set_of_drawings(
    run: Any, tmp_path: Path, eventually: Any
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            stage.desk.price(INFY, 1500.0)
            it.view.choose(INFY)
            pane = it.open(key=INFY.key)
            QApplication.sendEvent(pane.chart, QEvent(QEvent.Type.FocusIn))
            assert it.charts.active is pane
            menus = it.window.menuBar().findChildren(QMenu, "chart_menu")
            assert [menu.menuAction().isVisible() for menu in menus] == [False, True]
            pane.book.keep_style("renko")
            assert it.charts.main.book.style != "renko"
            pane.book.keep_template("mine", [a_study("SMA")])
            assert it.charts.main.book.templates() == ["mine"]
            stage.desk.frame(3)
            pane.tools.draw_level()
            assert len(it.charts.main.chart.plot.hand.drawings) == 1
            assert pane.dock is not None
            pane.dock.close()
            await settled()
            assert it.charts.active is it.charts.main and len(it.charts) == 1
            assert it.charts.main.tools.menu.menuAction().isVisible()
            at_work = stage.desk.edge.scope.names  # what is kept is written and removed beside the loop
            await eventually(lambda: not [name for name in at_work() if "keep the chart" in name])
            assert not list((tmp_path / "charts").glob("*"))

    run(story())


def test_charts_opened_and_closed_leave_nothing_behind(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)

            def count() -> tuple[int, int, int, int]:
                gc.collect()
                watched = len(stage.desk.market._wishes)
                widgets = len(it.window.findChildren(QWidget)) + len(it.window.dockyard().windows())
                charts = sum(isinstance(one, ChartView) for one in gc.get_objects())
                return widgets, charts, stage.desk.edge.frames.count, watched

            async def one(tear_off: bool) -> None:
                pane = it.open(key=INFY.key)
                assert pane.dock is not None
                if tear_off:
                    pane.dock.float_()
                pane.dock.close()
                await settled()

            for number in range(4):
                await one(number % 2 == 1)
            before = count()
            for number in range(24):
                await one(number % 20 == 19)
            assert count() == before

    run(story())


def test_a_torn_off_panel_hears_the_window_keys_and_goes_back_when_it_is_closed(
    run: Any, tmp_path: Path, eventually: Any
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            it.dock("orders").float_()
            (away,) = it.window.dockyard().windows()
            QApplication.sendEvent(away, QEvent(QEvent.Type.WindowActivate))
            assert "Ctrl+K" in {action.shortcut().toString() for action in away.actions()}
            it.view.choose(INFY)
            QApplication.sendEvent(away, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_B, Qt.KeyboardModifier(0), "b"))
            assert it.view.ticket.isVisible()
            assert shiboken6.isValid(away) and away.isVisible()
            away.move(50_000, 50_000)
            bring_on_screen(away, it.window.screen())
            assert it.window.screen().availableGeometry().contains(away.frameGeometry().topLeft() + QPoint(60, 10))
            it.window.dockyard().put_back(it.dock("orders"))
            await eventually(lambda: not it.dock("orders").floating)
            assert it.dock("orders").in_front

    run(story())


def test_a_locked_layout_stays_and_a_desk_that_is_opened_anew_has_each_panel_once(
    run: Any, tmp_path: Path, eventually: Any
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            it = Whole(stage, tmp_path)
            it.menu("Lock").trigger()
            it.window.activateWindow()
            it.dock("orders").raise_()
            it.view.orders.table.setFocus()
            await eventually(lambda: it.window.dockyard().focused() is it.dock("orders"))
            it.desk.tear_off()
            assert not it.dock("orders").floating
            it.menu("Lock").trigger()
            it.desk.tear_off()
            assert it.dock("orders").floating
            pane = it.open(key=INFY.key)
            names = [dock.name for dock in it.window.dockyard()]
            again = Whole(stage, tmp_path)
            await settled()
            assert [dock.name for dock in again.window.dockyard()] == names
            assert not shiboken6.isValid(pane.chart) and len(again.charts) == 2
            assert len(again.window.findChildren(ChartView)) == 2
            assert len(again.window.menuBar().findChildren(QMenu, "workspace_menu")) == 1

    run(story())
