from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.domain.strategy import Context, Strategy
from alphapanda_desktop.trading.differences import Choice
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.ui.formats import rupees, signed_rupees
from alphapanda_desktop.ui.strategies import StrategiesPanel, products_for
from alphapanda_desktop.ui.tallscroll import TallScroll
from tests.fakes import a_request
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY, NIFTY, RUPEE
from tests.ui.fakes_sheets import FakeCoverage, a_difference, covered_row

REFRESHED = 9


@pytest.fixture
def panel_of(qapp: Any) -> Iterator[Callable[[DeskStage], StrategiesPanel]]:
    made: list[StrategiesPanel] = []

    def make(stage: DeskStage) -> StrategiesPanel:
        panel = StrategiesPanel(stage.runner, stage.market, stage.desk, stage.edge)
        made.append(panel)
        panel.resize(370, 800)
        panel.show()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _click(panel: QWidget, name: str) -> None:
    button = panel.findChild(QPushButton, name)
    assert button is not None, name
    assert button.isEnabled(), f"{name} is disabled"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def _started(stage: DeskStage, panel: StrategiesPanel, eventually: Any) -> Run:
    stage.give_history()
    stage.price(INFY, 1500.0)
    panel.set_default_instrument(INFY)
    panel.form.pick.setCurrentIndex(panel.form.pick.findData("ma_cross"))
    _click(panel, "strategy_start")
    run: Run = await eventually(lambda: stage.runner.runs and stage.runner.runs[0])
    await eventually(lambda: run.state is RunState.RUNNING)
    return run


def test_start_runs_the_strategy_with_what_the_form_says(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            panel.form.pick.setCurrentIndex(panel.form.pick.findData("ma_cross"))
            panel.findChild(QSpinBox, "param_fast").setValue(1)
            panel.findChild(QSpinBox, "param_slow").setValue(2)
            stage.give_history()
            panel.set_default_instrument(FUTURE)
            _click(panel, "strategy_start")
            await eventually(lambda: stage.runner.runs and stage.runner.runs[0].state is RunState.RUNNING)
            started = stage.runner.runs[0]
            assert started.strategy.name == "ma_cross"
            assert started.instruments == (FUTURE,)
            assert (started.params.fast, started.params.slow) == (1, 2)
            assert (started.product, started.interval.label) == ("NRML", "1m")
            assert panel.findChild(QWidget, f"run_card_{started.run_id}") is not None

    run(story())


def test_an_index_cannot_be_started_on_and_the_panel_says_why(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            panel.set_default_instrument(NIFTY)
            assert not panel.form.start.isEnabled()
            assert panel.form.why.text() == "NIFTY 50 is an index and cannot be traded; choose its future or a stock."
            panel.form.chosen.add(INFY)
            assert panel.form.start.isEnabled()
            assert panel.form.why.isHidden()

    run(story())


def test_parameters_that_do_not_fit_together_disable_start(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            panel.set_default_instrument(INFY)
            panel.form.pick.setCurrentIndex(panel.form.pick.findData("ma_cross"))
            panel.findChild(QSpinBox, "param_fast").setValue(400)
            assert not panel.form.start.isEnabled()
            assert "must be shorter than the slow one" in panel.form.why.text()

    run(story())


def test_instruments_chosen_by_hand_are_not_replaced_by_the_charts(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            form = panel_of(stage).form
            form.set_default_instrument(INFY)
            form.set_default_instrument(FUTURE)
            assert form.instruments == [FUTURE]
            form.chosen.add(INFY)
            form.chosen.add(RUPEE)
            form.set_default_instrument(FUTURE)
            assert form.instruments == [INFY, RUPEE]
            form.chosen.remove(INFY)
            form.chosen.remove(RUPEE)
            assert form.instruments == [FUTURE]

    run(story())


def test_an_instrument_is_found_by_typing(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            panel.set_default_instrument(NIFTY)
            QTest.keyClicks(panel.form.search, "usdinr")
            panel.form.search.search_now()
            assert panel.rect().contains(panel.form.search.results.geometry())
            QTest.keyClick(panel.form.search, Qt.Key.Key_Return)
            assert panel.form.instruments == [RUPEE]

    run(story())


def test_the_field_with_the_focus_is_explained(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            panel.activateWindow()
            panel.findChild(QSpinBox, "param_lookback").setFocus()
            await eventually(lambda: panel.form.help.text() == "Bars over which the return is measured. 1 to 500 bars")

    run(story())


def test_products_follow_the_exchanges() -> None:
    assert products_for([INFY]) == ["MIS", "CNC", "MTF"]
    assert products_for([FUTURE, RUPEE]) == ["NRML", "MIS"]
    assert products_for([INFY, FUTURE]) == ["MIS"]


def test_the_kill_switch_and_disarmed_live_trading_disable_start(run: Any, panel_of: Any) -> None:
    async def story() -> None:
        async with a_desk(live=True) as stage:
            panel = panel_of(stage)
            panel.set_default_instrument(INFY)
            assert "not armed" in panel.form.why.text()
            stage.arming.arm("LIVE", stage.clock.now().replace(year=2027))
            stage.frame(REFRESHED)
            assert panel.form.start.isEnabled()
            await stage.desk.kill.press("test", flatten=False)
            assert "kill switch" in panel.form.why.text()
            assert not panel.form.start.isEnabled()

    run(story())


class Broken(Strategy):
    """Fails as it begins."""

    name = "broken"
    title = "Broken"

    def on_start(self, ctx: Context) -> None:
        raise ValueError("there is no such average")


def test_a_run_that_fails_says_why_on_its_card(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"broken": Broken}) as stage:
            panel = panel_of(stage)
            panel.set_default_instrument(INFY)
            _click(panel, "strategy_start")
            await eventually(lambda: stage.runner.runs and stage.runner.runs[0].state is RunState.FAILED)
            card = panel.cards[stage.runner.runs[0].run_id]
            stage.frame(REFRESHED)
            assert card.state.text() == "failed"
            assert "there is no such average" in card.detail.text()
            assert stage.edge.theme.danger in card.detail.styleSheet()
            assert card.stop.isHidden()
            stage.errors.clear()

    run(story())


def test_a_warning_in_the_log_is_announced_while_the_log_is_closed(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            stage.history.fails = Offline("no way to Kite's candles")
            panel.set_default_instrument(INFY)
            _click(panel, "strategy_start")
            await eventually(lambda: stage.runner.runs and stage.runner.runs[0].state is RunState.RUNNING)
            stage.frame(REFRESHED)
            card = panel.cards[stage.runner.runs[0].run_id]
            assert card.pages.log.toggle.text() == "▸ Log, 3 lines · 2 warnings"  # and that its look-back is not there

    run(story())


def test_buttons_follow_the_state_of_the_run(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            card = panel.cards[started.run_id]
            _click(panel, f"run_pause_{started.run_id}")
            stage.frame(REFRESHED)
            assert card.state.text() == "entries paused"
            assert card.pause.isHidden()
            _click(panel, f"run_resume_{started.run_id}")
            stage.frame(REFRESHED)
            assert started.state is RunState.RUNNING
            _click(panel, f"run_stop_{started.run_id}")
            await eventually(lambda: started.state is RunState.STOPPED)
            await eventually(lambda: stage.notices)
            stage.frame(REFRESHED)
            assert [b.isHidden() for b in (card.pause, card.resume, card.stop)] == [True, True, True]
            assert card.detail.text() == f"At its end: {started.detail}" and started.detail
            assert stage.notices == [(f"ma_cross #1 stopped: {started.detail}", "info")]

    run(story())


def test_no_button_of_a_card_moves_while_the_card_fills_in(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            panel.new.setChecked(False)  # no form above it
            stage.frame(REFRESHED)
            card = panel.cards[started.run_id]
            card.grab()
            places = [button.geometry() for button in (card.pause, card.stop, card.clone)]
            started.last_reason = "a long reason that takes more than one line of the card, and more than two " * 3
            started.variables.update({f"value {number}": number for number in range(6)})
            _click(panel, f"run_pause_{started.run_id}")
            stage.frame(REFRESHED)
            card.grab()
            assert [button.geometry() for button in (card.resume, card.stop, card.clone)] == places
            _click(panel, f"run_stop_{started.run_id}")
            await eventually(lambda: started.state is RunState.STOPPED and stage.notices)
            stage.frame(REFRESHED)
            card.grab()
            assert [button.geometry() for button in (card.again, card.stop, card.clone)] == places

    run(story())


def test_what_the_mouse_is_over_stays_while_a_card_above_it_grows(qtbot: Any) -> None:
    inside = QWidget()
    column = QVBoxLayout(inside)
    above, card = QLabel("one line"), QPushButton("Stop")
    above.setFixedHeight(300)
    card.setFixedHeight(300)
    for widget in (above, card, QLabel("below")):
        column.addWidget(widget)
    area = TallScroll(inside)
    qtbot.addWidget(area)
    area.resize(300, 400)
    area.show()
    area.verticalScrollBar().setValue(100)
    before = card.mapTo(area, QPoint(0, 0)).y()
    card.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    above.setFixedHeight(380)
    qtbot.waitUntil(lambda: area.verticalScrollBar().value() == 180, timeout=60_000)
    assert card.mapTo(area, QPoint(0, 0)).y() == before


def test_the_card_shows_position_result_reason_and_what_stop_will_leave(
    run: Any, panel_of: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            order = await stage.desk.submit(a_request("BUY", 10, tag="q1", strategy=started.run_id))
            filled = stage.desk.books.book.get(order.order_id)
            assert filled is not None
            started.orders["q1"] = filled
            started.orders["q2"] = replace(filled, tag="q2", order_id="2", status="OPEN", filled_quantity=0)
            started.price_of = lambda _key: 1512.0
            started.last_reason = "fast crossed above <slow>"
            started.variables["return_pct"] = 1.25
            stage.frame(REFRESHED)
            card = panel.cards[started.run_id]
            assert card.position.text() == "10 INFY @ 1,500.00"
            assert card.pnl.text() == "+₹ 120.00"
            assert card.reason.text() == "Last decision: fast crossed above <slow>"
            assert "return pct" in card.variables.text()
            assert "1.25" in card.variables.text()
            assert card.stop_words.text() == stage.runner.what_stop_does(started.run_id)
            assert card.stop_words.text().startswith("Stop cancels 1 working order")
            assert card.stop_words.text().endswith("position stays open: 10 NSE:INFY")

    run(story())


def test_the_card_warns_of_old_prices(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            stage.frame(REFRESHED)
            assert panel.cards[started.run_id].age.text() == "last tick: INFY now"
            stage.clock.advance(60)
            stage.frame(REFRESHED)
            assert panel.cards[started.run_id].age.text().startswith("⚠ old prices: INFY")

    run(story())


def test_the_log_of_a_run_opens_and_grows(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            card = panel.cards[started.run_id]
            assert card.pages.log.isHidden()
            card.pages.log.toggle.click()
            started.note("warning", "a <b>bold</b> word")
            stage.frame(REFRESHED)
            assert not card.pages.log.isHidden()
            assert card.pages.log.text.toPlainText().endswith("a <b>bold</b> word")

    run(story())


def test_several_runs_have_a_card_each_newest_first(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            first = await _started(stage, panel, eventually)
            await eventually(lambda: not panel.form.isVisible())
            panel.new.click()
            await eventually(panel.form.isVisible)
            _click(panel, "strategy_start")
            await eventually(lambda: len(stage.runner.runs) == 2)
            assert list(panel.cards) == [first.run_id, stage.runner.runs[0].run_id]
            stage.frame(REFRESHED)
            tops = [panel.cards[r.run_id].mapTo(panel, panel.rect().topLeft()).y() for r in stage.runner.runs]
            await eventually(lambda: stage.runner.runs[0].state is RunState.RUNNING)
            assert tops == sorted(tops)

    run(story())


def test_nothing_in_the_panel_is_wider_than_its_dock(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            await _started(stage, panel, eventually)
            stage.frame(REFRESHED)
            inside = panel.area.widget()
            assert inside.minimumSizeHint().width() <= 345

    run(story())


def test_a_stop_can_be_asked_before_the_next_frame(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            _click(panel, f"run_pause_{started.run_id}")
            assert panel.cards[started.run_id].state.text() == "entries paused"
            _click(panel, f"run_stop_{started.run_id}")
            await eventually(lambda: panel.cards[started.run_id].state.text() == "stopped")
            await eventually(lambda: stage.notices)

    run(story())


def test_a_card_shows_the_result_after_charges_once_trades_are_read(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            order = await stage.desk.submit(a_request("BUY", 10, tag="q1", strategy=started.run_id))
            await stage.desk.reconcile("the trades")
            started.price_of = lambda _key: 1512.0
            stage.frame(REFRESHED)
            charges = stage.desk.ledger.of_order(order.order_id)
            assert charges is not None
            made = stage.desk.ledger.of_run(started.run_id, lambda _key: 1512.0)
            assert made.charges > 0 and made.net == pytest.approx(120.0 - made.charges)
            card = panel.cards[started.run_id]
            assert card.pnl.text() == signed_rupees(made.net)
            assert f"charges {rupees(made.charges)}" in card.pnl.toolTip()

    run(story())


def test_a_difference_with_the_broker_locks_strategies_and_says_so(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            card = panel.cards[started.run_id]
            assert card.state.text() == "running"
            panel.new.setChecked(True)
            stage.desk.differences.add(a_difference("1001"))
            assert card.state.text() == "running · exits only"
            assert "wait for a decision" in card.held_back.text() and not card.held_back.isHidden()
            assert not panel.form.start.isEnabled() and "locked" in panel.form.why.text()
            await stage.desk.differences.decide("1001", Choice.IGNORE)
            assert card.state.text() == "running" and card.held_back.isHidden()
            assert panel.form.start.isEnabled()

    run(story())


def test_reducing_is_said_on_the_card_and_on_the_form(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            await stage.desk.kill.reduce("Loss per day: 26,000 lost, 25,000 allowed")
            card = panel.cards[started.run_id]
            assert card.state.text() == "running · exits only"
            assert "26,000 lost" in card.held_back.text()
            panel.new.setChecked(True)
            assert not panel.form.start.isEnabled() and "Only exits pass" in panel.form.why.text()

    run(story())


def test_a_card_says_what_stops_protect_of_its_position(run: Any, panel_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_of(stage)
            started = await _started(stage, panel, eventually)
            coverage = FakeCoverage(covered_row("INFY", 10, 4, 3), covered_row("TCS", 5, 0, 0))
            panel.follow_coverage(coverage)
            card = panel.cards[started.run_id]
            assert card.stops.isHidden()  # it holds nothing yet
            order = await stage.desk.submit(a_request("BUY", 10, tag="q1", strategy=started.run_id))
            filled = stage.desk.books.book.get(order.order_id)
            assert filled is not None
            started.orders["q1"] = filled
            stage.frame(REFRESHED)
            assert card.stops.text() == "Stops of INFY: 4 at the broker, 3 only here, 3 unprotected"

    run(story())
