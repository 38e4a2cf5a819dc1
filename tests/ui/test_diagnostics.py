"""The diagnostics ask the system only while they are seen, and can be copied as text."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QGuiApplication

from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.diagnostics import LOOK_NS, DiagnosticsPanel, Fact, Sources
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.usage import Sample


def test_it_asks_nobody_while_it_is_hidden_and_shows_and_copies_what_it_was_told(qtbot: Any) -> None:
    now, asked, meter = [LOOK_NS], [0], Meter()
    meter.now_ns = lambda: now[0]
    edge = Edge(Scope("ui", lambda *_: None), FrameClock(meter=meter), lambda *_: None)

    def facts() -> list[Fact]:
        asked[0] += 1
        return [Fact("Memory", f"{400 + asked[0]} MB resident"), Fact("Tray", "none")]

    samples = [Sample(20.0 * n, 400_000_000 + n * 1_000_000, 0.03, 300_000, 15_000.0) for n in range(10)]
    panel = DiagnosticsPanel(edge, Sources(facts, lambda: samples))
    qtbot.addWidget(panel)
    edge.frames.beat()
    assert asked == [0] and not edge.frames.running
    panel.show()
    edge.frames.beat()
    edge.frames.beat()
    assert asked == [1] and panel.facts.cell(0, 1).text == "401 MB resident"
    assert panel.curves["memory"].accessibleName() == "Memory: 409 MB (400 MB – 409 MB, 3 min)"
    now[0] += LOOK_NS
    edge.frames.beat()
    assert asked == [2]
    meter.looked(400_000, 3)
    panel.grab()  # the curves are painted
    panel.copy.click()
    text = QGuiApplication.clipboard().text()
    assert "loop lag: half below" in text and "Memory: 404 MB resident" in text and "Ticks/s: 15,000" in text
    panel.hide()
    now[0] += LOOK_NS
    edge.frames.beat()
    assert asked == [4]
