"""The guided first run: a step is ticked when it has happened, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop.kite.login import check_shape
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui.guide import STEPS, Guide, Ring
from alphapanda_desktop.ui.login import LoginPlan
from alphapanda_desktop.ui.palette import commands_of
from alphapanda_desktop.ui.shell import MainWindow
from tests.ui.fakes_market import INFY
from tests.ui.window_stage import WindowStage, a_window

NAMES = [step.name for step in STEPS]


def guide_of(stage: WindowStage) -> Guide:
    guide = stage.window.guide
    assert guide is not None
    return guide


def ticked(stage: WindowStage) -> list[str]:
    """Steps that show their tick."""
    guide = guide_of(stage)
    shown = [name for name in NAMES if guide.steps[name].text().startswith("✓")]
    assert shown == [name for name in NAMES if guide.ticked(name)]
    return shown


def test_from_nothing_to_a_strategy_that_is_held(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            window, gate = stage.window, stage.gate
            window.show_welcome(check_shape)
            guide = guide_of(stage)
            assert guide.isVisible() and ticked(stage) == [] and stage.saved["guide"] is True
            assert "Start practising" in guide.words.text()
            ring = window.findChild(Ring, "guide_ring")
            assert ring is not None
            stage.desk.frame()
            card = window.findChild(QPushButton, "choose_practice")
            assert card is not None and ring.isVisible()
            assert ring.geometry().contains(card.mapTo(window, card.rect().center()))
            assert not ring.mask().contains(ring.rect().center()), "a native window would keep the mouse for itself"

            window.set_mode("practice")
            assert ticked(stage) == ["mode"]

            session, gate.session, gate.state = gate.session, None, GateState.LOGIN_NEEDED
            window.show_login(gate, LoginPlan(frozenset(), web=False))  # type: ignore[arg-type]
            gate.changed.emit()
            assert ticked(stage) == ["mode"]
            gate.session, gate.state = session, GateState.OPEN
            gate.changed.emit()
            assert ticked(stage) == ["mode", "login"]

            await window.hide_login()
            window.show_desk(stage.parts)
            assert ticked(stage) == ["mode", "login"], "the chart has an instrument, but nobody has picked it"
            assert guide.isVisible()
            view = window.view
            assert view is not None
            view.watchlist.chosen.emit(INFY)
            assert ticked(stage) == ["mode", "login", "instrument"]

            guide.steps["start"].click()
            assert view.strategies.form.start.hasFocus() or window.focusWidget() is view.strategies.form.start
            runner = stage.desk.runner
            held = await runner.load(StartOrder("momentum", (INFY,)))
            assert held.state is RunState.LOADED and "start" not in ticked(stage), "loaded is not running"
            await runner.begin(held.run_id)
            assert ticked(stage) == NAMES[:-1]
            assert "Algos" in guide.words.text()

            QTest.mouseClick(window.strip.algos, Qt.MouseButton.LeftButton)
            assert held.state is RunState.PAUSED
            assert ticked(stage) == NAMES
            assert guide.words.text().startswith("Done in ") and guide.end.text() == "Close the guide"
            assert stage.saved["guide"] is False
            stage.desk.frame()
            assert not ring.isVisible()
            await eventually(guide.end.isVisible)
            QTest.mouseClick(guide.end, Qt.MouseButton.LeftButton)
            assert not guide.isVisible()

    run(story())


def test_it_can_be_skipped_and_had_again_from_help(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            assert window.guide is None, "who has begun before is not led by the hand"
            again = next(one for one in commands_of(window.menuBar()) if one.words == "Guided first run")
            again.work()
            guide = guide_of(stage)
            assert guide.isVisible() and ticked(stage) == ["mode", "login"], "what is so already need not be done"
            assert guide.now is not None and guide.now.name == "instrument"
            assert guide.steps["mode"].accessibleName() == "Step 1 of 5: Choose Practice, done"
            assert guide.steps["instrument"].accessibleName() == "Step 3 of 5: Pick an instrument"
            assert all(step.focusPolicy() & Qt.FocusPolicy.TabFocus for step in guide.steps.values())
            guide.end.click()
            assert not guide.isVisible() and stage.saved["guide"] is False
            run_now = await stage.desk.runner.start(StartOrder("momentum", (INFY,)))
            assert run_now.state is RunState.RUNNING
            again.work()
            assert ticked(stage) == ["mode", "login", "start"]

    run(story())


def test_closed_half_way_it_goes_on_at_the_next_start(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            kept = replace(stage.window.remembered, guide=True)
            window = MainWindow("default", stage.desk.edge, kept)
            window.show()
            assert window.guide is None
            window.set_mode("practice")
            assert window.guide is not None and window.guide.isVisible() and window.guide.ticked("mode")
            window.hide()
            window.deleteLater()

    run(story())


def test_with_another_mode_than_practice_it_goes_away(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            stage.window.show_welcome(check_shape)
            stage.window.set_mode("paper")
            assert not guide_of(stage).isVisible() and stage.saved["guide"] is False

    run(story())
