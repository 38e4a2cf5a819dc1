"""The tools of a chart: the indicators' sheet, drawing with the mouse and the keys, what is kept, a picture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QMenu, QWidget

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.heikin import HeikinSource
from alphapanda_desktop.ui.charttools import ChartTools
from alphapanda_desktop.ui.sheet import Sheet
from alphapanda_desktop.ui.studysheet import MOST, StudySheet
from tests.ui.fakes_market import AT_ONCE, INFY, RUPEE
from tests.ui.test_chart_view import Stand, a_stand

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Bench:
    """A chart with its tools, and what they laid and asked."""

    def __init__(self, stand: Stand, folder: Path) -> None:
        self.stand, self.folder = stand, folder
        self.laid: list[Sheet] = []
        self.alerts: list[float] = []
        self.window = QMainWindow()
        self.window.setCentralWidget(stand.chart)
        self.window.resize(900, 560)
        self.window.show()
        self.book = ChartBook(folder / "charts.json", stand.edge.notify, AT_ONCE)
        self.tools = ChartTools(
            stand.chart, self.book, folder, lambda _name, make: self.laid.append(make()), stand.edge, self.alerts.append
        )

    @property
    def plot(self) -> Any:
        return self.stand.plot

    def at(self, x: float, y: float) -> QPoint:
        """A pixel of the price pane by its share of width and height."""
        place = self.plot.prices.place
        return QPoint(round(place.width() * x), round(place.height() * y))

    def pull(self, start: QPoint, end: QPoint) -> None:
        port = self.plot.viewport()
        QTest.mousePress(port, LEFT, NONE, start)
        QTest.mouseMove(port, (start + end) / 2)
        QTest.mouseMove(port, end)
        QTest.mouseRelease(port, LEFT, NONE, end)

    def sheet(self) -> StudySheet:
        self.tools.show_studies()
        sheet = self.laid[-1]
        assert isinstance(sheet, StudySheet)
        return sheet


Story = Callable[[Bench], Awaitable[None]]


@pytest.fixture
def play(run: Any, tmp_path: Path) -> Callable[[Story], None]:
    """Runs a story on a bench whose chart shows INFY's minutes."""

    def drive(story: Story) -> None:
        async def whole() -> None:
            async with a_stand() as stand:
                bench = Bench(stand, tmp_path)
                stand.chart.show_instrument(INFY)
                await stand.loaded()
                stand.frame()
                QApplication.processEvents()
                await story(bench)
                bench.window.takeCentralWidget()
                stand.chart.setParent(None)
                bench.window.deleteLater()

        run(whole())

    return drive


def test_an_indicator_is_found_by_typing_and_added_with_its_parameters(play: Any) -> None:
    async def story(b: Bench) -> None:
        sheet = b.sheet()
        QTest.keyClicks(sheet.search, "rsi")
        assert sheet.form is not None
        sheet.form.set_values({"timeperiod": 9})
        QTest.keyClick(sheet.search, Qt.Key.Key_Return)
        assert [study.title for study in b.plot.studies.wanted] == ["RSI 9"]
        assert len(b.plot.studies.lower) == 1 and b.plot.studies.lower[0].words.text.startswith("RSI 9")
        sheet.search.setText("bollinger")
        sheet.add()
        assert "BBANDS 20 2 2" in b.plot.legend.text
        assert [study.title for study in b.book.studies()] == ["RSI 9", "BBANDS 20 2 2"]
        sheet.chosen.setCurrentIndex(sheet.chosen.model().index(0, 0))
        sheet.remove()
        assert [study.name for study in b.plot.studies.wanted] == ["BBANDS"] and not b.plot.studies.lower

    play(story)


def test_the_same_indicator_twice_and_too_many_are_refused_in_words(play: Any) -> None:
    async def story(b: Bench) -> None:
        sheet = b.sheet()
        sheet.search.setText("sma")
        sheet.colour_pick.setCurrentIndex(0)
        sheet.add()
        sheet.add()
        sheet.colour_pick.setCurrentIndex(0)
        sheet.add()
        assert "on this chart already" in sheet.answer.text()
        for period in range(2, MOST + 4):
            sheet.form.set_values({"timeperiod": period})
            sheet.add()
        assert len(b.plot.studies.wanted) == MOST
        assert f"{MOST} can be" in sheet.answer.text()

    play(story)


def test_a_template_brings_its_indicators_back(play: Any) -> None:
    async def story(b: Bench) -> None:
        sheet = b.sheet()
        sheet.search.setText("macd")
        sheet.add()
        sheet.templates.setEditText("Morning")
        sheet.save()
        sheet.remove()
        assert b.plot.studies.wanted == ()
        sheet.templates.setEditText("Morning")
        sheet.use()
        assert [study.name for study in b.plot.studies.wanted] == ["MACD"]
        sheet.templates.setEditText("Evening")
        sheet.use()
        assert "no template 'Evening'" in sheet.answer.text()
        sheet.templates.setEditText("Morning")
        sheet.forget()
        assert b.book.templates() == []

    play(story)


def test_every_field_of_the_sheet_has_a_name_for_a_reader(play: Any) -> None:
    async def story(b: Bench) -> None:
        sheet = b.sheet()
        nameless = [
            widget.objectName() or type(widget).__name__
            for widget in sheet.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.accessibleName()
            and widget.parent() is sheet and widget is not sheet._room
        ]  # fmt: skip
        assert nameless == []

    play(story)


def test_a_line_is_drawn_with_the_mouse_moved_and_deleted(play: Any) -> None:
    async def story(b: Bench) -> None:
        hand = b.plot.hand
        b.tools.draw("line")
        assert b.tools.tools["line"].isChecked()
        b.pull(b.at(0.2, 0.3), b.at(0.6, 0.7))
        assert [one.kind for one in hand.drawings] == ["line"] and hand.tool is None
        assert not b.tools.tools["line"].isChecked()
        (first_s, first), (last_s, last) = hand.drawings[0].points
        assert first_s < last_s and first > last and first == INFY.snap(first)
        b.pull(b.at(0.6, 0.7), b.at(0.6, 0.4))  # its end
        assert hand.drawings[0].points[0] == (first_s, first) and hand.drawings[0].points[1][1] > last
        before = b.plot.window_shown.x0
        b.pull(b.at(0.4, 0.35), b.at(0.45, 0.45))  # its middle
        assert hand.drawings[0].points[0][0] > first_s and b.plot.window_shown.x0 == before
        assert b.book.drawings(INFY.key) == list(hand.drawings)
        QTest.keyClick(b.stand.chart, Qt.Key.Key_Delete)
        assert hand.drawings == () and b.book.drawings(INFY.key) == []

    play(story)


def test_two_presses_draw_a_rectangle_as_well_and_escape_gives_up(play: Any) -> None:
    async def story(b: Bench) -> None:
        b.tools.draw("box")
        port = b.plot.viewport()
        QTest.mouseClick(port, LEFT, NONE, b.at(0.2, 0.3))
        QTest.mouseMove(port, b.at(0.3, 0.4))
        assert b.plot.hand.holding and b.plot.hand.drawings == ()
        QTest.mouseClick(port, LEFT, NONE, b.at(0.5, 0.6))
        assert [one.kind for one in b.plot.hand.drawings] == ["box"]
        b.tools.draw("fibonacci")
        QTest.mouseClick(port, LEFT, NONE, b.at(0.2, 0.3))
        QTest.keyClick(b.stand.chart, Qt.Key.Key_Escape)
        assert b.plot.hand.tool is None and not b.plot.hand.holding and len(b.plot.hand.drawings) == 1

    play(story)


def test_drawings_stay_with_their_instrument_and_over_intervals(play: Any) -> None:
    async def story(b: Bench) -> None:
        b.tools.draw_level()
        kept = b.plot.hand.drawings
        b.stand.chart.show_instrument(RUPEE)
        assert b.plot.hand.drawings == ()
        b.stand.chart.show_instrument(INFY)
        await b.stand.loaded()
        assert b.plot.hand.drawings == kept
        y = b.plot.drawn.point_of(kept[0].points[0]).y()
        assert b.plot.prices.price_at(y) == pytest.approx(kept[0].points[0][1], rel=1e-3)
        b.stand.chart.set_interval(Interval.MINUTE_5)
        await b.stand.loaded()
        assert b.plot.hand.drawings == kept

    play(story)


def test_the_keys_take_a_drawing_and_move_it_by_ticks(play: Any) -> None:
    async def story(b: Bench) -> None:
        b.tools.draw_level()
        price = b.plot.hand.drawings[0].points[0][1]
        b.stand.chart.setFocus()
        QTest.keyClick(b.stand.chart, Qt.Key.Key_D)
        QTest.keyClick(b.stand.chart, Qt.Key.Key_Up)
        QTest.keyClick(b.stand.chart, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        assert b.plot.hand.drawings[0].points[0][1] == pytest.approx(price + 11 * INFY.tick_size)
        assert b.book.drawings(INFY.key) == list(b.plot.hand.drawings)

    play(story)


def test_words_are_typed_where_they_stand(play: Any) -> None:
    async def story(b: Bench) -> None:
        b.tools.draw("text")
        QTest.mouseClick(b.plot.viewport(), LEFT, NONE, b.at(0.3, 0.5))
        field = b.plot.findChild(QLineEdit, "drawing_words")
        assert field is not None and field.isVisible()
        QTest.keyClicks(field, "breakout")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert [(one.kind, one.text) for one in b.plot.hand.drawings] == [("text", "breakout")]
        assert not field.isVisible()

    play(story)


def test_the_menu_at_a_price_asks_for_an_alert_there(play: Any) -> None:
    async def story(b: Bench) -> None:
        at = b.at(0.5, 0.4)
        b.plot.customContextMenuRequested.emit(at)
        menu = next(one for one in b.plot.findChildren(QMenu) if one.isVisible())
        menu.actions()[0].trigger()
        assert b.alerts == [INFY.snap(b.plot.prices.price_at(at.y() + 0.5))]
        menu.close()

    play(story)


def test_a_picture_of_the_chart_is_saved_and_never_written_over(play: Any) -> None:
    async def story(b: Bench) -> None:
        first, second = b.tools.save_picture(), b.tools.save_picture()
        assert first is not None and second is not None and first != second
        image = QImage(str(first))
        assert image.size() == b.plot.grab().toImage().size()
        assert first.parent == b.folder / "pictures" and first.name.startswith("NSE-INFY-1m")

    play(story)


def test_the_volume_profile_is_shown_kept_and_moved_by_no_tick(play: Any) -> None:
    async def story(b: Bench) -> None:
        before = b.plot.grab().toImage()
        b.tools.profile.trigger()
        assert b.plot.grab().toImage() != before and b.book.profile
        b.stand.stage.tick(INFY, b.stand.chart.last_price(), 10)
        b.stand.frame()
        kept = b.plot.profile.sums(b.plot.source, b.plot.prices)
        b.stand.stage.tick(INFY, b.stand.chart.last_price(), 90_000)
        b.stand.frame()
        assert b.plot.profile.sums(b.plot.source, b.plot.prices) is kept and kept.sum() > 0
        b.tools.profile.trigger()
        assert not b.book.profile

    play(story)


def test_heikin_ashi_is_chosen_kept_and_shown_again(play: Any) -> None:
    async def story(b: Bench) -> None:
        b.stand.chart.set_candle_kind("heikin")
        await b.stand.loaded()
        assert isinstance(b.plot.source, HeikinSource) and "Heikin-Ashi" in b.plot.legend.text
        assert ChartBook(b.folder / "charts.json", b.stand.edge.notify, AT_ONCE).style == "heikin"
        b.stand.stage.tick(INFY, 1234.0, 10)
        b.stand.frame()
        assert b.plot.source.last_price() == 1234.0

    play(story)
