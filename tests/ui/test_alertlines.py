"""Price alerts as lines of a chart, over a real book of alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.alerts import AlertFact, Firing, Kind, Rule
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.alertlines import AlertLines
from alphapanda_desktop.ui.chart.view import ChartView
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY

Run = Callable[..., Any]


class Facts:
    """A journal of alerts in memory."""

    def __init__(self) -> None:
        self.rows: list[AlertFact] = []

    async def alert_fact(self, fact: AlertFact) -> None:
        self.rows.append(fact)

    async def alert_facts(self) -> list[AlertFact]:
        return list(self.rows)


class Gate:
    def seconds_left(self) -> float | None:
        return None


class Stand:
    """A chart of INFY around 1,500 and what its alerts told."""

    def __init__(self, stage: DeskStage, scope: Scope) -> None:
        self.scope = scope
        self.stage = stage
        self.journal = Facts()
        self.book = AlertBook(self.journal, stage.market, stage.desk, Gate(), stage.clock, scope)
        self.told: list[Firing] = []
        self.book.fired.connect(self.told.append)
        self.chart = ChartView(stage.edge, stage.market)
        self.lines = AlertLines(self.chart, self.book, stage.edge)
        self.chart.resize(1000, 560)
        self.chart.show()

    @property
    def levels(self) -> list[tuple[str, float]]:
        return [(a.rule.direction, a.rule.level) for a in self.book.alerts if a.armed]

    @property
    def drawn(self) -> list[float]:
        return [line.price for line in self.chart.plot.lines.lines if line.owner == "alert"]

    def pull_on_the_axis(self, start: float, end: float) -> None:
        plot, view = self.chart.plot, self.chart.plot.viewport()
        x = plot.price_axis.place.center().x()
        first, last = (QPoint(x, int(plot.prices.py(price))) for price in (start, end))
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=first)
        QTest.mouseMove(view, (first + last) / 2)
        QTest.mouseMove(view, last)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=last)


@asynccontextmanager
async def a_stand() -> AsyncIterator[Stand]:
    errors: list[str] = []
    async with a_desk() as stage, Scope("alerts", lambda _name, error: errors.append(repr(error))) as scope:
        stage.fill_history(INFY, Interval.MINUTE)
        stand = Stand(stage, scope)
        await stand.book.open()
        try:
            stand.chart.show_instrument(INFY)
            assert stand.chart._stay.loading is not None
            await stand.chart._stay.loading
            stage.price(INFY, 1500.0)
            stage.frame()
            stand.chart.grab()
            yield stand
        finally:
            stand.book.close()
            shiboken6.delete(stand.chart)
    assert errors == []


def _price_rule(level: float, **more: Any) -> Rule:
    return Rule(kind=Kind.PRICE, key=INFY.key, direction="above", level=level, **more)


def test_an_alert_is_pulled_along_the_price_axis_and_fires_at_its_new_level(run: Run, eventually: Any) -> None:
    async def story() -> None:
        async with a_stand() as s:
            plot = s.chart.plot
            plot.set_auto(False)
            plot.prices.set_prices(1490.0, 1510.0)
            start, high = 1503.0, 1507.0
            await s.book.add(_price_rule(start, note="breakout"))
            assert s.drawn == [start]
            assert "breakout" in plot.lines.lines[0].text
            s.stage.frame()
            s.chart.grab()
            s.pull_on_the_axis(start, high)
            await eventually(lambda: s.levels and s.levels[0][1] != start)
            [(direction, level)] = s.levels
            assert (direction, INFY.on_tick(level)) == ("above", True)
            assert abs(level - high) <= INFY.tick_size + 20.0 / plot.prices.height()  # a pixel, and then a tick
            assert s.drawn == [level]
            s.stage.price(INFY, start)
            assert s.told == []
            s.stage.price(INFY, level)
            assert len(s.told) == 1
            assert s.drawn == []  # it has fired, and waits to be armed
            again = AlertBook(s.journal, s.stage.market, s.stage.desk, Gate(), s.stage.clock, s.scope)
            await eventually(lambda: s.journal.rows[-1].fact == "fired")
            await again.open()
            assert [(a.rule.level, a.armed) for a in again.alerts] == [(level, False)]
            again.close()

    run(story())


def test_an_alert_is_moved_by_ticks_and_taken_away_by_the_keys_alone(run: Run, eventually: Any) -> None:
    async def story() -> None:
        async with a_stand() as s:
            await s.book.add(_price_rule(1505.0))
            for key in (Qt.Key.Key_L, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Return):
                QTest.keyClick(s.chart, key)
            await eventually(lambda: s.levels == [("above", INFY.snap(1505.0 + 2 * INFY.tick_size))])
            for key in (Qt.Key.Key_Escape, Qt.Key.Key_L, Qt.Key.Key_Delete):
                QTest.keyClick(s.chart, key)
            await eventually(lambda: s.book.alerts == [] and s.drawn == [])

    run(story())


def test_an_alert_that_is_pulled_to_the_other_side_of_the_price_waits_for_it_to_fall(run: Run) -> None:
    async def story() -> None:
        async with a_stand() as s:
            alert = await s.book.add(_price_rule(1505.0))
            await s.book.move(alert.id, 1490.0)
            assert s.levels == [("below", 1490.0)]
            s.stage.price(INFY, 1495.0)
            assert s.told == []
            s.stage.price(INFY, 1489.0)
            assert len(s.told) == 1

    run(story())


def test_another_instrument_shows_its_own_alerts(run: Run) -> None:
    async def story() -> None:
        async with a_stand() as s:
            await s.book.add(_price_rule(1505.0))
            s.stage.fill_history(FUTURE, Interval.MINUTE)
            s.chart.show_instrument(FUTURE)
            assert s.drawn == []
            s.chart.show_instrument(INFY)
            assert s.drawn == [1505.0]
            assert s.chart._stay.loading is not None
            await s.chart._stay.loading

    run(story())
