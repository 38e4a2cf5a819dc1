"""A second time frame beneath a chart, and layouts that are kept for the next start and under names."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.drawings import Drawing
from alphapanda_desktop.ui.chart.items import Dress
from alphapanda_desktop.ui.chart.layouts import Layout, layout_from
from alphapanda_desktop.ui.chart.longer import LongerPane
from alphapanda_desktop.ui.chart.renko import RenkoSource
from alphapanda_desktop.ui.chart.studies import a_study
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.chartlayouts import LayoutSheet
from alphapanda_desktop.ui.charttools import ChartTools
from tests.ui.fakes_market import AT_ONCE, INFY
from tests.ui.test_chart_view import Stand, a_stand
from tests.ui.test_charttools import Bench, play

__all__ = ["play"]


async def _filled(chart: ChartView) -> None:
    assert chart.below is not None and chart.below.loading is not None
    await asyncio.wait([chart.below.loading])


def _same_rows(s: Stand, interval: Interval) -> None:
    below = s.chart.below
    assert below is not None and below.source is not None
    series = s.stage.market.live_series(INFY, interval)
    assert below.source.end == len(series) > 50
    assert below.source.times(0, below.source.end).tolist() == series.start_s.tolist()


def test_a_second_time_frame_is_drawn_beneath_and_follows_ticks(play: Any) -> None:
    async def story(b: Bench) -> None:
        s, chart = b.stand, b.stand.chart
        b.tools.longer.choices["5m"].trigger()
        await _filled(chart)
        s.frame()
        QApplication.processEvents()
        _same_rows(s, Interval.MINUTE_5)
        below = chart.below
        assert below is not None and below.height() > 80 and below.notice.text == ""
        s.stage.tick(INFY, 1234.5, 9)
        s.frame()
        assert below.source is not None and below.source.last_price() == 1234.5 == s.chart.last_price()
        chart.set_candle_kind("renko")
        await s.loaded()
        await _filled(chart)
        assert isinstance(below.source, RenkoSource)
        b.tools.longer.choices[""].trigger()
        QApplication.processEvents()
        assert chart.below is None and chart.picture().height() == b.plot.height()

    play(story)


def test_crosshair_and_drawings_are_at_the_same_time_and_price_in_both(play: Any) -> None:
    async def story(b: Bench) -> None:
        s, chart = b.stand, b.stand.chart
        chart.set_longer(Interval.MINUTE_5)
        await _filled(chart)
        s.frame()
        QApplication.processEvents()
        below, plot = chart.below, b.plot
        assert below is not None
        plot.pointed.emit(QPoint(plot.prices.place.width() // 2, 60))
        row, mine = plot.pointer.row, below.pointer.row
        assert row is not None and mine is not None
        at_s, begins_s = plot.source.times(row, row + 1)[0], below.source.times(mine, mine + 1)[0]
        assert 0 <= at_s - begins_s < 300
        plot.left.emit()
        assert below.pointer.row is None
        b.tools.draw_level()
        s.frame()
        assert below.drawn.drawings == plot.drawn.drawings != ()
        level = below.drawn.drawings[0].points[0][1]
        place = QPoint(40, int(below.prices.py(level)))
        QTest.mouseClick(below.viewport(), Qt.MouseButton.LeftButton, pos=place)
        QTest.keyClick(chart, Qt.Key.Key_Up)
        assert plot.drawn.drawings[0].points[0][1] == level + INFY.tick_size
        assert b.book.drawings(INFY.key) == list(plot.drawn.drawings)

    play(story)


def test_what_a_person_chose_for_a_chart_is_there_at_the_next_start(play: Any, tmp_path: Path) -> None:
    async def story(b: Bench) -> None:
        chart = b.stand.chart
        b.stand.chart.buttons["Log"].click()
        chart.looks.hollow.trigger()
        chart.set_longer(Interval.MINUTE_15)
        await _filled(chart)
        again = ChartView(b.stand.edge, b.stand.stage.market)
        ChartTools(again, ChartBook(b.folder / "charts.json", b.stand.edge.notify, AT_ONCE), b.folder, lambda *_: None,
                   b.stand.edge)  # fmt: skip
        assert (again.plot.scale.kind, again.plot.dress, again.longer) == ("log", Dress(True), Interval.MINUTE_15)
        assert again.looks.hollow.isChecked()
        again.deleteLater()

    play(story)


def test_a_layout_is_kept_under_a_name_and_put_on_another_chart(play: Any) -> None:
    async def story(b: Bench) -> None:
        chart, plot = b.stand.chart, b.plot
        wanted = Layout("5m", "1D", "heikin", (a_study("RSI"), a_study("SMA")), True, "log", Dress(True, "buy", "sell"))
        b.tools.laid.put(wanted)
        await b.stand.loaded()
        assert b.tools.laid.layout == wanted and b.tools.profile.isChecked()
        b.tools.layouts.show_sheet()
        sheet = b.laid[-1]
        assert isinstance(sheet, LayoutSheet)
        QTest.keyClick(sheet.name, Qt.Key.Key_Return)
        assert "Name" in sheet.answer.text()
        QTest.keyClicks(sheet.name, "Scalp & swing")
        QTest.keyClick(sheet.name, Qt.Key.Key_Return)
        assert b.book.layouts() == ["Scalp & swing"]
        b.tools.laid.put(Layout())
        await b.stand.loaded()
        assert (chart.longer, plot.studies.wanted, plot.dress) == (None, (), Dress())
        action = b.tools.layouts.actions()[-1]
        assert action.text() == "Scalp && swing"
        action.trigger()
        await b.stand.loaded()
        assert b.tools.laid.layout == wanted and chart.looks.colours["Blue rises, orange falls"].isChecked()
        assert [study.name for study in b.book.studies()] == ["RSI", "SMA"]
        sheet.name.setEditText("Scalp & swing")
        sheet.forget()
        assert b.book.layouts() == [] and len(b.tools.layouts.actions()) == 2
        sheet.name.setEditText("gone")
        sheet.use()
        assert "no layout 'gone'" in sheet.answer.text()

    play(story)


def test_a_layout_with_what_is_no_longer_there_falls_back_on_a_new_chart_s() -> None:
    assert (
        layout_from({"interval": "7m", "longer": "Tick", "style": "kagi", "scale": 3, "dress": {"up": "x"}}) == Layout()
    )
    with pytest.raises(ValueError, match="NOSUCH"):
        layout_from({"studies": [{"name": "NOSUCH", "parameters": {}, "over": True, "role": "accent"}]})


def test_a_chart_that_ends_while_its_second_history_loads_leaves_no_task(run: Any) -> None:
    async def story() -> None:
        async with a_stand() as stand:
            stand.chart.show_instrument(INFY)
            stand.chart.set_longer(Interval.MINUTE_5)
            stand.chart.plot.hand.add(Drawing("level", ((0.0, 1500.0),)))
            stand.frame()

    run(story())


def test_a_second_time_frame_that_is_taken_away_leaves_nothing_behind(play: Any) -> None:
    async def story(b: Bench) -> None:
        chart = b.stand.chart
        for _ in range(4):
            chart.set_longer(Interval.MINUTE_5)
            b.stand.frame()
            chart.set_longer(None)
            await asyncio.sleep(0)
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        await asyncio.sleep(0)
        gc.collect()
        assert [found for found in gc.get_objects() if type(found) is LongerPane] == []

    play(story)
