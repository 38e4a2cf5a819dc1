"""The command: what it prints, writes and refuses."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
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
        (["--set", "fast=900"], "fast: '900' given, at most 500 can be"),
        (["--set", "pace=9"], "pace: there is no such parameter; there are: "),
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


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--tick", "nan"], "a tick of nan rupees: 0.0001 to 1000 can be"),
        (["--tick", "0"], "a tick of 0 rupees"),
        (["--lot", "0"], "a lot of 0 units: 1 to 1,000,000 can be"),
        (["--lot", "9" * 24], "a lot of 9999"),
        (["--latency", "5"], "--latency is for ticks, with --exact"),
        (["--volume-share", "0.5"], "--volume-share is for ticks, with --exact"),
        (["--exact", "--closing-auction"], "--closing-auction is for bars"),
        (["--report", "nowhere/page.html"], "nowhere/page.html cannot be written: there is no folder"),
        (["--report", "."], ". is a folder"),
    ],
)
def test_an_argument_that_cannot_be_or_has_no_effect_is_refused_before_anything_is_played(
    words: list[str], why: str, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["ma_cross", "--data", str(history), *words])
    assert why in capsys.readouterr().err


def test_bars_are_not_taken_for_ticks(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ma_cross", "--data", f"NSE:INFY={history}", "--exact"]) == 2
    assert "these are bars (open, high, low, close), no ticks" in capsys.readouterr().err


def test_a_file_that_is_not_there_and_an_exchange_that_is_not_known_are_named(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rsi", "--data", "nowhere.csv"]) == 2
    assert "nowhere.csv: No such file" in capsys.readouterr().err
    assert run(["rsi", "--data", f"NASDAQ:AAPL={history}"]) == 2
    assert "'NASDAQ:AAPL' names no instrument" in capsys.readouterr().err


MINE = """
from alphapanda_desktop.domain.strategy import Parameters, Strategy

class Mine(Strategy):
    name = "mine"
    presets = {"plain": {}}
    def on_bar(self, ctx, instrument, bar):
        print("noise")
        if bar.start_s % 7_200 == 0:
            ctx.buy(instrument, 1, reason="now and then")
"""


def test_a_file_of_ones_own_is_played_in_another_process_and_its_print_is_not_the_answer(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, page = history.with_name("mine.py"), history.with_name("page.html")
    mine.write_text(MINE, encoding="utf-8")
    asked = [str(mine), "--data", str(history), "--preset", "plain", "--report", str(page), "--json"]
    assert run(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["strategy"], told["complete"]) == ("mine", True) and told["statistics"]["fills"] >= 4
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    mine.write_text(MINE.replace("bar.start_s %", "bar.volume_traded %"), encoding="utf-8")
    assert run(asked) == 2
    assert "mine.py:9" in capsys.readouterr().err


def test_a_file_that_raises_is_told_with_its_line(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = history.with_name("mine.py")
    mine.write_text(MINE.replace('print("noise")', "1 / 0"), encoding="utf-8")
    assert run([str(mine), "--data", str(history)]) == 2
    assert "mine.py:8: ZeroDivisionError: division by zero" in capsys.readouterr().err


def test_a_strategy_without_its_model_says_so_and_trades_nothing(
    history: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHAPANDA_MODELS", str(history.parent / "models"))
    assert run(["ml_momentum", "--data", str(history)]) == 0
    out = capsys.readouterr().out
    assert "trades                             0" in out and "log 2024-06-0" in out and "model" in out.split("log ")[1]


def test_a_strategy_that_is_not_known_is_named_with_those_that_are(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["nobody", "--data", str(history)]) == 2
    assert "no strategy is called 'nobody': a FILE.py, or one of hybrid_mean_reversion" in capsys.readouterr().err


def test_an_instruments_name_alone_needs_a_first_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rsi", "--data", "NSE:INFY"]) == 2
    assert "--from is needed for the history of NSE:INFY" in capsys.readouterr().err


def test_an_instruments_name_alone_brings_its_candles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    options = argparse.Namespace(mode="practice", profile="default", data_dir=tmp_path, seed=None)
    assert run(["ma_cross", "--data", "NSE:INFY", "NSE:SBIN", "--bar", "15m", "--from", first, "--json"], options) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["instruments"], told["bar_seconds"]) == (["NSE:INFY", "NSE:SBIN"], 900)
    assert told["statistics"]["bars"] > 300
