"""A run's card: parameters while it runs, its process, its book, what it left behind, and a newer version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QSpinBox, QToolButton, QWidget

from alphapanda_desktop.domain.authored import FileNews, FileState
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number
from alphapanda_desktop.trading.pulse import Pulse
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui import runlines
from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.runcard import RunCard
from alphapanda_desktop.ui.strategies import StrategiesPanel
from tests.fakes import a_request
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_files import FakeFiles, a_file
from tests.ui.fakes_market import FUTURE, INFY

DOCK_PX = 380


@pytest.fixture
def panel_of(qapp: Any) -> Iterator[Any]:
    made: list[StrategiesPanel] = []

    def make(stage: DeskStage, files: FakeFiles | None = None) -> StrategiesPanel:
        panel = StrategiesPanel(stage.runner, stage.market, stage.desk, stage.edge, mode="practice", files=files)
        made.append(panel)
        panel.resize(DOCK_PX, 900)
        panel.show()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _click(widget: QWidget, name: str) -> None:
    button = widget.findChild(QPushButton, name) or widget.findChild(QToolButton, name)
    assert button is not None and button.isEnabled() and not button.isHidden(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def _running(stage: DeskStage, name: str = "ma_cross", **params: object) -> Run:
    stage.give_history()
    return await stage.runner.start(StartOrder(name, (INFY,), params))


async def _holding(stage: DeskStage, run: Run, quantity: int = 10) -> None:
    """Have the run own something, by an order of its own."""
    order = await stage.desk.submit(a_request("BUY", quantity, tag=f"t{quantity}", strategy=run.run_id))
    await stage.desk.reconcile("the trades")
    filled = stage.desk.books.book.get(order.order_id)
    assert filled is not None and filled.filled_quantity == quantity
    run.orders[f"t{quantity}"] = filled


class Plain(Strategy):
    """Asks for nothing."""

    name = "plain"
    title = "Plain"

    class Params(Parameters):
        lots: int = number(1, "Lots", unit="lots", ge=1, le=9)


class Newer(Plain):
    """What its file holds after a save."""

    title = "Plain, newer"


class Worse(Plain):
    """A save that cannot start."""

    def __init__(self, params: Parameters) -> None:
        raise ValueError("no such thing")


class Silent(Strategy):
    """Has no parameters."""

    name = "silent"
    title = "Silent"

    def on_start(self, ctx: Context) -> None:
        ctx.show(mood="calm", ready=True, ratio=0.25)


def test_parameters_are_changed_on_the_card_and_told_to_wait_for_a_bar(
    run: Any, panel_of: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            _click(card, f"run_edit_{started.run_id}")
            spin = card.findChild(QSpinBox, f"run_param_{started.run_id}_lots")
            spin.setValue(4)
            _click(card, f"run_apply_{started.run_id}")
            await eventually(lambda: started.waiting_params is not None)
            await eventually(lambda: not card.params.edit.isChecked())
            assert card.params.waiting.text() == "From its next bar on: lots 4."
            assert (started.params.lots, started.waiting_params.lots) == (1, 4)
            _click(card, f"run_edit_{started.run_id}")
            assert card.findChild(QSpinBox, f"run_param_{started.run_id}_lots").value() == 4
            _click(card, f"run_discard_{started.run_id}")
            assert card.params.form is None

    run(story())


def test_values_that_do_not_fit_together_cannot_be_applied(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _running(stage)
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            _click(card, f"run_edit_{started.run_id}")
            card.findChild(QSpinBox, f"run_param_{started.run_id}_fast").setValue(400)
            assert not card.params.apply.isEnabled()
            assert "must be shorter" in card.params.why.text()
            await stage.runner.stop(started.run_id)
            stage.frame(9)
            assert card.params.form is None and card.params.edit.isHidden()

    run(story())


def test_a_strategy_without_parameters_offers_no_edit_and_shows_its_variables(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"silent": Silent}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "silent")
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            assert card.params.edit.isHidden() and card.params.words.isHidden()
            assert [word in card.variables.text() for word in ("calm", "yes", "0.25")] == [True] * 3

    run(story())


def test_the_mode_is_on_every_card(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            assert panel.cards[started.run_id].mode.text() == "◇ PRACTICE"

    run(story())


def test_the_process_line_tells_pid_times_memory_and_what_came_too_fast() -> None:
    pulse = Pulse(pid=4711, calls=1, slowest_ms=12.4, dropped_ticks=1234, memory_bytes=95 << 20, cpu_share=0.02)
    pulse.recent_ms.extend([0.04, 0.3, 12.4])
    assert runlines.process(pulse) == (
        "process 4711 · 1 call · p50 0.3 ms, p99 12 ms, longest 12 ms · 95 MB · 2% CPU"
        " · 1,234 ticks came too fast for it",
        "muted",
    )
    pulse.recent_ms.append(80.0)
    assert runlines.process(pulse)[1] == "muted"
    pulse.calls = 100
    assert runlines.process(pulse)[1] == "warn"
    assert runlines.process(Pulse()) == ("", "muted")


def test_the_book_lists_what_filled_with_its_charges(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            assert card.pages.book.toggle.isHidden()
            await _holding(stage, started)
            started.brought = {("NSE:INFY", "CNC"): (5, 1400.0)}
            stage.frame(9)
            assert card.pages.book.toggle.text() == "▸ Book, 1 order"
            _click(card, f"run_book_{started.run_id}")
            lines = card.pages.book.text.toPlainText().splitlines()
            assert lines[0] == "brought or handed over: +5 NSE:INFY CNC @ 1,400.00"
            assert "BUY 10 INFY @ 1,500.00 charges ₹ " in lines[1]

    run(story())


def test_details_fold_away_and_what_matters_stays(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            assert (card.more.text(), card.inside.isHidden()) == ("▾ Plain", False)
            _click(card, f"run_more_{started.run_id}")
            assert (card.more.text(), card.inside.isHidden(), card.pages.isHidden()) == ("▸ Plain", True, True)
            assert not card.position.isHidden() and not card.stop.isHidden()

    run(story())


def test_what_a_stopped_run_left_is_taken_by_a_person(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            await _holding(stage, started)
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            assert card.left.isHidden()
            await stage.runner.stop(started.run_id)
            stage.frame(9)
            assert "10 INFY MIS @ 1,500.00, no stop of this program watches it" in card.left.words.text()
            assert card.left.hand_over.isHidden() and card.left.heir.isHidden()
            _click(card, f"run_adopt_{started.run_id}")
            await eventually(card.left.isHidden)
            await eventually(lambda: any("by hand: 10 NSE:INFY MIS" in text for text, _ in stage.notices))
            assert stage.runner.orphans(started.run_id) == []

    run(story())


def test_what_a_run_left_is_handed_over_to_a_run_of_its_kind(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain, "silent": Silent}) as stage:
            panel = panel_of(stage)
            old = await _running(stage, "plain")
            await _holding(stage, old)
            await stage.runner.stop(old.run_id)
            await stage.runner.start(StartOrder("plain", (FUTURE,), product="NRML"))
            await stage.runner.start(StartOrder("silent", (INFY,)))
            heir = await stage.runner.start(StartOrder("plain", (INFY,)))
            card: RunCard = panel.cards[old.run_id]
            stage.frame(9)
            assert [card.left.heir.itemData(place) for place in range(card.left.heir.count())] == [heir.run_id]
            card.left.hand_over.click()  # by mouse it would have to be scrolled to
            await eventually(lambda: heir.holding("NSE:INFY").quantity == 10)
            await eventually(card.left.isHidden)

    run(story())


def test_what_a_run_left_is_closed_after_a_question(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            await _holding(stage, started)
            await stage.runner.stop(started.run_id)
            stage.frame(9)
            placed = len(stage.broker.book)
            _click(panel, f"run_flatten_{started.run_id}")
            question = await eventually(_question)
            assert "10 INFY MIS" in question.words.text()
            question.yes.click()
            await eventually(lambda: len(stage.broker.book) > placed)
            order = next(iter(reversed(stage.broker.book.values())))[-1]
            assert (order.transaction_type, order.quantity) == ("SELL", 10)
            await eventually(lambda: any("exits sent" in text for text, _ in stage.notices))

    run(story())


def _question() -> Question | None:
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, Question) and w.isVisible()]
    return shown[0] if shown else None


def test_a_faulty_save_is_told_on_the_card_and_the_old_version_goes_on(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            files = FakeFiles()
            panel = panel_of(stage, files)
            started = await _running(stage, "plain")
            card: RunCard = panel.cards[started.run_id]
            assert card.file.isHidden()
            files.news = FileNews(problems=("plain.py:12: a bar has no 'ltp': use 'close'",))
            files.changed.emit()
            assert "plain.py:12: a bar has no 'ltp'" in card.file.words.text()
            assert card.file.reload.isHidden() and started.state is RunState.RUNNING
            files.news = FileNews(off=True)
            files.changed.emit()
            assert "is not enabled" in card.file.words.text()

    run(story())


def test_reload_goes_on_with_the_newer_version_and_its_position(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        available: dict[str, type[Strategy]] = {"plain": Plain}
        async with a_desk(strategies=available) as stage:
            files = FakeFiles()
            panel = panel_of(stage, files)
            old = await _running(stage, "plain", lots=3)
            await _holding(stage, old)
            available["plain"], files.news = Worse, FileNews(newer=True)
            files.changed.emit()
            card: RunCard = panel.cards[old.run_id]
            _click(card, f"run_reload_{old.run_id}")
            await eventually(lambda: "the old one goes on" in card.file.words.text())
            assert old.state is RunState.RUNNING
            stage.errors.clear()
            available["plain"] = Newer
            files.changed.emit()
            _click(card, f"run_reload_{old.run_id}")
            await eventually(lambda: stage.runner.runs[0].strategy is Newer)
            new = stage.runner.runs[0]
            await eventually(lambda: new.state is RunState.RUNNING and new.holding("NSE:INFY").quantity == 10)
            assert (old.state, old.holding("NSE:INFY").quantity, new.params.lots) == (RunState.STOPPED, 0, 3)
            assert card.file.isHidden()

    run(story())


def test_tab_goes_through_the_newest_card_first(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage, FakeFiles())
            first, second = await _running(stage, "plain"), await _running(stage, "plain")
            chain, widget = [], panel.bar.filter.nextInFocusChain()
            while widget is not panel.bar.filter:
                chain.append(widget)
                widget = widget.nextInFocusChain()
            places = [chain.index(panel.cards[r.run_id].more) for r in (second, first)]
            assert chain.index(panel.form.start) < chain.index(panel.files.toggle) < places[0] < places[1]
            stops = [chain.index(panel.cards[r.run_id].stop) for r in (second, first)]
            assert places[0] < stops[0] < places[1] < stops[1]

    run(story())


def test_every_button_of_a_card_has_a_name_that_says_whose_it_is(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            panel = panel_of(stage)
            started = await _running(stage, "plain")
            card: RunCard = panel.cards[started.run_id]
            for button in card.findChildren(QPushButton):
                assert "plain #1" in button.accessibleName(), button.objectName()
            for toggle in card.findChildren(QToolButton):
                assert toggle.accessibleName() or toggle.accessibleDescription(), toggle.objectName()

    run(story())


def test_a_card_with_everything_is_no_wider_than_its_dock(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage, FakeFiles())
            started = await _running(stage)
            await _holding(stage, started)
            card: RunCard = panel.cards[started.run_id]
            stage.frame(9)
            _click(card, f"run_edit_{started.run_id}")
            started.pulse.pid, started.pulse.memory_bytes, started.pulse.cpu_share = 123456, 95 << 20, 0.5
            started.pulse.dropped_ticks = 12_345
            stage.frame(9)
            assert panel.area.widget().minimumSizeHint().width() <= DOCK_PX - 20
            await stage.runner.stop(started.run_id)
            stage.frame(9)
            assert not card.left.isHidden()
            assert panel.area.widget().minimumSizeHint().width() <= DOCK_PX - 20

    run(story())


class Loud(Plain):
    """Says more than a card has room for."""

    name = "loud"
    title = "L" * 120
    description = "d" * 400


def test_nothing_that_a_strategy_says_makes_the_panel_wider_or_endless(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"loud": Loud}) as stage:
            panel = panel_of(stage, FakeFiles(a_file("n" * 80 + ".py", FileState.FAULTY, "p" * 300)))
            panel.files.toggle.setChecked(True)
            panel.new.setChecked(True)
            started = await _running(stage, "loud")
            started.last_reason = "r" * 5_000
            started.detail = "d" * 900
            started.variables.update({f"v{place}" * 20: "x" * 5_000 for place in range(100)})
            stage.frame(9)
            card: RunCard = panel.cards[started.run_id]
            assert panel.area.widget().minimumSizeHint().width() <= DOCK_PX - 20
            assert card.more.text() == "▾ " + "L" * 27 + "…"
            assert "and 76 more" in card.variables.text() and "x" * 161 not in card.variables.text()
            assert len(card.reason.text()) < 330

    run(story())
