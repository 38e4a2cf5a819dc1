"""The layout is kept while the program runs, and a workspace has windows beside the main one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.ui.workspacedesk import WorkspaceDesk
from alphapanda_desktop.ui.workspaces import Workspaces
from tests.ui.fakes_bench import FakeBench
from tests.ui.window_stage import WindowStage, a_window


def opened(stage: WindowStage, folder: Path) -> WorkspaceDesk:
    """The workspaces of a desk with a bench."""

    bench = FakeBench(folder)

    async def same() -> FakeBench:
        return bench

    stage.window.show_desk(replace(stage.parts, bench=same, database=str(folder / "practice.sqlite")))
    assert stage.window.workspaces is not None
    return stage.window.workspaces


def kept(stage: WindowStage) -> Workspaces:
    layout = stage.saved["layout"]
    assert isinstance(layout, bytes)
    return Workspaces.from_bytes(layout)


def test_what_has_changed_and_come_to_rest_is_kept_without_closing(run: Any, tmp_path: Path, eventually: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            desk = opened(stage, tmp_path)
            desk._looks.stop()  # a look of its own between two of the test's would be one too many
            stage.saved.pop("layout", None)
            desk.look()
            desk.look()
            before = await eventually(lambda: stage.saved.pop("layout", None))
            desk.look()
            await asyncio.sleep(0)
            assert "layout" not in stage.saved  # nothing has changed
            orders = stage.window.dockyard().find("orders")
            assert orders is not None
            orders.float_()
            desk.look()
            await asyncio.sleep(0)
            assert "layout" not in stage.saved  # it may be moving still

            def once_at_rest() -> object:
                desk.look()
                return stage.saved.get("layout")

            assert await eventually(once_at_rest) != before
            assert 'Floating="1"' in kept(stage).shown.now.state
            main = stage.window.view.charts.main.chart  # type: ignore[union-attr]
            main.set_candle_kind("heikin")
            stage.window.resize(1234, 777)
            for _ in range(2):
                desk.look()
            await eventually(lambda: kept(stage).shown.now.charts[0].kind == main.candle_kind == "heikin")
            assert kept(stage).geometry == bytes(stage.window.saveGeometry().data())

    run(story())


def test_a_disk_that_does_not_take_it_is_told_once_for_each_change(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            desk = opened(stage, tmp_path)
            asked: list[str] = []

            def full(name: str, _value: object) -> None:
                asked.append(name)
                raise Fatal("Settings could not be saved: No space left on device.")

            monkeypatch.setattr(stage.window, "remembered", replace(stage.window.remembered, save_later=full))
            stage.window.resize(1111, 777)
            for _ in range(5):
                desk.look()
                await asyncio.sleep(0.01)
            assert asked == ["layout"]
            assert stage.desk.notices[-1] == ("Settings could not be saved: No space left on device.", "warning")

    run(story())


def test_a_desk_that_was_left_keeps_nothing_any_more(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            first = opened(stage, tmp_path)
            second = opened(stage, tmp_path)
            assert first is not second and not first._looks.isActive() and second._looks.isActive()

    run(story())


def test_a_torn_off_panel_from_a_wider_screen_is_as_large_as_it_was(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            opened(stage, tmp_path)
            docks = stage.window.dockyard()
            orders = docks.find("orders")
            assert orders is not None
            orders.float_()
            orders.widget().window().setGeometry(120, 150, 640, 420)
            state = re.sub(r"(<Geometry>(?:\w\w ){46})(?:\w\w ){4}", r"\g<1>00 00 0f 00 ", docks.state())
            assert "00 00 0f 00" in state  # 3,840 pixels, as of a screen that is gone
            docks.put_back(orders)
            assert docks.restore(state) and orders.floating
            assert orders.widget().window().size().toTuple() == (640, 420)

    run(story())


def test_build_brings_the_backtest_below_the_strip_and_trade_puts_it_away(
    run: Any, tmp_path: Path, eventually: Any
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            desk = opened(stage, tmp_path)
            assert stage.window.backtest is None
            desk.go_to("Build")
            beside = await eventually(lambda: stage.window.backtest)
            await eventually(beside.isVisible)
            strip = stage.window.strip
            assert beside.y() > strip.mapToGlobal(strip.rect().bottomLeft()).y()
            assert beside.windowHandle().transientParent() is None  # or it lies over sheets and ticket always
            beside.setGeometry(QRect(33, 155, 1100, 611))
            desk.go_to("Trade")
            assert not beside.isVisible() and not kept(stage).shown.now.windows[0].open
            desk.go_to("Build")
            await eventually(beside.isVisible)
            layout = stage.saved["layout"]
            assert isinstance(layout, bytes)
            beside.hide()
        async with a_window(show_desk=False, layout=layout) as stage:
            opened(stage, tmp_path)
            beside = await eventually(lambda: stage.window.backtest)
            await eventually(beside.isVisible)
            assert beside.height() == 611  # the screen of the test has no room for its width
            beside.hide()

    run(story())
