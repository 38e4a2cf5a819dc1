"""Copies are listed and made on the sheet, and going back waits until the person has agreed to close."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from alphapanda_desktop.care import Care
from alphapanda_desktop.options import Options
from alphapanda_desktop.store.backup import back_up
from alphapanda_desktop.store.vault import KeyringVault
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui.backupsheet import BackupsSheet
from alphapanda_desktop.ui.coveragesheet import ClosingSheet
from tests.ui.fakes_market import INFY
from tests.ui.window_stage import a_window


def test_one_is_made_and_one_is_gone_back_to_after_the_question(run: Any, tmp_path: Path, eventually: Any) -> None:
    path = tmp_path / "practice.sqlite"
    with closing(sqlite3.connect(path)) as line:
        line.execute("CREATE TABLE something (at INTEGER)")
        line.commit()
    back_up(path, date(2026, 11, 20))
    wish = tmp_path / "backups" / "practice.restore"

    async def story() -> None:
        async with a_window() as stage:
            window, closed = stage.window, list[bool]()
            window.mode = "practice"
            window.closed.connect(lambda: closed.append(True))
            options = Options(mode=None, profile="default", folder=tmp_path)
            care = Care(window, stage.desk.edge, options, lambda: "", lambda mode: KeyringVault(f"test-{mode}"))
            care.show_backups()
            sheet = window.deck.find("backups_sheet")
            assert isinstance(sheet, BackupsSheet) and sheet.model.rowCount() == 1 and not sheet.back.isEnabled()
            sheet.make.click()
            await eventually(lambda: "made" in sheet.answer.text())
            assert sheet.model.rowCount() == 2 and stage.desk.edge.works.running == []
            sheet.table.selectRow(1)
            await eventually(sheet.back.isEnabled)
            sheet.back.click()
            assert "Fri 20 Nov 2026" in sheet.answer.text() and sheet.keep.isVisible() and not wish.exists()
            run_ = await stage.desk.runner.start(StartOrder("momentum", (INFY,)))
            sheet.really.click()
            asked = window.deck.find("closing_sheet")
            assert isinstance(asked, ClosingSheet) and not closed and not wish.exists()  # a strategy runs
            asked.dismiss()
            assert not closed and not wish.exists()
            await stage.desk.runner.stop(run_.run_id)
            care.show_backups()
            again = window.deck.find("backups_sheet")
            assert isinstance(again, BackupsSheet)
            again.table.selectRow(1)
            again.back.click()
            again.really.click()
            assert closed == [True] and wish.read_text(encoding="utf-8") == "practice-2026-11-20.sqlite"

    run(story())
