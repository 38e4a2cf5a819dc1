"""The form that loads or starts a strategy: presets, search, clones, and a strategy that changes under it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QPushButton, QSpinBox, QWidget

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.strategy import Parameters, Presets, Strategy, number
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui.strategies import StrategiesPanel
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_files import FakeFiles
from tests.ui.fakes_market import FUTURE, INFY


@pytest.fixture
def panel_of(qapp: Any) -> Iterator[Any]:
    made: list[StrategiesPanel] = []

    def make(stage: DeskStage, files: FakeFiles | None = None) -> StrategiesPanel:
        panel = StrategiesPanel(stage.runner, stage.market, stage.desk, stage.edge, mode="practice", files=files)
        made.append(panel)
        panel.resize(370, 800)
        panel.show()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _click(panel: QWidget, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert button is not None and button.isEnabled() and not button.isHidden(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


class Wide(Strategy):
    """Its presets have finer steps than its form."""

    name = "wide"
    title = "Wide"

    class Params(Parameters):
        bars: int = number(20, "Bars", unit="bars", ge=1, le=100)
        share: float = number(0.5, "Share", ge=0, le=1, step=0.1)

    presets: ClassVar[Presets] = {"fine": {"share": 0.1234}, "quick": {"bars": 5}}


class Wider(Wide):
    """The same strategy, saved anew."""

    class Params(Wide.Params):
        more: int = number(7, "More", ge=1, le=100)


def test_a_preset_fills_in_its_values_and_the_defaults_of_the_rest(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"wide": Wide}) as stage:
            form = panel_of(stage).form
            assert [form.preset.itemData(place) for place in range(form.preset.count())] == [
                "defaults",
                "fine",
                "quick",
            ]
            form.findChild(QSpinBox, "param_bars").setValue(33)
            assert form.preset.currentData() == "own values"
            form.preset.setCurrentIndex(form.preset.findData("fine"))
            form.preset.activated.emit(form.preset.currentIndex())
            assert form.params.values() == {"bars": 20, "share": 0.1234}
            assert form.preset.findData("own values") == -1
            form.findChild(QSpinBox, "param_bars").setValue(5)
            form.findChild(QDoubleSpinBox, "param_share").setValue(0.5)
            assert form.preset.currentData() == "quick"

    run(story())


def test_load_makes_a_run_ready_and_its_card_starts_it(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            panel.set_default_instrument(INFY)
            panel.form.choose("ma_cross")
            _click(panel, "strategy_load")
            loaded = await eventually(lambda: stage.runner.runs and stage.runner.runs[0])
            await eventually(lambda: loaded.state is RunState.LOADED)
            card = panel.cards[loaded.run_id]
            assert (card.state.text(), card.stop.text(), card.pause.isHidden()) == ("loaded", "Unload", True)
            await eventually(lambda: not panel.form.isVisible())
            _click(panel, f"run_begin_{loaded.run_id}")
            await eventually(lambda: loaded.state is RunState.RUNNING)
            assert (card.begin.isHidden(), card.stop.text()) == (True, "Stop")

    run(story())


def test_words_in_the_filter_choose_cards_and_strategies(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            first = await stage.runner.start(StartOrder("ma_cross", (INFY,)))
            second = await stage.runner.start(StartOrder("momentum", (FUTURE,), product="NRML"))
            panel.bar.filter.setText("moving average")
            assert panel.form.pick.findData("ma_cross") >= 0 and panel.form.pick.findData("rsi") == -1
            panel.bar.filter.setText("ma_cross infy")
            assert [panel.cards[r.run_id].isHidden() for r in (first, second)] == [False, True]
            assert panel.bar.found.text() == "0 strategies, 1 run"
            assert panel.form.pick.count() == len(SHIPPED)
            panel.bar.filter.setText("nothing of that name")
            assert panel.empty.text() == "No run fits these words." and not panel.empty.isHidden()
            panel.new.setChecked(False)
            QTest.keyClick(panel.bar.filter, Qt.Key.Key_Return)
            assert panel.new.isChecked()
            panel.bar.filter.clear()
            assert panel.bar.found.isHidden() and panel.empty.isHidden()

    run(story())


def test_what_is_called_so_is_offered_before_what_the_word_is_said_of(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            form = panel_of(stage).form
            names = {"low": ["low_frequency_demo"], "ma": ["ma_cross"], "moving cross": ["ma_cross"]}
            stage.runner.available.update(SHIPPED)
            for words, wanted in names.items():
                form.filter(words)
                assert [form.pick.itemData(place) for place in range(form.pick.count())] == wanted, words
            assert form.filter("bollinger") > 0 and "mean_reversion" in form._fitting()

    run(story())


def test_a_clone_has_everything_but_the_instrument(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            panel.set_default_instrument(INFY)
            order = StartOrder("ma_cross", (INFY,), {"fast": 3, "slow": 8}, Interval("5minute"), "CNC")
            started = await stage.runner.start(order)
            panel.form.choose("momentum")
            panel.bar.filter.setText("momentum")
            panel.bar.filter.clear()
            _click(panel, f"run_clone_{started.run_id}")
            form = panel.form
            assert form.pick.currentData() == "ma_cross"
            assert (form.params.values()["fast"], form.params.values()["slow"]) == (3, 8)
            assert (form.interval.currentData(), form.instruments) == (Interval("5minute"), [])
            assert form.why.text() == "Choose at least one instrument."
            panel.set_default_instrument(FUTURE)
            assert form.instruments == [FUTURE]

    run(story())


def test_a_run_that_is_over_can_be_started_again_as_it_was(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            started = await stage.runner.start(StartOrder("ma_cross", (INFY,), {"fast": 3, "slow": 8}, product="CNC"))
            await stage.runner.stop(started.run_id)
            panel.form.choose("rsi")
            _click(panel, f"run_again_{started.run_id}")
            assert (panel.form.pick.currentData(), panel.form.instruments) == ("ma_cross", [INFY])
            assert panel.form.product.currentData() == "CNC"
            _click(panel, "strategy_start")
            await eventually(lambda: len(stage.runner.runs) == 2)
            await eventually(lambda: stage.runner.runs[0].state is RunState.RUNNING)
            assert stage.runner.runs[0].params == started.params

    run(story())


def test_a_strategy_that_was_saved_anew_keeps_what_was_typed(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        available: dict[str, type[Strategy]] = {"wide": Wide, **SHIPPED}
        async with a_desk(strategies=available) as stage:
            files = FakeFiles()
            panel = panel_of(stage, files)
            panel.set_default_instrument(INFY)
            panel.form.findChild(QSpinBox, "param_bars").setValue(44)
            available["wide"] = Wider
            files.changed.emit()
            assert panel.form.params.values() == {"more": 7, "bars": 44, "share": 0.5}
            del available["wide"]
            files.changed.emit()
            assert not panel.form.start.isEnabled()
            assert "cannot be started now" in panel.form.why.text()
            assert panel.form.pick.currentData() is None  # not the next one in its place
            panel.form.choose("momentum")
            assert panel.form.start.isEnabled()

    run(story())


def test_all_loaded_runs_start_all_running_ones_pause_and_all_stop(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            stage.frame(9)
            assert not any(button.isEnabled() for button in (panel.bar.start, panel.bar.pause, panel.bar.stop))
            runs = [await stage.runner.load(StartOrder(name, (INFY,))) for name in ("ma_cross", "momentum")]
            stage.frame(9)
            assert panel.bar.summary.text() == "2 loaded · today ₹ 0.00"
            _click(panel, "strategies_start_all")
            await eventually(lambda: all(one.state is RunState.RUNNING for one in runs))
            stage.frame(9)
            _click(panel, "strategies_pause_all")
            assert all(one.state is RunState.PAUSED for one in runs)
            stage.frame(9)
            assert panel.bar.pause.text() == "Resume all"
            _click(panel, "strategies_pause_all")
            assert all(one.state is RunState.RUNNING for one in runs)
            stage.frame(9)
            _click(panel, "strategies_stop_all")
            await eventually(lambda: all(one.state is RunState.STOPPED for one in runs))
            stage.frame(9)
            assert panel.bar.summary.text() == "none running · today ₹ 0.00"

    run(story())


def test_a_loaded_run_cannot_start_while_the_desk_lets_none_and_says_why(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            panel = panel_of(stage)
            loaded = await stage.runner.load(StartOrder("ma_cross", (INFY,)))
            await stage.desk.kill.reduce("26,000 lost, 25,000 allowed")
            card = panel.cards[loaded.run_id]
            assert not card.begin.isEnabled()
            assert "Only exits pass: 26,000 lost" in card.held_back.text()
            assert card.state.text() == "loaded"

    run(story())


def test_what_a_files_own_rules_say_stands_under_its_field_until_it_is_changed(
    run: Any, panel_of: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk(strategies={"wide": Wide}) as stage:
            stage.give_history()
            files = FakeFiles()
            files.against = [("bars", "thirteen brings bad luck"), ("", "and not with this share")]
            panel = panel_of(stage, files)
            panel.set_default_instrument(INFY)
            panel.form.findChild(QSpinBox, "param_bars").setValue(13)
            _click(panel, "strategy_start")
            await eventually(lambda: panel.form.why.text() == "and not with this share")
            assert panel.form.findChild(QLabel, "param_error_bars").text() == "thirteen brings bad luck"
            stage.frame(9)
            assert not panel.form.start.isEnabled() and stage.runner.runs == []
            panel.form.findChild(QSpinBox, "param_bars").setValue(14)
            assert panel.form.findChild(QLabel, "param_error_bars").isHidden()
            _click(panel, "strategy_start")
            await eventually(lambda: stage.runner.runs and stage.runner.runs[0].state is RunState.RUNNING)

    run(story())
