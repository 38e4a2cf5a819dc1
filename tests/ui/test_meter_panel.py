"""The meter on the screen: figures, stalls, and the word in the status bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from alphapanda_desktop.logs import Place
from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.entries import view_menu_of
from alphapanda_desktop.ui.meter import EVERY_NS, MeterDock, MeterPanel, duration


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def edge(qapp: Any, meter: Meter) -> Edge:
    return Edge(Scope("ui", lambda *_: None), FrameClock(meter=meter), lambda *_: None)


@pytest.fixture
def window(qtbot: Any, edge: Edge) -> Iterator[QMainWindow]:
    window = QMainWindow()
    window.statusBar()
    window.menuBar().addMenu("&File")
    window.menuBar().addMenu("&View").addAction("&Dark")
    qtbot.addWidget(window)
    window.show()
    yield window
    window.hide()


def placed_in(window: QMainWindow) -> Callable[..., QDockWidget]:
    def place(name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, window)
        dock.setObjectName(f"dock_{name}")
        dock.setWidget(widget)
        window.addDockWidget(area, dock)
        return dock

    return place


@pytest.mark.parametrize(
    ("ns", "text"), [(None, "–"), (0, "0 µs"), (310_400, "310 µs"), (1_250_000, "1.25 ms"), (84_000_000, "84 ms")]
)
def test_times_are_said_in_the_unit_that_suits_them(ns: int | None, text: str) -> None:
    assert duration(ns) == text


def test_the_panel_shows_figures_and_each_stall_once(qtbot: Any, edge: Edge, meter: Meter) -> None:
    place = Place("ui/desk.py:58 DeskView.__init__", 1, 0.21, 0.21)
    meter.stalls = lambda: [place]
    panel = MeterPanel(edge)
    qtbot.addWidget(panel)
    meter.looked(400_000, 3)
    panel.refresh()
    lag = panel.times.rows()[[row.name for row in panel.times.rows()].index("loop lag")]
    assert (lag.total, lag.worst_ns) == (1, 400_000)
    assert "3 callbacks waiting" in panel.words.text() and "everything" in panel.words.text()
    place.count, place.worst_s = 2, 0.3
    panel.refresh()
    assert panel.stalls.rowCount() == 1
    assert [panel.stalls.cell(0, column).text for column in (0, 1, 3)] == ["2", "300 ms", place.where]


def test_the_panel_reads_once_a_second_and_only_while_it_is_seen(qtbot: Any, edge: Edge, meter: Meter) -> None:
    now = [EVERY_NS]
    meter.now_ns = lambda: now[0]
    panel = MeterPanel(edge)
    qtbot.addWidget(panel)
    panel.show()
    edge.frames.beat()
    meter.looked(1, 9)
    edge.frames.beat()
    assert "9 callbacks" not in panel.words.text()
    now[0] += EVERY_NS
    edge.frames.beat()
    assert "9 callbacks" in panel.words.text()
    panel.hide()


def test_the_chip_says_at_once_what_is_shed(window: QMainWindow, edge: Edge, meter: Meter) -> None:
    dock = MeterDock(window, edge, None, lambda: MeterPanel(edge), placed_in(window))
    meter.looked(400_000, 0)
    dock.chip.refresh()
    assert dock.chip.text().startswith("loop 4")
    meter.shed = "chart 15/s"
    edge.frames.beat()
    assert dock.chip.text() == "SHEDDING: chart 15/s"
    meter.shed = ""
    edge.frames.beat()
    assert dock.chip.text().startswith("loop ")


def test_the_meter_opens_from_the_view_menu_and_from_the_chip_and_is_built_only_then(
    window: QMainWindow, edge: Edge
) -> None:
    menu = view_menu_of(window)
    assert menu is not None
    dock = MeterDock(window, edge, menu, lambda: MeterPanel(edge), placed_in(window))
    assert dock.dock is None
    menu.actions()[-1].trigger()
    first = dock.dock
    assert isinstance(first, QDockWidget) and first.isVisible()
    first.close()
    dock.chip.click()
    assert dock.dock is first and first.isVisible()
