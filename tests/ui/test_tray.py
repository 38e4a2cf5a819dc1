"""The tray's lines say mode, result and strategies, and each does what it says; the mark is a shape, not a colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPixmap

from alphapanda_desktop.care import Care
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.faults import Crash
from alphapanda_desktop.figures import Watched
from alphapanda_desktop.options import Options
from alphapanda_desktop.store.vault import KeyringVault
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui.theme import DARK
from alphapanda_desktop.ui.tray import MARKS, marked
from tests.ui.fakes_market import INFY
from tests.ui.window_stage import WindowStage, a_window


def care_of(stage: WindowStage, folder: Path) -> Care:
    options = Options(mode=None, profile="default", folder=folder)
    return Care(stage.window, stage.desk.edge, options, lambda: "", lambda mode: KeyringVault(f"test-{mode}"))


def watch(stage: WindowStage, care: Care) -> None:
    desk = stage.desk
    care.follow(Watched(desk.desk, desk.market, desk.runner, desk.arming, "AB1234", lambda: "nothing"))


def test_the_lines_say_how_things_stand_and_do_what_they_say(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window() as stage:
            care, runner = care_of(stage, tmp_path), stage.desk.runner
            care.tell_last_run(Crash("Process 7 was ended from outside", ""))
            watch(stage, care)
            assert stage.window.view is not None  # told again once there is a log to keep it
            assert "Process 7" in [entry.text for entry in stage.window.view.log.entries()][-1]
            tray = care.tray
            assert tray.words.text() == f"{stage.window.strip.mode.text()} · AB1234 · net ₹ 0.00"
            assert tray.algos.text() == "No strategy runs" and not tray.algos.isEnabled()
            made = await runner.start(StartOrder("momentum", (INFY,)))
            care.look()
            assert "Pause" in tray.algos.text() and "1 on" in tray.algos.text()
            tray.algos.trigger()
            assert made.state is RunState.PAUSED
            care.look()
            assert "enter again" in tray.algos.text() and "1 paused" in tray.algos.text()
            stage.window.hide()
            lines = {action.objectName(): action for action in tray.menu.actions()}
            lines["tray_show"].trigger()
            assert stage.window.isVisible()
            lines["tray_quit"].trigger()
            assert stage.window.deck.find("closing_sheet") is not None  # a strategy runs: it asks
            await runner.stop_all("the test is over")

    run(story())


def test_armed_live_is_said_and_keeps_awake_and_disarming_ends_both(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            care, wanted = care_of(stage, tmp_path), list[bool]()
            care.awake.want = wanted.append  # type: ignore[method-assign]  # no machine of a test's is kept awake
            watch(stage, care)
            stage.desk.arming.arm("LIVE", stage.desk.clock.now().replace(hour=23))
            care.look()
            assert "ARMED" in care.tray.words.text()
            stage.desk.arming.disarm()
            care.look()
            assert "ARMED" not in care.tray.words.text() and wanted == [False, True, False]

    run(story())


def test_what_runs_long_is_stopped_from_the_help_menu_too(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            care_of(stage, tmp_path)
            names = {
                action.objectName(): action
                for entry in stage.window.menuBar().actions()
                if (menu := entry.menu()) is not None
                for action in menu.actions()  # type: ignore[attr-defined]
            }
            with stage.desk.edge.works.shown(Progress("Copy")) as progress:
                names["stop_works_action"].trigger()
                assert progress.asked_to_stop
            names["support_action"].trigger()
            assert stage.window.deck.find("support_sheet") is not None

    run(story())


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_each_mode_has_a_shape_of_its_own(mark: str, qapp: Any) -> None:
    plain = QPixmap(64, 64)
    plain.fill(QColor("white"))
    pictures = {name: marked(QIcon(plain), name, DARK).pixmap(QSize(64, 64), 1.0).toImage() for name in MARKS}
    mine = pictures.pop(mark).convertToFormat(pictures["replay" if mark != "replay" else "live"].format())

    def shape(image: Any) -> set[tuple[int, int]]:
        colours = {DARK.colour(role).name() for _shape, role in MARKS.values()}
        return {
            (x, y) for x in range(28, 64) for y in range(28, 64)
            if image.pixelColor(x, y).name() in colours
        }  # fmt: skip

    assert shape(mine) and all(len(shape(mine) ^ shape(other)) > 20 for other in pictures.values())
