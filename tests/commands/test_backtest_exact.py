"""`alphapanda backtest --exact`: recorded ticks from files, shipped strategies and files of one's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.commands.backtest import run
from alphapanda_desktop.store.dayfile import DayFile, day_path
from alphapanda_desktop.store.instruments import packed
from tests.backtest.history import INFY
from tests.replaying.ticks import OPEN, of_prices

MINE = '''
from alphapanda_desktop.domain.strategy import Strategy

class Mine(Strategy):
    """Buys on the third bar."""

    name = "mine"

    def on_start(self, ctx):
        self.bars = 0

    def on_bar(self, ctx, instrument, bar):
        self.bars += 1
        if self.bars == 3:
            ctx.buy(instrument, 2, reason="third bar")
'''


def prices(count: int = 600) -> list[float]:
    return [100.0 + (n // 60 % 4) * 0.5 for n in range(count)]


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Ten minutes of a share, a tick a second."""
    path = tmp_path / "INFY.csv"
    rows = [f"2024-06-03 09:{15 + n // 60}:{n % 60:02d},{price},{n}" for n, price in enumerate(prices())]
    path.write_text("\n".join(["time,price,volume", *rows]))
    return path


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """The same as a recorded day of two instruments, of which one is called by its name alone."""
    file = DayFile(tmp_path, lambda token: "NSE:INFY" if token == 408065 else "NSE:NIFTY 50")
    file.size_on(OPEN.date())
    file.append(list(of_prices(*prices()).frames()))
    file.close()
    return day_path(tmp_path, OPEN.date())


def told(capsys: Any, arguments: Sequence[object]) -> Any:
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


FAST = ("--set", "fast=1", "slow=2", "cool_down=0", "lots=3")


def test_a_csv_of_ticks_is_played_tick_by_tick(ticks: Path, capsys: Any) -> None:
    said = told(capsys, ["ma_cross", "--exact", "--data", ticks, *FAST])
    assert said["instruments"] == ["NSE:INFY"] and said["bar_seconds"] == 60
    assert said["statistics"]["fills"] >= 2 and said["trades"][0]["quantity"] == 3
    assert said["assumptions"][0].startswith("An order is 100 ms on its way")


def test_a_day_file_and_its_csv_come_to_the_same(ticks: Path, day: Path, capsys: Any) -> None:
    one = told(capsys, ["ma_cross", "--exact", "--data", f"NSE:INFY={day}", *FAST])
    other = told(capsys, ["ma_cross", "--exact", "--data", ticks, *FAST])
    assert [trade["entry_price"] for trade in one["trades"]] == [trade["entry_price"] for trade in other["trades"]]


def test_the_days_master_beside_a_recording_tells_lots(day: Path, tmp_path: Path, capsys: Any) -> None:
    kept = tmp_path / "profile" / "recordings" / "paper" / day.name
    master = tmp_path / "profile" / "instruments" / f"instruments-{day.stem}.master"
    for path in (kept, master):
        path.parent.mkdir(parents=True)
    kept.write_bytes(day.read_bytes())
    master.write_bytes(packed([replace(INFY, lot_size=25, tick_size=0.1)]))
    said = told(capsys, ["ma_cross", "--exact", "--data", f"NSE:INFY={kept}", *FAST])
    assert any("NSE:INFY: tick 0.1, lot 25" in text for text in said["assumptions"])


def test_a_file_of_ones_own_is_played_in_a_process_of_its_own(ticks: Path, tmp_path: Path, capsys: Any) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(MINE)
    said = told(capsys, [mine, "--exact", "--data", ticks, "--slippage", "0", "--latency", "0"])
    assert said["strategy"] == "mine"
    assert [(trade["quantity"], trade["reason"]) for trade in said["trades"]] == [(2, "third bar")]


def test_a_strategy_that_fails_is_told_with_its_line(ticks: Path, tmp_path: Path, capsys: Any) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(MINE.replace("self.bars += 1", "1 / 0"))
    assert run([str(mine), "--exact", "--data", str(ticks)]) == 2
    assert "mine: on_bar failed at mine.py line 13: ZeroDivisionError" in capsys.readouterr().err


def test_tick_and_lot_are_what_is_said_where_no_master_tells(ticks: Path, capsys: Any) -> None:
    key = f"NFO:NIFTYFUT={ticks}"
    said = told(capsys, ["ma_cross", "--exact", "--data", key, *FAST, "--lot", "75", "--tick", "0.5"])
    assert said["trades"][0]["quantity"] == 225
    assert any("NFO:NIFTYFUT: tick 0.5, lot 75, FUT" in text for text in said["assumptions"])


def test_latency_and_slippage_change_what_is_paid(ticks: Path, capsys: Any) -> None:
    def first(*more: str) -> float:
        said = told(capsys, ["ma_cross", "--exact", "--data", ticks, *FAST, *more])
        return float(said["trades"][0]["entry_price"])

    plain = first("--slippage", "0", "--latency", "0")
    assert first("--slippage", "2t", "--latency", "0") == pytest.approx(plain + 0.10)


def test_longer_bars_and_a_page(ticks: Path, tmp_path: Path, capsys: Any) -> None:
    page = tmp_path / "page.html"
    said = told(capsys, ["ma_cross", "--exact", "--data", ticks, "--bar", "3m", "--report", page])
    assert said["bar_seconds"] == 180 and said["statistics"]["bars"] == 4
    assert "ms on its way to the exchange" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--bar", "7m"), "bars of 420 s are none of"),
        (("--latency", "-5"), "a latency of -0.005 s"),
        (("--from", "2024-06-04"), "nothing was recorded in that span"),
        (("--set", "fast=9", "slow=2"), "must be shorter"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(ticks: Path, capsys: Any, more: Sequence[str], words: str) -> None:
    assert run(["ma_cross", "--exact", "--data", str(ticks), *more]) == 2
    assert words in capsys.readouterr().err


def test_what_is_traded_must_be_recorded(day: Path, capsys: Any) -> None:
    assert run(["ma_cross", "--exact", "--data", f"NSE:TCS={day}"]) == 2
    assert "NSE:TCS: not in the recording" in capsys.readouterr().err
