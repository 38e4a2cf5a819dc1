"""The command: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphapanda_desktop.commands.backtest import run
from tests.backtest.history import walk


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "infy.csv"
    rows = [",".join(map(str, bar[:6])) for bar in walk(1_500).bars()]
    path.write_text("\n".join(["start_s,open,high,low,close,volume", *rows]), encoding="utf-8")
    return path


def test_json_holds_figures_trades_and_assumptions_and_is_the_same_twice(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["ma_cross", "--data", str(history), "--set", "fast=3", "slow=8", "--set", "cool_down=0", "--json"]
    assert run(asked) == 0
    first = capsys.readouterr().out
    assert run(asked) == 0
    assert capsys.readouterr().out == first
    told = json.loads(first)
    assert (told["instruments"], told["parameters"]["fast"], told["bar_seconds"]) == (["NSE:INFY"], 3, 60)
    assert told["statistics"]["trades"] == len([row for row in told["trades"] if row["closed"]]) > 10
    assert any("next bar's open" in text for text in told["assumptions"])


def test_the_report_and_the_table_are_written(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = history.with_name("page.html")
    future = f"NFO:NIFTYFUT={history}"
    said = ["rsi", "--data", future, "--lot", "75", "--bar", "5m", "--report", str(page), "--from", "2024-06-04"]
    assert run([*said, "--product", "NRML", "--slippage", "2t"]) == 0
    out = capsys.readouterr().out
    assert "rsi on NFO:NIFTYFUT, 2024-06-04 09:15 to" in out and "Sharpe" in out and "2 ticks" in out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--set", "fast=900"], "fast: Input should be less than or equal to 500"),
        (["--set", "pace=9"], "pace: Extra inputs are not permitted"),
        (["--set", "fast"], "NAME=VALUE is expected"),
        (["--preset", "no such"], "has no preset 'no such'; there are: day, slow, first steps"),
        (["--bar", "90s"], "bars of 60 s make no bars of 90 s"),
        (["--from", "2030-01-01"], "no bars between 2030-01-01 and the last"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_reason(
    words: list[str], why: str, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ma_cross", "--data", str(history), *words]) == 2
    assert why in capsys.readouterr().err


def test_a_file_that_is_not_there_and_an_exchange_that_is_not_known_are_named(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rsi", "--data", "nowhere.csv"]) == 2
    assert "nowhere.csv: No such file" in capsys.readouterr().err
    assert run(["rsi", "--data", f"NASDAQ:AAPL={history}"]) == 2
    assert "'NASDAQ:AAPL' names no instrument" in capsys.readouterr().err
