"""Alerts in the window: the sheet that sets one, the panel, toasts, the sound, and the mode in each."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QSpinBox, QSystemTrayIcon

from alphapanda_desktop.domain.alerts import AlertFact, Firing, Kind, Rule
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.ui import formats, sound
from alphapanda_desktop.ui.alertdesk import USUAL, AlertDesk, Ways
from alphapanda_desktop.ui.alerts import Standing
from alphapanda_desktop.ui.alertsheet import FIELDS, KINDS, AlertSheet
from alphapanda_desktop.ui.chart.studies import a_study
from alphapanda_desktop.ui.palette import commands_of
from alphapanda_desktop.ui.sound import Chime, chime
from alphapanda_desktop.ui.systemnotice import SystemNotice
from alphapanda_desktop.ui.toasts import MOST, Toast
from alphapanda_desktop.ui.workspaces import ChartRecord
from tests.ui.fakes_market import FUTURE, INFY, NIFTY
from tests.ui.window_stage import WindowStage, a_window

Run = Callable[..., Any]
Eventually = Callable[..., Any]


class Facts:
    """A journal of alerts in memory."""

    def __init__(self) -> None:
        self.rows: list[AlertFact] = []

    async def alert_fact(self, fact: AlertFact) -> None:
        self.rows.append(fact)

    async def alert_facts(self) -> list[AlertFact]:
        return list(self.rows)


@dataclass
class Alerting:
    """A window with alerts."""

    stage: WindowStage
    book: AlertBook
    alerts: AlertDesk

    def sheet(self) -> AlertSheet:
        found = self.stage.window.deck.find("alert_sheet")
        assert isinstance(found, AlertSheet)
        return found

    def frame(self) -> None:
        self.stage.desk.frame(40)


@asynccontextmanager
async def alerting(folder: Path, *, live: bool = False, ways: Ways | None = None) -> AsyncIterator[Alerting]:
    async with a_window(live=live, show_desk=False) as stage:
        desk = stage.desk
        desk.price(INFY, 1500.0)
        book = AlertBook(Facts(), desk.market, desk.desk, stage.gate, desk.clock, desk.edge.scope)
        await book.open()
        database = str(folder / "practice.sqlite")
        parts = replace(stage.parts, alerts=book, alert_ways=ways or Ways(sound=False), database=database)
        stage.window.show_desk(parts)
        view = stage.window.view
        assert view is not None and view.alerts is not None
        yield Alerting(stage, book, view.alerts)
        book.close()


def test_an_alert_is_set_from_the_chart_by_keyboard_and_its_news_is_acknowledged(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            it.stage.window.dockyard().find("alerts").raise_()
            QTest.keyClick(it.alerts.panel.table, Qt.Key.Key_N)
            sheet = it.sheet()
            assert sheet.sentence.text() == "◇ PRACTICE · Tell me when NSE:INFY crosses 1,500.00. Now: 1,500.00."
            sheet.direction.setCurrentIndex(sheet.direction.findData("above"))
            sheet.level.setValue(1510.0)
            QTest.keyClick(sheet.note, Qt.Key.Key_Return)
            await eventually(lambda: it.book.alerts)
            assert it.stage.window.deck.find("alert_sheet") is None
            it.frame()
            assert it.alerts.panel.model.cell(0, 0).text == "● armed"
            it.stage.desk.price(INFY, 1511.0)
            it.frame()
            assert it.alerts.panel.model.cell(0, 0).text == "✓ told"
            assert it.alerts.panel.history_model.cell(0, 1).text == "● new"
            assert "● 1 not seen" in it.alerts.panel.words.text()
            it.alerts.panel.history.selectRow(0)
            QTest.keyClick(it.alerts.panel.history, Qt.Key.Key_A)
            await eventually(lambda: it.book.unseen == 0)
            it.frame()
            assert it.alerts.panel.history_model.cell(0, 1).text == "✓ seen"
            it.alerts.panel.table.selectRow(0)
            QTest.keyClick(it.alerts.panel.table, Qt.Key.Key_R)
            await eventually(lambda: it.book.alerts[0].armed)
            QTest.keyClick(it.alerts.panel.table, Qt.Key.Key_Delete)
            await eventually(lambda: not it.book.alerts)

    run(story())


@pytest.mark.parametrize(("live", "mark"), [(False, "◇ PRACTICE"), (True, "⬤ LIVE")])
def test_a_toast_names_the_mode_and_acknowledges(
    run: Run, eventually: Eventually, tmp_path: Path, live: bool, mark: str
) -> None:
    async def story() -> None:
        async with alerting(tmp_path, live=live) as it:
            await it.book.add(Rule(kind=Kind.PRICE, key=INFY.key, direction="above", level=1510.0))
            it.stage.desk.price(INFY, 1511.0)
            [text] = it.alerts.toasts.texts
            assert text.startswith(f"{mark} · Alert NSE:INFY is at 1511.00")
            assert any(mark in told for told, _ in it.stage.desk.notices)
            assert it.stage.window.focusWidget() not in it.alerts.toasts.findChildren(QPushButton)
            seen = it.alerts.toasts.findChild(QPushButton, "toast_seen")
            assert seen is not None
            QTest.mouseClick(seen, Qt.MouseButton.LeftButton)
            await eventually(lambda: it.book.unseen == 0)
            assert it.alerts.toasts.isHidden()

    run(story())


def test_toasts_stay_in_the_window_and_few(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            for number in range(MOST + 3):
                it.alerts.toasts.show_toast("◇ PRACTICE", f"news {number}")
            it.stage.desk.frame()
            texts = it.alerts.toasts.texts
            assert texts == [f"◇ PRACTICE news {number}" for number in range(3, MOST + 3)]
            window = it.stage.window
            it.alerts.toasts._toasts[0].leave()
            it.alerts.toasts._toasts[0].leave()
            window.resize(1600, 900)
            QApplication.processEvents()
            centre = QRect(window.centre.mapTo(window, QPoint(0, 0)), window.centre.size())
            assert centre.contains(it.alerts.toasts.geometry())  # over the chart, where no button is
            for size in ((1600, 900), (1024, 700)):
                window.resize(*size)
                assert window.rect().contains(it.alerts.toasts.geometry())
                for toast in [t for t in it.alerts.toasts.findChildren(Toast) if not t.isHidden()]:
                    assert toast.height() >= toast.needed_height() > 40
                assert not it.alerts.toasts.geometry().intersects(window.strip.geometry())

    run(story())


def test_a_way_that_is_off_in_the_settings_stays_silent(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with alerting(tmp_path, ways=Ways(toast=False, sound=False, tray=False)) as it:
            firing = Firing("1", "1", Kind.PRICE, INFY.key, it.stage.desk.clock.now(), "there")
            it.book.fired.emit(firing)
            assert it.alerts.toasts.texts == []
            assert ("Alert: ◇ PRACTICE · there", "warning") in it.stage.desk.notices

    run(story())


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_shows_its_own_fields_alone(run: Run, tmp_path: Path, kind: Kind) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            it.alerts.ask_about(INFY)
            sheet = it.sheet()
            sheet.kind.setCurrentIndex(sheet.kind.findData(kind.name))
            shown = {name for name, widget in sheet._rows.items() if not widget.isHidden()}
            assert shown == set(FIELDS[kind])
            assert sheet.rule().kind is kind
            assert sheet.rule().key == ("" if kind in (Kind.PNL, Kind.ORDER, Kind.SESSION, Kind.FEED) else INFY.key)
            assert set(KINDS) == set(Kind)

    run(story())


def test_an_alert_on_an_indicator_of_the_chart_has_its_numbers_and_says_what_it_waits_for(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            it.stage.window.dockyard().find("alerts").raise_()
            view = it.stage.window.view
            assert view is not None
            chart = view.charts.main.chart
            chart.show_instrument(INFY)
            chart.plot.set_studies([a_study("RSI"), a_study("MACD", fastperiod=8)])
            view.charts.main.tools.show_studies()
            QTest.mouseClick(it.stage.window.deck.find("study_sheet").alert_button, Qt.MouseButton.LeftButton)
            sheet = it.sheet()
            rule = sheet.rule()
            assert (rule.indicator, rule.key, rule.interval, rule.line) == ("MACD", INFY.key, "minute", "macd")
            assert dict(rule.parameters) == {"fastperiod": 8, "slowperiod": 26, "signalperiod": 9}
            named = [field.accessibleName() for field in sheet.indicator.form.findChildren(QSpinBox)]
            assert named == ["Fast period", "Slow period", "Signal period"]
            sheet.indicator.line.setCurrentIndex(2)
            assert "MACD(8, 26, 9, 1m) macdhist crosses 0.00" in sheet.sentence.text()
            assert "closed bars of 1m that MACD(8, 26, 9, 1m) macdhist needs" in sheet.sentence.text()
            QTest.keyClick(sheet.note, Qt.Key.Key_Return)
            await eventually(lambda: it.book.alerts)
            it.frame()
            assert it.alerts.panel.model.cell(0, 0).text == "● armed"
            assert it.alerts.panel.model.cell(0, 1).text != formats.DASH, "history was read before it was set"
            waiting = Standing(it.book.alerts[0], None, "INFY has 3 of the 34 closed bars")
            assert waiting.state == ("… waiting", "warn")
            assert it.book.alerts[0].rule.line == "macdhist"

    run(story())


def test_a_refusal_is_said_on_the_sheet_which_stays(run: Run, eventually: Eventually, tmp_path: Path) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            it.alerts.ask_about(INFY, 1400.0)
            sheet = it.sheet()
            sheet.direction.setCurrentIndex(sheet.direction.findData("above"))
            QTest.keyClick(sheet.note, Qt.Key.Key_Return)
            await eventually(sheet.answer.text)
            assert "so already: NSE:INFY is at 1500.00" in sheet.answer.text()
            sheet.choose_instrument(NIFTY)
            assert sheet.answer.text() == ""
            assert sheet.rule().key == NIFTY.key

    run(story())


def test_the_palette_finds_the_alerts_and_the_usual_ones_are_set_once(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            words = [command.words for command in commands_of(it.stage.window.menuBar())]
            assert any("New alert" in text for text in words)
            for _ in range(2):
                it.alerts._set_usual()
                await eventually(lambda: any("usual alerts" in told for told, _ in it.stage.desk.notices))
                it.stage.desk.notices.clear()
            assert [alert.rule for alert in it.book.alerts] == list(USUAL)

    run(story())


def test_the_chime_is_half_a_second_of_sound_that_does_not_click() -> None:
    with wave.open(io.BytesIO(chime())) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        assert 0.2 < file.getnframes() / file.getframerate() < 0.6
    assert 5_000 < np.abs(samples).max() < 16_000
    assert np.abs(samples[[0, -1]]).max() < 200


def test_alerts_at_once_ring_once_and_without_a_player_the_system_beeps(
    qapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(sound, "PLAYERS", ())
    bell = Chime(tmp_path / "new", lambda: now[0])
    assert [bell.ring(), bell.ring()] == ["beep", ""]
    now[0] = 2.0
    assert bell.ring() == "beep"
    assert (tmp_path / "new" / "alert.wav").read_bytes() == chime()


def test_without_a_tray_no_icon_is_made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: False)
            notice = SystemNotice(it.stage.window, lambda: None)
            assert notice.show("AlphaPanda", "there") is False
            assert it.stage.window.findChildren(QSystemTrayIcon) == []

    run(story())


def test_a_new_alert_is_about_the_chart_that_had_the_keyboard_and_shows_on_every_chart_of_it(
    run: Run, eventually: Eventually, tmp_path: Path
) -> None:
    async def story() -> None:
        async with alerting(tmp_path) as it:
            view = it.stage.window.view
            assert view is not None
            it.stage.desk.price(FUTURE, 26_000.0)
            pane = view.charts.open(ChartRecord("chart-2", FUTURE.key))
            assert pane is not None
            view.charts._activate(pane)
            it.alerts.ask_new()
            assert FUTURE.key in it.sheet().sentence.text()
            it.sheet().level.setValue(26_100.0)
            QTest.keyClick(it.sheet().note, Qt.Key.Key_Return)
            await eventually(lambda: it.book.alerts)
            drawn = [
                [line.price for line in one.chart.plot.lines.lines if line.owner == "alert"] for one in view.charts
            ]
            assert drawn == [[], [26_100.0]]
            view.charts.main.chart.show_instrument(FUTURE)
            assert [line.price for line in view.chart.plot.lines.lines if line.owner == "alert"] == [26_100.0]

    run(story())
