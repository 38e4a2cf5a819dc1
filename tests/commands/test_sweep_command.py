"""The command: what it finds, keeps, writes and refuses."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.commands import sweep
from alphapanda_desktop.commands.sweep import run
from alphapanda_desktop.sweeps.search import Hands
from tests.backtest.history import walk
from tests.sweeps.searching import Here


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "infy.csv"
    rows = [",".join(map(str, bar[:6])) for bar in walk(3_000).bars()]
    path.write_text("\n".join(["start_s,open,high,low,close,volume", *rows]), encoding="utf-8")
    return path


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Here:
    """Trials are played in this process."""
    executor = Here()

    class Hand:
        def __enter__(self) -> Hands:
            return Hands(executor, 2)

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(sweep, "hands", lambda *_, **__: Hand())
    return executor


ASKED = ("--bar", "5m", "--grid", "fast=2:6:2", "slow=5,9", "--objective", "total_return")


def test_workers_find_the_best_and_write_the_page(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = history.with_name("page.html")
    said = ["ma_cross", "--data", str(history), *ASKED, "--workers", "2", "--report", str(page)]
    assert run([*said, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    returns = [trial["statistics"]["total_return"] for trial in told["trials"]]
    assert len(returns) == 5 and returns == sorted(returns, reverse=True)
    (refused,) = told["not_ranked"]
    assert refused["params"] == {"fast": 6, "slow": 5} and refused["status"] == "skipped"
    assert told["heat_map"]["columns"] == [2, 4, 6] and told["heat_map"]["cells"][0][2] is None
    assert "ma_cross on NSE:INFY: highest total_return" in page.read_text(encoding="utf-8")


def test_results_are_kept_and_taken_up(history: Path, at_once: Here, capsys: pytest.CaptureFixture[str]) -> None:
    kept = history.with_name("r.jsonl")
    said = ["ma_cross", "--data", str(history), *ASKED, "--results", str(kept)]
    assert run(said) == 0
    first = capsys.readouterr()
    assert at_once.count == 6 and "5 parameter sets were played, 1 skipped" in first.out
    assert run(said) == 0
    again = capsys.readouterr()
    assert at_once.count == 6 and again.out == first.out and "6 results were there already" in again.err
    assert run([*said, "--cash", "5000"]) == 2
    assert "another sweep: cash was 1000000.0, is 5000.0" in capsys.readouterr().err


def test_an_interruption_says_what_is_kept(
    history: Path, at_once: Here, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(count: int) -> None:
        if count == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(at_once, "_before", stop)
    kept = history.with_name("r.jsonl")
    assert run(["ma_cross", "--data", str(history), *ASKED, "--results", str(kept)]) == 130
    assert f"what was found is in {kept}, the same command goes on" in capsys.readouterr().err
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 3


def test_workers_that_are_lost_are_told_and_what_was_found_is_kept(
    history: Path, at_once: Here, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = at_once.submit

    def submit(*words: Any, **named: Any) -> Future[Any]:
        if at_once.count < 3:
            return played(*words, **named)
        lost: Future[Any] = Future()
        lost.cancel()
        lost.set_running_or_notify_cancel()
        return lost

    monkeypatch.setattr(at_once, "submit", submit)
    kept = history.with_name("r.jsonl")
    assert run(["ma_cross", "--data", str(history), *ASKED, "--results", str(kept)]) == 2
    assert f"the workers are gone; what was found is in {kept}" in capsys.readouterr().err
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 4


def test_a_walk_forward_is_told_step_by_step(history: Path, at_once: Here, capsys: pytest.CaptureFixture[str]) -> None:
    said = ["ma_cross", "--data", str(history), *ASKED, "--walk-forward", "4d/3d", "--random", "3", "--seed", "2"]
    assert run(said) == 0
    out = capsys.readouterr().out
    assert "random: 3 sets drawn, seed 2; walked forward 4d/3d" in out
    assert "2024-06-03 to 2024-06-06  2024-06-07 to 2024-06-09" in out and "out of sample: total return" in out
    assert run([*said, "--anchored", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["walk_forward"]
    assert {step["stretch"]["learn_first"] for step in told["steps"]} == {"2024-06-03"}
    assert len(told["worth"]) == len(told["days"]) + 1


def test_a_strategy_file_of_ones_own_is_swept(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = history.with_name("mine.py")
    mine.write_text(
        "from alphapanda_desktop.domain.strategy import Parameters, Strategy, number\n\n"
        "class Mine(Strategy):\n"
        "    name = 'mine'\n"
        "    class Params(Parameters):\n"
        "        every: int = number(5, 'bars', ge=1, le=50)\n"
        "    def on_bar(self, ctx, instrument, bar):\n"
        "        count = len(ctx.bars(instrument)) % self.params.every\n"
        "        if count == 0 and not ctx.position(instrument).quantity:\n"
        "            ctx.buy(instrument, 1, reason='every so often')\n"
        "        elif count == 1 and ctx.position(instrument).quantity:\n"
        "            ctx.exit(instrument, reason='one bar on')\n",
        encoding="utf-8",
    )
    said = [str(mine), "--data", str(history), "--bar", "15m", "--workers", "1", "--objective", "charges", "--minimise"]
    assert run([*said, "--grid", "every=3:6", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    charges = [trial["statistics"]["charges"] for trial in told["trials"]]
    assert {trial["params"]["every"] for trial in told["trials"]} == {3, 4, 5, 6}
    assert charges == sorted(charges) and 0 < charges[0] < charges[-1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--grid", "pace=1:3"], "refuses every parameter set, such as: parameters of ma_cross: pace: there is no"),
        (
            ["--grid", "fast=9:12", "slow=5"],
            "every parameter set, such as: parameters of ma_cross: fast average",
        ),
        (["--grid", "fast=2,3", "fast=4,5"], "fast is given twice"),
        (["--grid", "fast=2,3", "--set", "fast=4"], "fast is given twice"),
        (["--grid", "stop_loss=0.1:0.5"], "a grid needs a step for stop_loss"),
        (["--grid", "fast=2,3", "--walk-forward", "6m"], "what is learned from and what is judged on are expected"),
        (["--grid", "fast=2,3", "--walk-forward", "6m/1m"], "nothing is left to judge on"),
        (["--grid", "fast=2,3", "--from", "2030-01-01"], "no bars between 2030-01-01 and the last"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_its_reason(
    words: list[str], why: str, history: Path, at_once: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ma_cross", "--data", str(history), *words]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--grid", "fast"], ["--grid", "a=1", "--random", "0"], ["--objective", "luck"]])
def test_words_that_mean_nothing_end_with_the_usage(
    words: list[str], history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["ma_cross", "--data", str(history), *words])
    assert "usage: alphapanda sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--workers", "100000"], "100,000 processes: 1 to 256 can be"),
        (["--silence", "0"], "a silence of 0 s: 1 to 86,400 can be"),
        (["--silence", "nan"], "a silence of nan s"),
        (["--scheduler", "bla"], "'bla' is no address of a Dask scheduler such as tcp://"),
        (["--scheduler", "tcp://host:99999"], "is no address of a Dask scheduler"),
        (["--report", "nowhere/page.html"], "there is no folder"),
        (["--results", "nowhere/r.jsonl"], "there is no folder"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_a_process_is_started(
    words: list[str], why: str, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["ma_cross", "--data", str(history), *ASKED, *words])
    assert why in capsys.readouterr().err
