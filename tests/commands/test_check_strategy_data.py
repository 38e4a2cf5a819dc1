"""`check-strategy --data`: who sees the future, whose start matters, who is another one each time, is told by name."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from alphapanda_desktop.commands import check_strategy, jobs
from alphapanda_desktop.sweeps.bars import refer
from alphapanda_desktop.sweeps.examined import examine
from alphapanda_desktop.sweeps.job import Job, StrategyFile
from tests.backtest.history import INFY, walk

HEAD = """
from alphapanda_desktop.domain.indicators import ema
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
{more}

class Mine(Strategy):
    name = "mine"
    title = "Mine"
    turn = 0

    @property
    def lookback(self):
        return {lookback}

    def on_bar(self, ctx, instrument, bar):
{body}
"""


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """400 minutes of a share."""
    monkeypatch.setattr(jobs, "bars_folder", lambda: tmp_path / "bars")
    path = tmp_path / "infy.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "open", "high", "low", "close", "volume"])
        for bar in walk(400, 5).bars():
            rows.writerow([datetime.fromtimestamp(bar.start_s, UTC).isoformat(), *bar[1:6]])
    return path


@pytest.fixture
def mine(tmp_path: Path) -> Callable[..., Path]:
    """A strategy file with this `on_bar`."""

    def write(body: str, more: str = "", lookback: int = 1) -> Path:
        path = tmp_path / "mine.py"
        text = HEAD.format(body=indent(dedent(body).strip(), " " * 8), more=dedent(more), lookback=lookback)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def told(mine: Callable[..., Path], history: Path) -> Callable[..., Any]:
    """The findings of a check of this `on_bar`, as (check, text, severe); played in this process."""

    def check(body: str, more: str = "", lookback: int = 1) -> Any:
        path = mine(body, more, lookback)
        which = StrategyFile(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
        return [tuple(finding) for finding in examine(Job(strategy=which, data=(refer(history, INFY),))).findings]

    return check


def of(check: str, findings: Any) -> list[tuple[str, bool]]:
    return [(text, severe) for name, text, severe in findings if name == check]


HONEST = """
    closes = ctx.closes(instrument, 4)
    ctx.show(rise=float(closes[-1] - closes[0]))
    held = ctx.position(instrument).quantity
    if not held and closes[-1] > closes[0]:
        ctx.buy(instrument, 1, reason="rises")
    elif held and closes[-1] < closes[0]:
        ctx.exit(instrument, reason="falls")
"""


def test_an_honest_strategy_is_believed(told: Any) -> None:
    findings = told(HONEST, lookback=4)
    assert [severe for _, _, severe in findings] == [False] * 4
    assert of("same twice", findings) == [("yes", False)]
    assert "none found: the same on bars cut at 1" in of("look-ahead", findings)[0][0]
    assert of("warm-up", findings) == [("the same wherever it begins: rise", False)]
    assert of("prices", findings) == [("other prices, other orders", False)]


def test_one_that_peeks_at_the_next_bar_is_caught_with_the_bar(told: Any) -> None:
    findings = told("""
        lane = ctx._lanes[instrument.key]
        future = lane.series.close[lane.count : lane.count + 1]
        held = ctx.position(instrument).quantity
        if len(future) and future[0] > bar.close and not held:
            ctx.buy(instrument, 1, reason="it will rise")
        elif len(future) and future[0] < bar.close and held:
            ctx.exit(instrument, reason="it will fall")
    """)
    ((text, severe),) = of("look-ahead", findings)
    assert severe
    assert text.startswith("at 2024-06-0") and "on all bars, but nothing on those up to 2024-06-0" in text
    assert "buy(NSE:INFY, 1, reason='it will rise')" in text or "exit(NSE:INFY, reason='it will fall')" in text


def test_one_that_breaks_without_the_future_is_caught_too(told: Any) -> None:
    findings = told("""
        lane = ctx._lanes[instrument.key]
        if lane.count < 399 and lane.series.close[lane.count] > bar.close:
            ctx.buy(instrument, 1, reason="it will rise")
    """)
    ((text, severe),) = of("look-ahead", findings)
    assert severe and "alone it raises IndexError" in text


def test_one_that_reads_the_future_from_a_file_is_caught_by_what_it_opens(told: Any, history: Path) -> None:
    findings = told(
        """
        row = self.turn = self.turn + 1
        if row + 1 < len(FUTURE):
            held = ctx.position(instrument).quantity
            if FUTURE[row + 1] > FUTURE[row] and not held:
                ctx.buy(instrument, 1, reason="it will rise")
            elif FUTURE[row + 1] < FUTURE[row] and held:
                ctx.exit(instrument, reason="it will fall")
        """,
        more=f"""
        with open({str(history)!r}, encoding="utf-8") as file:
            FUTURE = [float(line.split(",")[4]) for line in file.read().splitlines()[1:]]
        """,
    )
    ((text, severe),) = of("reach", findings)
    assert severe and f"open {history}" in text and text.startswith("line 5: ")
    assert "its orders do not depend on the prices" in text


def test_an_average_with_too_short_a_look_back_is_told_with_how_much_it_lacks(told: Any) -> None:
    body = """
        ctx.show(average=float(ema(ctx.closes(instrument), 10)[-1]), last=bar.close)
    """
    findings = told(body, lookback=10)
    ((text, severe),) = of("warm-up", findings)
    assert not severe
    assert text.startswith("average depends on when the run began: it agrees within 1e-09 from decision ")
    missing = int(text.split(" bars is ")[1].split(" ")[0])
    assert 50 < missing < 140, "an EMA of 10 forgets 2/11 of the past with each bar"
    findings = told(body, "", 10 + missing)
    assert of("warm-up", findings) == [("the same wherever it begins: average, last", False)]


def test_a_counter_of_bars_never_settles(told: Any) -> None:
    findings = told("self.turn += 1; ctx.show(bars=self.turn)")
    assert of("warm-up", findings) == [
        ("bars depends on when the run began, and does not settle within 2,000 bars", False)
    ]


def test_one_that_throws_dice_is_not_the_same_twice(told: Any) -> None:
    findings = told("if random.random() < 0.1: ctx.buy(instrument, 1, reason='luck')", more="import random")
    assert any(severe for _, severe in of("same twice", findings))


def test_one_that_goes_through_a_set_is_another_one_in_another_process(
    mine: Any, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = mine("ctx.log(' '.join({'aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh'}))")
    assert check_strategy.run([str(path), "--data", str(history), "--json"]) == 1
    played = json.loads(capsys.readouterr().out)["played"]
    assert (played["name"], played["bars"], played["decisions"]) == ("mine", 400, 400)
    assert played["findings"][0]["text"].startswith("in another process it does something else")


@pytest.mark.parametrize(
    ("body", "limit", "words"),
    [("while True: pass", "1", "did not end within 1 s"), ("raise ValueError('not this')", "90", "mine.py:16")],
)
def test_one_that_never_ends_is_ended_and_what_it_raises_is_told(
    mine: Any, history: Path, capsys: pytest.CaptureFixture[str], body: str, limit: str, words: str
) -> None:
    assert check_strategy.run([str(mine(body)), "--data", str(history), "--limit", limit]) == 2
    assert words in capsys.readouterr().err


def test_a_shipped_one_is_checked_by_its_name(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_strategy.run(["ma_cross", "--data", str(history), "--set", "fast=3", "slow=8", "cool_down=0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ma_cross: played 400 bars of NSE:INFY: ") and not lines[0].endswith(": 0 orders")
    assert [line.strip().partition(":")[0] for line in lines[1:]] >= ["same twice", "look-ahead"]


def test_reading_alone_and_playing_are_one_or_the_other(
    tmp_path: Path, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("", encoding="utf-8")
    assert check_strategy.run([str(path), "--read-only", "--data", str(history)]) == 2
    assert "--read-only executes nothing" in capsys.readouterr().err
