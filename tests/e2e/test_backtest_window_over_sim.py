"""The backtest window in the whole program: history from the practice exchange, a worker process, a report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QDate
from PySide6.QtGui import QAction

from tests.e2e.test_window import Eventually, Stage, play

pytestmark = pytest.mark.timeout(150)


def test_a_strategy_is_played_over_the_exchanges_past_while_the_market_goes_on(
    run: Any, eventually: Eventually, tmp_path: Path
) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        token = await stage.ready()
        menu = {action.text(): action for action in stage.window.findChildren(QAction)}
        menu["&Backtest…"].trigger()
        window = await stage.eventually(lambda: stage.window.backtest)
        form = window.form
        form.strategy.setCurrentIndex(form.strategy.findData("ma_cross"))
        form.add_instrument(stage.program.market.master.by_key("NSE:INFY"))
        yesterday = stage.program.venue.clock.now().date() - timedelta(days=1)
        form.first.setDate(QDate(yesterday - timedelta(days=20)))
        form.last.setDate(QDate(yesterday))
        form.bar.setCurrentIndex(form.bar.findData(300))
        window.run.click()
        await stage.eventually(lambda: window.reports or not window._playing)
        report = window.shown
        assert report is not None, window.said.text()
        assert len(report.bars["NSE:INFY"]) == report.played.statistics.bars > 500
        assert window.view.equity.equity.source.end == report.played.statistics.bars
        window.html.click()
        pages = await stage.eventually(lambda: list((stage.folder / "reports").glob("*.html")))
        assert "Moving-average crossover" in pages[0].read_text(encoding="utf-8")
        assert list((stage.folder / "history" / "practice-7").rglob("*.candles"))
        assert not stage.program.market.stale(token)

    play(run, eventually, tmp_path, person)
