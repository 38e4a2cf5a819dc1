"""`alphapanda sessions`: one JSON line a session."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.commands.sessions import lines, run
from alphapanda_desktop.domain.calendar import EXCHANGES


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(list(arguments)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def hours(row: dict[str, Any], whom: str = "") -> list[str]:
    """The phases of a line in short, those for other stocks left out."""
    return [
        f"{span['phase']} {span['start'][11:16]}-{span['end'][11:16]}"
        for span in row["phases"]
        if not whom or span.get("for", whom) == whom
    ]


def minute_of(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def test_a_line_is_a_session_with_its_phases_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "NFO", "--from", "2026-11-20", "--to", "2026-11-25")
    assert rows[0] == {
        "date": "2026-11-20",
        "exchange": "NFO",
        "phases": [
            {"phase": "pre-open", "start": "2026-11-20T09:00:00+05:30", "end": "2026-11-20T09:15:00+05:30"},
            {"phase": "open", "start": "2026-11-20T09:15:00+05:30", "end": "2026-11-20T15:40:00+05:30"},
        ],
        "why": "regular",
    }
    assert [row["date"] for row in rows] == ["2026-11-20", "2026-11-23", "2026-11-25"]


def test_all_lists_closed_days_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "nse", "--from", "2026-11-22", "--to", "2026-11-24", "--all")
    assert [(row["why"], bool(row["phases"])) for row in rows] == [
        ("closed: weekend", False),
        ("regular", True),
        ("closed: Guru Nanak Jayanti", False),
    ]


def test_where_stocks_differ_each_phase_says_for_whom(capsys: pytest.CaptureFixture[str]) -> None:
    (before,) = printed(capsys, "NSE", "--from", "2026-07-31")
    assert hours(before) == ["pre-open 09:00-09:15", "open 09:15-15:30", "post-close 15:40-16:00"]
    assert not any("for" in span for span in before["phases"])
    (row,) = printed(capsys, "NSE", "--from", "2026-08-03")
    (plain,) = printed(capsys, "NSE", "--from", "2026-08-03", "--plain")
    (derivatives,) = printed(capsys, "NSE", "--from", "2026-08-03", "--derivatives")
    assert hours(plain) == hours(before)
    assert hours(derivatives) == [
        "pre-open 09:00-09:15",
        "open 09:15-15:15",
        "closing auction: reference price 15:15-15:20",
        "closing auction 15:20-15:25",
        "closing auction: limit orders only 15:25-15:30",
        "closing auction: matching 15:30-15:35",
        "post-close 15:50-16:00",
    ]
    assert hours(row, "stocks without derivatives") == hours(plain)
    assert hours(row, "stocks with derivatives") == hours(derivatives)


def test_half_days_and_muhurat_of_commodities(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "MCX", "--from", "2026-11-08", "--to", "2026-11-10")
    assert [(row["date"][8:], hours(row), row["why"].split(";")[0]) for row in rows] == [
        ("08", [], "special: Muhurat trading (Diwali)"),
        ("09", ["open 09:00-23:55"], "regular"),
        ("10", ["open 17:00-23:55"], "half day: evening session only (Diwali Balipratipada)"),
    ]
    assert "not known" in rows[0]["why"]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_exchange_prints_a_whole_year(exchange: str) -> None:
    rows = [json.loads(line) for line in lines(exchange, date(2026, 1, 1), date(2026, 12, 31))]
    assert 240 <= len(rows) <= 262
    assert all(row["phases"] or "not known" in row["why"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["XYZ"], "invalid choice: 'XYZ'"),
        (["NSE", "--from", "2026-02-30"], "'2026-02-30' is no day; write it as YYYY-MM-DD"),
        (["NSE", "--from", "20260203"], "'20260203' is no day; write it as YYYY-MM-DD"),
        (["NSE", "--to", "2026-W06-2"], "'2026-W06-2' is no day; write it as YYYY-MM-DD"),
        (["INDICES"], "invalid choice: 'INDICES'"),
        (["NSE", "--from", "2026-02-03", "--to", "2026-02-01"], "--to 2026-02-01 lies before --from 2026-02-03"),
        (["NSE", "--plain", "--derivatives"], "not allowed with"),
        ([], "required: EXCHANGE"),
    ],
)
def test_what_makes_no_sense_is_named(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


def test_the_program_has_the_command() -> None:
    asked = [sys.executable, "-m", "alphapanda_desktop", "sessions", "MCX", "--from", "2026-01-01"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert json.loads(done.stdout)["why"] == "half day: morning session only (New Year's Day)"


def test_a_reader_that_has_enough_is_no_error() -> None:
    asked = [
        sys.executable,
        "-m",
        "alphapanda_desktop",
        "sessions",
        "NSE",
        "--from",
        "2021-01-01",
        "--to",
        "2026-12-31",
    ]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as program:
        assert program.stdout
        assert program.stderr
        assert program.stdout.readline().startswith(b'{"date": "2021-01-01"')
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0


def test_what_is_printed_equals_what_real_bars_show(real_data: Path) -> None:
    with (real_data / "calendars" / "nse_observed_sessions_5min.csv").open() as rows:
        seen = {row["date"]: (row["first"], row["last_bar_start"]) for row in csv.DictReader(rows)}
    for first, last in (("2020-12-21", "2025-12-19"), ("2026-01-28", "2026-02-27")):
        told = [json.loads(line) for line in lines("NSE", date.fromisoformat(first), date.fromisoformat(last))]
        assert [row["date"] for row in told] == [day for day in sorted(seen) if first <= day <= last]
        for row in told:
            trading = [span for span in row["phases"] if span["phase"] == "open"]
            opened, last_bar = seen[row["date"]]
            assert trading[0]["start"][11:16] == opened, row
            assert 0 < minute_of(trading[-1]["end"][11:16]) - minute_of(last_bar) <= 5, row
