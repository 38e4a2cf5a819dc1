"""Stop coverage, and closing or sleeping with stops that live only in this program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from alphapanda_desktop.domain.coverage import AppStop
from alphapanda_desktop.domain.errors import Unknown
from alphapanda_desktop.ui.coveragesheet import IN_ANY_CASE, ClosingSheet, CoverageSheet, Leaving
from alphapanda_desktop.ui.words import in_words, summary_of
from tests.ui.fakes_sheets import FakeCoverage, SheetStage, a_stage, covered_row

Eventually = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("at_broker", "only_here", "words"),
    [
        (10, 0, "all 10 at the broker"),
        (0, 10, "10 only here"),
        (4, 3, "4 at the broker, 3 only here, 3 unprotected"),
        (0, 0, "10 unprotected"),
    ],
)
def test_coverage_is_said_in_a_few_words(at_broker: int, only_here: int, words: str) -> None:
    assert in_words(covered_row("INFY", 10, at_broker, only_here)) == words
    assert in_words(covered_row("INFY", -10, at_broker, only_here)) == words


def test_the_sentence_names_what_is_worst() -> None:
    assert summary_of([]) == ("", "good")
    assert summary_of([covered_row("INFY", 10, 10, 0)]) == ("Every position is protected at the broker.", "good")
    words, role = summary_of([covered_row("INFY", 10, 4, 6), covered_row("TCS", 5, 0, 0)])
    assert "1 position with units that no stop protects" in words and role == "danger"
    assert summary_of([covered_row("INFY", 10, 4, 6)])[1] == "warn"


def test_the_three_counts_of_each_position_are_shown(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 4, 3))
            sheet = lay(stage, coverage)
            assert [sheet.model.cell(0, column).text for column in range(6)] == ["INFY", "MIS", "10", "4", "3", "3"]
            coverage.take([covered_row("INFY", 10, 10, 0), covered_row("TCS", -5, 0, 0)])
            assert [sheet.model.cell(row, 5).text for row in range(2)] == ["–", "5"]

    run(story())


def lay(stage: SheetStage, coverage: FakeCoverage) -> CoverageSheet:
    sheet = CoverageSheet(coverage, stage.edge, stage.window)  # type: ignore[arg-type]
    stage.deck.lay(sheet)
    return sheet


def test_gtts_that_could_not_be_read_are_not_passed_over(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 10, 0))
            coverage.gtts_unread = "GTTs could not be read: 503"
            assert "GTTs could not be read: 503" in lay(stage, coverage).summary.text()

    run(story())


def test_stops_of_this_program_are_put_at_the_broker(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10), covered_row("TCS", 5, 5, 0))
            sheet = lay(stage, coverage)
            QTest.mouseClick(sheet.convert, Qt.MouseButton.LeftButton)
            await eventually(lambda: coverage.converted == ["INFY"])
            await eventually(lambda: sheet.model.cell(0, 3).text == "10")
            assert not sheet.convert.isEnabled()

    run(story())


def test_a_double_click_puts_stops_at_the_broker_once(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            coverage.refuse = Unknown("no answer")
            sheet = lay(stage, coverage)
            for _ in range(2):
                QTest.mouseClick(sheet.convert, Qt.MouseButton.LeftButton)
            assert not sheet.convert.isEnabled()
            await eventually(lambda: sheet.answer.text() == "INFY: no answer")
            assert coverage.tries == 1
            await eventually(sheet.convert.isEnabled)  # it may be tried again

    run(story())


def test_a_stop_that_could_not_be_placed_is_named(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            coverage.refuse = Unknown("no answer came; looking for it in the book")
            sheet = lay(stage, coverage)
            QTest.mouseClick(sheet.convert, Qt.MouseButton.LeftButton)
            await eventually(lambda: sheet.answer.text() == "INFY: no answer came; looking for it in the book")

    run(story())


def test_the_first_position_that_can_be_helped_is_chosen(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("TCS", 10, 0, 0), covered_row("INFY", 10, 4, 6))
            sheet = CoverageSheet(coverage, stage.edge, stage.window)  # type: ignore[arg-type]
            stage.deck.lay(sheet)
            chosen = sheet.table.current_row()
            assert chosen is not None and chosen.position.tradingsymbol == "INFY"
            assert sheet.convert.isEnabled()

    run(story())


# --- leaving


def ask(stage: SheetStage, coverage: FakeCoverage, *runs: str, what: str = "Close") -> tuple[ClosingSheet, list[str]]:
    agreed: list[str] = []
    leaving = Leaving(runs=runs, app_only=tuple(coverage.app_only()), positions=2, working=1)
    sheet = ClosingSheet(leaving, coverage, stage.edge, stage.window, what)  # type: ignore[arg-type]
    sheet.agreed.connect(lambda: agreed.append(what))
    stage.deck.lay(sheet)
    return sheet, agreed


def said(sheet: ClosingSheet) -> str:
    return " ".join(label.text() for label in sheet.findChildren(QLabel))


def test_closing_says_what_ends_and_what_is_left(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet, agreed = ask(stage, FakeCoverage(covered_row("INFY", 10, 4, 6)), "momentum #1")
            assert "momentum #1" in said(sheet) and "positions stay open" in said(sheet)
            assert "At the broker go on: 2 open positions and 1 working order." in said(sheet)
            assert "INFY MIS: 6 protected only by this program" in said(sheet)
            QTest.mouseClick(sheet.stay, Qt.MouseButton.LeftButton)
            assert stage.deck.top is None and agreed == []

    run(story())


def test_closing_a_replay_speaks_of_no_broker(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 4, 6))
            leaving = Leaving(runs=("rsi #1",), app_only=tuple(coverage.app_only()), positions=1, replayed=True)
            sheet = ClosingSheet(leaving, coverage, stage.edge, stage.window)  # type: ignore[arg-type]
            stage.deck.lay(sheet)
            assert "ends: 1 strategy run, 1 open position. Nothing of it is at a broker" in said(sheet)
            assert "protected only" not in said(sheet) and sheet.convert.isHidden()

    run(story())


def test_the_question_before_sleep_says_that_the_computer_does_not_wait_for_ever(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            stop = AppStop("NSE:INFY", "MIS", 6, 1480.0, "momentum #1")
            row = replace(covered_row("INFY", 10, 4, 6), app_stops=(stop,))
            sheet, agreed = ask(stage, FakeCoverage(row), what="Sleep")
            assert sheet.title.text() == "The computer is going to sleep"
            assert IN_ANY_CASE in said(sheet)
            assert "6 protected only by this program: SELL at 1,480.00." in said(sheet)
            QTest.mouseClick(sheet.anyway, Qt.MouseButton.LeftButton)
            assert agreed == ["Sleep"]

    run(story())


def test_close_anyway_closes(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 4, 6))
            sheet, agreed = ask(stage, coverage)
            QTest.mouseClick(sheet.anyway, Qt.MouseButton.LeftButton)
            assert agreed == ["Close"] and coverage.converted == []

    run(story())


def test_stops_are_put_at_the_broker_before_it_closes(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10), covered_row("TCS", -5, 0, 5))
            sheet, agreed = ask(stage, coverage)
            QTest.mouseClick(sheet.convert, Qt.MouseButton.LeftButton)
            await eventually(lambda: agreed == ["Close"])
            assert coverage.converted == ["INFY", "TCS"]

    run(story())


def test_it_does_not_close_while_a_stop_could_not_be_placed(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            coverage.refuse = Unknown("no answer came")
            sheet, agreed = ask(stage, coverage)
            QTest.mouseClick(sheet.convert, Qt.MouseButton.LeftButton)
            await eventually(lambda: "INFY: no answer came" in sheet.answer.text())
            assert agreed == [] and sheet.anyway.isEnabled()

    run(story())


def test_without_stops_here_there_is_nothing_to_convert(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet, _ = ask(stage, FakeCoverage(covered_row("INFY", 10, 10, 0)), "momentum #1")
            assert not sheet.convert.isVisible() and sheet.anyway.isVisible()

    run(story())
