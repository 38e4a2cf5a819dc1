"""The backtest window over a bench whose backtests are real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
from PySide6.QtCore import QDate, QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QMainWindow, QWidget

from alphapanda_desktop.backtest.report import lines_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.sweeps.space import Axis
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.backtestwindow import MOST_KEPT, BacktestWindow
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.heatmap import HeatMapView
from alphapanda_desktop.ui.sweeppage import values_around
from alphapanda_desktop.ui.theme import DARK, LIGHT, Theme
from tests.fakes import an_instrument
from tests.ui.fakes_bench import FakeBench
from tests.ui.fakes_market import INFY, NIFTY
from tests.ui.window_stage import a_window


@dataclass
class Stage:
    window: BacktestWindow
    bench: FakeBench

    async def played(self, eventually: object, count: int = 1) -> None:
        self.window.run.click()
        await eventually(lambda: len(self.window.reports) == count)  # type: ignore[operator]
        await asyncio.sleep(0)

    def texts(self, page: str) -> list[list[str]]:
        model = getattr(self.window.view, page)
        return [[model.cell(r, c).text for c in range(model.columnCount())] for r in range(model.rowCount())]


@asynccontextmanager
async def a_stage(folder: Path, theme: Theme = DARK) -> AsyncIterator[Stage]:
    errors: list[str] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        main, bench = QMainWindow(), FakeBench(folder)
        edge = Edge(scope, FrameClock(), lambda _text, _level: None, theme)
        window = BacktestWindow(bench, edge, main)
        stage = Stage(window, bench)
        window.come_forward()
        window.form.strategy.setCurrentIndex(window.form.strategy.findData("ma_cross"))
        window.form.add_instrument(INFY)
        yield stage
        window.stop()
        window.hide()
        main.deleteLater()
        await asyncio.sleep(0)
    assert errors == []


def test_what_was_played_is_shown(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await stage.played(eventually)
            report, view = stage.window.shown, stage.window.view
            shown = [(row[0], row[1].replace("−", "-")) for row in stage.texts("figures")]
            assert shown == lines_of(report.played.statistics)
            assert len(stage.texts("trades")) == len(report.played.trades) > 10
            assert view.pages.tabText(1) == f"Trades {len(report.played.trades)}"
            assert view.equity.equity.source.last_price() == report.played.statistics.closing
            assert view.equity.drawdown.source.values.max() == 0.0
            assert "without a candle: 10 Jun 2024" in view.assumptions.toPlainText()
            assert "10 Jun 2024" in stage.window.said.text()
            assert not stage.window.cancel.isVisible() and stage.window.run.isEnabled()

    run(story())


def test_the_wish_is_what_the_form_says(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            form = stage.window.form
            form.params.set_values({"fast": 4, "slow": 12})
            form.cash.setValue(2_50_000)
            form.slippage.setText("0.05%")
            form.bar.setCurrentIndex(form.bar.findData(300))
            form.first.setDate(QDate(2026, 1, 5))
            await stage.played(eventually)
            wanted = stage.bench.asked[0]
            assert wanted.strategy == "ma_cross" and wanted.instruments == (INFY,) and wanted.file is None
            assert (wanted.params["fast"], wanted.params["slow"]) == (4, 12)
            assert (wanted.cash, wanted.slippage, wanted.bar_s) == (2_50_000, "0.05%", 300)
            assert (str(wanted.first), str(wanted.last)) == ("2026-01-05", "2026-11-23")

    run(story())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda form: form._drop(INFY), "Add the instrument"),
        (lambda form: form.first.setDate(QDate(2026, 11, 23)) or form.last.setDate(QDate(2026, 1, 1)), "is after"),
        (lambda form: form.slippage.setText("lots"), "slippage 'lots'"),
        (lambda form: form.source.setCurrentIndex(1), "there is no such file"),
        (lambda form: form.params.set_values({"fast": 30, "slow": 10}), "slow"),
    ],
)
def test_a_wish_that_cannot_be_played_is_told_and_not_asked_for(run, tmp_path, spoil, words):
    async def story():
        async with a_stage(tmp_path) as stage:
            spoil(stage.window.form)
            stage.window.run.click()
            assert words in stage.window.said.text()
            assert stage.bench.asked == []

    run(story())


def test_what_goes_wrong_with_a_backtest_is_told(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            stage.bench.fails = BadData("NSE:INFY: Kite has no candles")
            stage.window.run.click()
            await eventually(lambda: "has no candles" in stage.window.said.text())
            await eventually(stage.window.run.isEnabled)
            assert stage.window.reports == []

    run(story())


def test_cancel_ends_what_is_played(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            window, stage.bench.gate = stage.window, asyncio.Event()
            window.run.click()
            await eventually(lambda: window.progress.maximum() == 4)
            assert window.cancel.isVisible() and window.progress.value() == 1 and not window.run.isEnabled()
            window.cancel.click()
            await eventually(lambda: stage.bench.cancelled == 1)
            await eventually(window.run.isEnabled)
            assert window.said.text() == "Cancelled." and not window.progress.isVisible()

    run(story())


def test_a_trade_that_is_chosen_stands_in_the_middle_of_the_chart(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await stage.played(eventually)
            view = stage.window.view
            view.pages.setCurrentIndex(1)
            table, price = view.pages.currentWidget(), view.price
            table.selectionModel().setCurrentIndex(
                view.trades.index(7, 0), QItemSelectionModel.SelectionFlag.SelectCurrent
            )
            trade = stage.window.shown.played.trades[7]
            assert view.charts.currentWidget() is price
            first, last = price.source.row_at(trade.opened_s), price.source.row_at(trade.closed_s)
            assert price.window_shown.x0 < first <= last < price.window_shown.x1
            middle = (price.window_shown.x0 + price.window_shown.x1) / 2
            assert middle == pytest.approx((first + last) / 2, abs=1)
            sides = {marker.at_s: marker.side for marker in price.markers.markers}
            assert sides[trade.opened_s] == ("BUY" if trade.quantity > 0 else "SELL")

    run(story())


def test_two_backtests_are_compared_figure_by_figure_and_on_one_chart(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await stage.played(eventually)
            await stage.played(eventually, 2)
            window = stage.window
            window.compare.setCurrentIndex(window.compare.findData(1))
            first, second = window.reports
            rows = {row[0]: (row[1], row[2]) for row in stage.texts("figures")}
            assert rows["trades"] == (str(second.played.statistics.trades), str(first.played.statistics.trades))
            curve = window.view.equity.equity.source
            assert curve.last_price() == pytest.approx(second.played.statistics.total_return * 100)
            assert curve.beside[0].last_price() == pytest.approx(first.played.statistics.total_return * 100)

    run(story())


def test_the_last_few_are_kept_and_one_can_be_forgotten(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            for number in range(1, MOST_KEPT + 2):
                stage.window.run.click()
                await eventually(lambda n=number: len(stage.bench.asked) == n and stage.window.run.isEnabled())
            kept = [report.number for report in stage.window.reports]
            assert kept == list(range(2, MOST_KEPT + 2))
            stage.window.forget.click()
            assert stage.window.shown.number == MOST_KEPT
            for _ in range(MOST_KEPT):
                stage.window.forget.click()
            assert stage.window.shown is None and not stage.window.html.isVisible()

    run(story())


def test_stitching_is_offered_for_day_bars_of_futures_alone(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            form = stage.window.form
            form.bar.setCurrentIndex(form.bar.findData(86_400))
            assert form.continuous.isHidden()
            form._drop(INFY)
            form.add_instrument(an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT", segment="NFO-FUT"))
            assert not form.continuous.isHidden() and not form.wanted().continuous
            form.continuous.setChecked(True)
            assert form.wanted().continuous
            form.bar.setCurrentIndex(form.bar.findData(60))
            assert form.continuous.isHidden() and not form.wanted().continuous

    run(story())


def test_keys_run_and_cancel(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            stage.bench.gate = asyncio.Event()
            await asyncio.sleep(0)
            QTest.keyClick(_focused(stage.window), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
            await eventually(lambda: len(stage.bench.asked) == 1)
            QTest.keyClick(_focused(stage.window), Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
            await eventually(lambda: stage.bench.cancelled == 1)

    run(story())


def test_a_preset_fills_the_fields_and_none_brings_them_back(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            form, kind = stage.window.form, stage.bench.available["ma_cross"]
            name, values = next(iter(kind.presets.items()))
            form.preset.setCurrentIndex(form.preset.findData(name))
            assert {key: form.params.values()[key] for key in values} == dict(values)
            form.preset.setCurrentIndex(0)
            assert form.values() == kind.Params().model_dump()

    run(story())


def test_a_file_has_one_instrument_and_no_days(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            form, path = stage.window.form, tmp_path / "INFY.csv"
            path.write_text("time,open,high,low,close\n", encoding="utf-8")
            form.source.setCurrentIndex(form.source.findData("file"))
            form.file.setText(str(path))
            form.add_instrument(NIFTY)
            wanted = form.wanted()
            assert wanted.file == path and wanted.instruments == (NIFTY,) and wanted.first is None
            assert not form.first.isVisible()

    run(story())


def test_page_and_tables_are_saved_and_it_is_told_where(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await stage.played(eventually)
            stage.window.html.click()
            await eventually(lambda: "/somewhere/page.html" in stage.window.said.text())
            stage.window.csv.click()
            await eventually(lambda: "trades.csv and /somewhere/equity.csv" in stage.window.said.text())
            assert stage.bench.saved == ["page 1", "tables 1"]

    run(story())


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_every_field_can_be_reached_by_keyboard_and_has_a_name(run, eventually, tmp_path, theme):
    async def story():
        async with a_stage(tmp_path, theme) as stage:
            await stage.played(eventually)
            kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit)
            own = [
                w for kind in kinds for w in stage.window.findChildren(kind) if w.objectName().startswith("backtest")
            ]
            assert len(own) > 15
            assert [w.objectName() for w in own if not (w.accessibleName() or w.text())] == []
            assert [w.objectName() for w in own if not w.focusPolicy() & Qt.FocusPolicy.TabFocus] == []

    run(story())


async def swept(stage: Stage, eventually: object, one: str = "2:8:3", other: str = "6:12:6") -> None:
    page = stage.window.sweeping
    stage.window.sides.setCurrentWidget(page)
    for number, (name, values) in enumerate((("fast", one), ("slow", other))):
        page.params[number].setCurrentIndex(page.params[number].findData(name))
        page.values[number].setText(values)
    page.run.click()
    await eventually(lambda: page.ranking.rowCount() and stage.window.run.isEnabled())  # type: ignore[operator]


def test_a_sweep_is_ranked_and_drawn_and_skips_what_the_strategy_refuses(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await swept(stage, eventually)
            page = stage.window.sweeping
            assert stage.bench.swept[0][1:] == (("fast=2:8:3", "slow=6:12:6"), "sharpe")
            rows = page.ranking.rows()
            assert [row.place for row in rows] == [1, 2, 3, 4, 5, None]
            ratios = [row.tried.statistics["sharpe"] for row in rows[:5]]
            assert ratios == sorted(ratios, reverse=True)
            assert rows[5].tried.params == {"fast": 8, "slow": 6} and "slow" in page.ranking.cell(5, 8).text
            assert "5 candidates" in page.said.text() and "luck" in page.said.text()
            best = rows[0].tried.params
            field = page._report.field
            assert (field.columns[page.map.at[0]], field.rows[page.map.at[1]]) == (best["fast"], best["slow"])

    run(story())


def test_a_cell_of_the_field_puts_its_values_into_the_form(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            await swept(stage, eventually)
            heat, form = stage.window.sweeping.map, stage.window.form
            QTest.mouseClick(heat, Qt.MouseButton.LeftButton, pos=heat.place_of(1, 1).center())
            assert (form.params.values()["fast"], form.params.values()["slow"]) == (5, 12)
            heat.setFocus()
            QTest.keyClick(heat, Qt.Key.Key_Left)
            QTest.keyClick(heat, Qt.Key.Key_Return)
            assert form.params.values()["fast"] == 2
            assert not heat.grab().isNull()

    run(story())


def test_a_field_of_many_cells_shows_them_all(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            heat = stage.window.sweeping.map
            heat.resize(900, 400)
            cells = [[float(row * column) for column in range(100)] for row in range(60)]
            heat.show_field(_Cells("fast", "slow", range(100), range(60), cells), str, least=False)
            assert heat.rect().contains(heat.place_of(99, 59)) and heat.at == (99, 59)
            assert heat.cell_at(heat.place_of(42, 7).center()) == (42, 7)

    run(story())


def test_a_field_of_losses_has_no_green_and_its_words_fit(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            heat = HeatMapView(stage.window._edge)
            heat.resize(900, 400)
            cells = [[-2.0 - row - column for column in range(3)] for row in range(3)]
            down = "a parameter with a long name"
            heat.show_field(_Cells("fast", down, range(3), range(3), cells), str, least=False, figure="sharpe")
            image = heat.grab().toImage()
            for row in range(3):
                for column in range(3):
                    colour = image.pixelColor(heat.place_of(column, row).topLeft() + QPoint(3, 3))
                    assert colour.red() > colour.green()
            assert heat.place_of(0, 0).left() > heat.fontMetrics().horizontalAdvance(down)

    run(story())


class _Cells(NamedTuple):
    across: str
    down: str
    columns: range
    rows: range
    cells: list[list[float]]


def test_a_sweep_of_one_parameter_twice_is_told_and_not_run(run, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            page = stage.window.sweeping
            stage.window.sides.setCurrentWidget(page)
            for pick in page.params:
                pick.setCurrentIndex(pick.findData("fast"))
            page.run.click()
            assert "stands there twice" in page.said.text() and stage.bench.swept == []

    run(story())


def test_values_are_offered_around_those_of_the_form():
    model = SHIPPED["ma_cross"].Params
    assert values_around(model, "fast", 9) == "3:15:2"
    assert values_around(model, "allow_short", False) == "true,false"
    for name, value in model().model_dump().items():
        assert len(Axis.of(f"{name}={values_around(model, name, value)}").values) > 1


def test_the_kill_switch_can_be_pressed_from_here(run, tmp_path):
    async def story():
        async with a_window() as main:
            pressed: list[int] = []
            main.window.strip.kill_pressed.connect(lambda: pressed.append(1))
            window = BacktestWindow(FakeBench(tmp_path), main.desk.edge, main.window)
            window.come_forward()
            await asyncio.sleep(0)
            kill = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
            QTest.keyClick(window.form.slippage, Qt.Key.Key_K, kill)
            window.hide()
            assert pressed == [1]

    run(story())


def test_a_desk_that_was_opened_anew_has_a_window_of_its_own(run, eventually, tmp_path):
    async def story():
        async with a_window(show_desk=False) as main:
            benches = [FakeBench(tmp_path), FakeBench(tmp_path)]

            async def latest() -> FakeBench:
                return benches[-1]

            main.window.show_desk(replace(main.parts, bench=latest))
            main.window.show_backtest()
            first = await eventually(lambda: main.window.backtest)
            main.window.show_backtest()
            await asyncio.sleep(0.01)
            assert main.window.backtest is first
            benches.append(FakeBench(tmp_path))
            main.window.show_backtest()
            second = await eventually(lambda: main.window.backtest is not first and main.window.backtest)
            assert second.bench is benches[-1] and second.isVisible()
            second.hide()

    run(story())


def _focused(window: QWidget) -> QWidget:
    return window.focusWidget() or window


def test_nothing_of_the_form_is_cut_off_at_the_side(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path) as stage:
            form, area = stage.window.form, stage.window.form.parentWidget()
            for name in SHIPPED:
                form.strategy.setCurrentIndex(form.strategy.findData(name))
                await asyncio.sleep(0.05)  # layouts are asked for with the loop's next rounds
                assert form.width() <= area.width(), name
            form.search.setMinimumWidth(700)  # as with a wider font, or longer words
            await eventually(lambda: form.width() >= 700 and form.width() <= area.width())

    run(story())
