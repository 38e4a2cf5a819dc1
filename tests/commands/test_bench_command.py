"""`alphapanda bench`: finds the benchmarks of a checkout, says where there are none, and loses no row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import alphapanda_desktop
from alphapanda_desktop.__main__ import main
from tests.benchmarks.race import FIGURES, Board
from tests.benchmarks.run import _in_order, _wanted


def test_without_a_checkout_the_command_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alphapanda_desktop, "__file__", str(tmp_path / "lib" / "alphapanda_desktop" / "__init__.py"))
    assert main(["bench"]) == 2
    assert "benchmarks come with the sources" in capsys.readouterr().err


def test_a_figure_that_is_not_there_is_named_with_those_that_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--only", "flight of swallows"]) == 2
    said = capfd.readouterr().err
    assert "no figure is called 'flight of swallows'" in said
    assert all(key in said for key in FIGURES)


@pytest.mark.parametrize(
    ("word", "keys"), [("decode-1", ["decode-1"]), ("call_soon", ["hop-idle", "hop-paint"]), ("nothing", [])]
)
def test_a_figure_is_asked_for_by_its_key_or_a_word_of_its_name(word: str, keys: list[str]) -> None:
    assert _wanted(word) == keys


def test_every_figure_of_the_table_has_a_row_whoever_measured_it() -> None:
    board = Board()
    board.figure("decode-1", [1.0, 2.0, 9.0], [20.0, 40.0, 60.0])
    rows = _in_order(board.results, _wanted(None), {"test_bench_start": "it died"})
    assert [row.key for row in rows] == list(FIGURES)
    assert (rows[0].ours, rows[0].rival, rows[0].ratio, rows[0].ok) == (2.0, 40.0, 0.05, True)
    assert {(row.ours, row.ok, row.detail) for row in rows[1:]} == {(None, False, "it died")}


def test_a_missed_target_is_said_in_the_line_and_in_the_object() -> None:
    board = Board()
    row = board.figure("intent", 900.0, 300.0)
    assert (row.ratio, row.target, row.ok) == (3.0, 2.5, False)
    assert "MISSED" in row.line()
    assert json.loads(board.json_lines())["ok"] is False


def test_what_stands_alone_is_held_against_its_limit_not_against_the_rival() -> None:
    board = Board()
    assert board.figure("gc-pause", [1.0, 1.5, 30.0]).ok
    assert not board.figure("path-50k-cpu", 40.0, 99.0).ok
