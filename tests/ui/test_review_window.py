"""The review window over a real journal: figures, curves, notes that are kept, and files that are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QWidget

from alphapanda_desktop.dataroom import DataRoom
from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.ports import RunRow
from alphapanda_desktop.review import JournalReview
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.review import read_kept
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.reportparts import periods_of
from alphapanda_desktop.ui.reports import ReviewWindow
from alphapanda_desktop.ui.theme import DARK, LIGHT, Theme
from tests.fakes import FakeClock, an_instrument
from tests.ui.window_stage import a_window

AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
FIND = {i.key: i for i in (an_instrument(),)}.get


@dataclass
class Stage:
    window: ReviewWindow
    journal: SqlJournal
    path: Path
    errors: list[str]

    def texts(self, kind: Any) -> list[list[str]]:
        model = self.window.models[kind]
        return [[model.cell(r, c).text for c in range(model.columnCount())] for r in range(model.rowCount())]

    def notes(self) -> list[DayNote]:
        return list(read_kept(self.path).notes)


async def write(journal: SqlJournal, *trades: tuple[int, Any, int, float, str]) -> None:
    await journal.run_began(RunRow("r1", "rsi", ("NSE:INFY",), {}, AT))
    for n, (day, side, quantity, price, product) in enumerate(trades):
        at = AT + timedelta(days=day, seconds=n)
        fill = Fill(trade_id=f"t{n}", order_id=f"o{n}", exchange="NSE", tradingsymbol="INFY", transaction_type=side,
                    quantity=quantity, average_price=price, product=product, fill_timestamp=at)  # fmt: skip
        await journal.fill_seen(fill, at, "r1")


TRADES = ((0, "BUY", 10, 1500.0, "MIS"), (0, "SELL", 10, 1520.0, "MIS"),
          (3, "BUY", 10, 1500.0, "MIS"), (3, "SELL", 10, 1490.0, "MIS"))  # fmt: skip


@asynccontextmanager
async def a_stage(folder: Path, eventually: Any, trades: Any = TRADES, theme: Theme = DARK) -> AsyncIterator[Stage]:
    errors: list[str] = []
    database = Database(folder / "paper.sqlite")
    await database.open()
    journal = SqlJournal(database)
    await write(journal, *trades)
    try:
        async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
            main = QMainWindow()
            edge = Edge(scope, FrameClock(), lambda text, _level: errors.append(text), theme)
            review = JournalReview(folder, database.path, journal, FIND, FakeClock(AT + timedelta(days=3)), "paper")
            window = ReviewWindow(review, edge, main)
            window.come_forward()
            await eventually(window.period.count)
            yield Stage(window, journal, database.path, errors)
            window.hide()
            main.deleteLater()
            await asyncio.sleep(0.05)
    finally:
        await database.close()
    assert errors == []


def test_days_are_shown_newest_first_with_what_they_made_and_cost(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            days = stage.texts("day")
            assert [row[0].split()[:3] for row in days] == [["Mon", "23", "Nov"], ["Fri", "20", "Nov"]]
            assert [row[4] for row in days] == ["−100.00", "+200.00"]
            assert days[1][6].startswith("▲ +") and days[0][6].startswith("▼ −")
            assert [row[0] for row in stage.texts("strategy")] == ["rsi"]
            assert "Days won / lost" in stage.window.figures.text()
            assert stage.window.curve.source is not None and stage.window.curve.source.end == 3

    run(story())


def test_a_result_that_cannot_be_known_is_shown_as_unknown(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually, [(0, "SELL", 10, 1500.0, "CNC")]) as stage:
            (day,) = stage.texts("day")
            assert (day[4], day[6]) == ("unknown", "unknown") and day[5] != "unknown"
            assert "not in the journal" in stage.window.figures.text()
            assert stage.window.lots.cell(0, 9).text == "unknown"

    run(story())


def test_words_and_tags_are_kept_in_the_journal_and_summed_up_by(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            note = stage.window.note
            assert note.day == date(2026, 11, 23)
            note.text.setPlainText("Chased the open.")
            note.tags.setText("#Late, open")
            assert note.save.isEnabled()
            QTest.mouseClick(note.save, Qt.MouseButton.LeftButton)
            await eventually(lambda: [row[0] for row in stage.texts("tag")] == ["late", "open", "no tag"])
            assert stage.notes() == [DayNote(date(2026, 11, 23), "", "Chased the open.", ("late", "open"))]
            assert stage.texts("tag")[0][4] == "−100.00"
            assert stage.texts("day")[0][7] == "late, open"

    run(story())


def test_words_that_were_not_saved_are_kept_when_another_day_is_chosen(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            window = stage.window
            window.note.text.setPlainText("About Monday.")
            window.tables["day"].setCurrentIndex(window.models["day"].index(1, 0))
            assert window.note.day == date(2026, 11, 20) and window.note.text.toPlainText() == ""
            await eventually(lambda: stage.notes() == [DayNote(date(2026, 11, 23), "", "About Monday.")])
            await eventually(lambda: window.looked_at == 2)
            assert window.note.day == date(2026, 11, 20)

    run(story())


def test_a_note_may_be_about_a_strategy_of_the_day(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            note = stage.window.note
            assert [note.about.itemText(n) for n in range(note.about.count())] == ["The whole day", "NSE:INFY", "rsi"]
            note.about.setCurrentIndex(2)
            note.text.setPlainText("Too small a length.")
            note.write()
            await eventually(lambda: stage.notes() == [DayNote(date(2026, 11, 23), "rsi", "Too small a length.")])
            await eventually(lambda: note.about.itemText(2) == "rsi ✎")

    run(story())


def test_everything_is_saved_as_csv_workbook_and_pdf(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            for button in stage.window.savers:
                before = len(list(tmp_path.glob("reports/*")))
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
                await eventually(lambda before=before: len(list(tmp_path.glob("reports/*"))) > before)
                await eventually(lambda: stage.window.said.text().startswith("Saved: "))
            names = sorted(path.name for path in tmp_path.glob("reports/*"))
            assert "review-paper-financial-year-2026-27-by-day.csv" in names
            assert "review-paper-financial-year-2026-27.xlsx" in names
            (pdf,) = tmp_path.glob("reports/*.pdf")
            assert pdf.read_bytes().startswith(b"%PDF-") and pdf.read_bytes().rstrip().endswith(b"%%EOF")

    run(story())


def test_what_is_pressed_while_another_is_saved_is_saved_after_it_and_nothing_moves(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            window = stage.window
            width, places = window.width(), [button.geometry() for button in window.savers]
            for button in (*window.savers, window.savers[-1]):
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            assert window.said.text() == "Saving… 2 more to save after it."
            assert all(button.isEnabled() for button in window.savers)
            await eventually(lambda: list(tmp_path.glob("reports/*.pdf")) and window.said.text().startswith("Saved: "))
            assert len(list(tmp_path.glob("reports/*.xlsx"))) == len(list(tmp_path.glob("reports/*.pdf"))) == 1
            window.said.setText("Saved: " + "a long way down " * 40)
            window.layout().activate()
            assert window.width() == width and [button.geometry() for button in window.savers] == places

    run(story())


def test_another_period_shows_its_own_days_alone(run, eventually, tmp_path):
    async def story():
        trades = [*TRADES, (-200, "BUY", 1, 10.0, "MIS"), (-200, "SELL", 1, 12.0, "MIS")]
        async with a_stage(tmp_path, eventually, trades) as stage:
            window = stage.window
            assert len(stage.texts("day")) == 3
            window.period.setCurrentIndex(window.period.findText("November 2026"))
            assert len(stage.texts("day")) == 2

    run(story())


def test_every_field_has_a_name_for_a_screen_reader(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually, theme=LIGHT) as stage:
            named = [w for w in stage.window.findChildren(QWidget)
                     if w.objectName().startswith("review_") and w.focusPolicy() != Qt.FocusPolicy.NoFocus]  # fmt: skip
            assert len(named) > 12
            assert [w.objectName() for w in named if not w.accessibleName()] == []

    run(story())


def test_it_names_its_mode_reads_again_by_key_and_closes_by_key(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            window = stage.window
            assert "PAPER" in window.windowTitle()
            await eventually(lambda: window.looked_at == 1)
            await stage.journal.note_day(DayNote(date(2026, 11, 20), "", "from elsewhere"), AT)
            QTest.keyClick(window, Qt.Key.Key_F5)
            await eventually(lambda: window.looked_at == 2)
            window.tables["day"].setCurrentIndex(window.models["day"].index(1, 0))
            assert window.note.text.toPlainText() == "from elsewhere"
            QTest.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
            assert not window.isVisible()

    run(story())


def test_periods_are_financial_years_then_months_then_all():
    names = [p.name for p in periods_of([date(2026, 3, 31), date(2026, 12, 1)], date(2026, 12, 2))]
    assert names == ["Financial year 2026-27", "Financial year 2025-26", "December 2026", "March 2026", "All days"]
    december = periods_of([date(2026, 12, 1)], date(2026, 12, 2))[1]
    assert (december.first, december.last) == (date(2026, 12, 1), date(2026, 12, 31))


def test_the_trade_menu_opens_the_review_and_the_data_sheet(run, eventually, tmp_path):
    async def story():
        database = Database(tmp_path / "practice.sqlite")
        await database.open()
        journal = SqlJournal(database)
        await write(journal, *TRADES)
        made = JournalReview(tmp_path, database.path, journal, FIND, FakeClock(AT), "practice")

        async def review() -> JournalReview:
            return made

        try:
            async with a_window(show_desk=False) as stage:
                window = stage.window
                window.show_desk(replace(stage.parts, review=review, room=DataRoom(tmp_path, AT.date)))
                items = {item.text().replace("&", ""): item for menu in window.menuBar().actions()
                         for item in menu.menu().actions()}  # type: ignore[union-attr]  # fmt: skip
                items["Review: results, journal and tax lots…"].trigger()
                shown = await eventually(lambda: window.findChild(ReviewWindow))
                await eventually(lambda: shown.looked_at == 1)
                assert shown.isVisible() and shown.models["day"].rowCount() == 2
                items["Data on this computer…"].trigger()
                sheet = window.deck.find("data_sheet")
                assert sheet is not None
                await eventually(sheet.model.rowCount)
                shown.hide()
                sheet.dismiss()
        finally:
            await database.close()

    run(story())


def test_words_typed_while_the_journal_is_read_are_not_replaced_by_older_ones(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            window, note, go = stage.window, stage.window.note, asyncio.Semaphore(0)
            real = window.review

            class Slow:
                mode, today, note = real.mode, real.today, real.note

                async def look(self, progress):
                    looked = await real.look(progress)
                    await go.acquire()
                    return looked

            window.review = Slow()
            seen = window.looked_at
            window.read()  # read before the words are written
            note.text.setPlainText("first")
            QTest.mouseClick(note.save, Qt.MouseButton.LeftButton)
            await eventually(lambda: [one.text for one in stage.notes()] == ["first"])
            note.text.setPlainText("first and more")
            note.text.moveCursor(QTextCursor.MoveOperation.End)
            go.release()
            await eventually(lambda: window.looked_at == seen + 1)  # what it was before the words were written
            assert note.text.toPlainText() == "first and more" and note.text.textCursor().atEnd()
            go.release()
            go.release()
            await eventually(lambda: window.looked_at > seen + 1)  # once more, for what was written meanwhile
            assert note.text.toPlainText() == "first and more" and note.text.textCursor().atEnd()
            await eventually(lambda: [one.text for one in stage.notes()] == ["first and more"])

    run(story())


def test_words_that_the_disk_did_not_take_are_not_called_saved_and_can_be_saved_again(run, eventually, tmp_path):
    async def story():
        async with a_stage(tmp_path, eventually) as stage:
            window, note = stage.window, stage.window.note
            real = window.review

            class Full:
                mode, today, look = real.mode, real.today, real.look
                full = True

                async def note(self, words):
                    if self.full:
                        raise Fatal("no space left")
                    await real.note(words)

            window.review = full = Full()
            note.text.setPlainText("dear words")
            QTest.mouseClick(note.save, Qt.MouseButton.LeftButton)
            await eventually(lambda: stage.errors)
            assert stage.errors.pop() == "no space left"
            assert "not saved" in note.said.text() and note.save.isEnabled()
            window.read()
            await eventually(lambda: window.looked_at == 2)
            assert note.text.toPlainText() == "dear words" and note.save.isEnabled()
            full.full = False
            QTest.mouseClick(note.save, Qt.MouseButton.LeftButton)
            await eventually(lambda: [one.text for one in stage.notes()] == ["dear words"])
            await eventually(lambda: window.looked_at == 3)  # read again, now with these words
            assert note.said.text() == "Saved." and not note.save.isEnabled()
            window.tables["day"].selectRow(1)
            await eventually(lambda: note.day == AT.date())
            assert note.said.text() == "" and note.text.toPlainText() == ""

    run(story())
