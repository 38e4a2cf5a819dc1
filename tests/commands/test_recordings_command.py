"""`alphapanda recordings`, and a recorded day played back by the practice exchange's reader."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphapanda_desktop.__main__ import main
from alphapanda_desktop.domain.ticklog import MAGIC, names_block
from alphapanda_desktop.kite.packets import encode_frame
from alphapanda_desktop.sim.recordings import first_day, read_recordings
from tests.store.test_parquet import read
from tests.writtenblocks import frames_block

START_NS = int(datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()) * 1_000_000_000


def a_day(path: Path, count: int = 3) -> Path:
    def frame(n: int) -> bytes:
        return encode_frame([(408065).to_bytes(4, "big") + (150_000 + 5 * n).to_bytes(4, "big")])

    frames = [(START_NS + n * 1_000_000_000, frame(n)) for n in range(count)]
    path.write_bytes(MAGIC + names_block({408065: "NSE:INFY"}, START_NS) + frames_block(frames))
    return path


def test_a_recording_is_shown_as_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_day(tmp_path / "day.ticks")
    assert main(["recordings", "show", str(path)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "frames": 3,
        "from": "2026-11-23T09:30:00.000+05:30",
        "to": "2026-11-23T09:30:02.000+05:30",
        "bytes": path.stat().st_size,
        "compressed": False,
        "instruments": ["NSE:INFY"],
        "damage": "",
    }


def test_a_damaged_recording_says_so_and_gives_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_day(tmp_path / "day.ticks")
    whole = path.read_bytes()
    path.write_bytes(whole + b"half a block")
    assert main(["recordings", "show", str(path)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["frames"] == 3
    assert said["damage"] == f"12 damaged bytes were left out: 12 bytes at {len(whole):,}"


def test_a_recording_becomes_csv_with_a_line_a_tick(tmp_path: Path) -> None:
    out = tmp_path / "day.csv"
    assert main(["recordings", "export", str(a_day(tmp_path / "day.ticks")), "--out", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["last_price"] for row in rows] == ["1500.0", "1500.05", "1500.1"]
    assert rows[0]["received"] == "2026-11-23T09:30:00.000+05:30"
    assert {row["instrument"] for row in rows} == {"NSE:INFY"}
    assert rows[0]["volume_traded"] == ""


def test_a_part_of_a_day_is_exported_by_indian_time_as_parquet_too(tmp_path: Path) -> None:
    day = a_day(tmp_path / "day.ticks")
    for out in (tmp_path / "part.csv", tmp_path / "part.parquet"):
        words = ["recordings", "export", str(day), "--out", str(out), "--depth"]
        assert main([*words, "--from", "09:30:01", "--to", "09:30:01"]) == 0
    with (tmp_path / "part.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["received"], row["bid_price_1"]) == ("2026-11-23T09:30:01.000+05:30", "")
    (values,) = read((tmp_path / "part.parquet").read_bytes())
    assert values[:6] == ((START_NS + 10**9) // 1_000, None, "NSE:INFY", 408065, "ltp", 1500.05)
    assert len(values) == len(row)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day.ticks", "part.csv", "part.parquet"]


def test_an_export_that_cannot_be_written_leaves_nothing_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = a_day(tmp_path / "day.ticks")
    assert main(["recordings", "export", str(day), "--out", str(tmp_path / "no" / "day.csv")]) == 2
    assert "No such file or directory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["recordings", "export", str(day), "--from", "noon"])
    assert "noon is no time of day" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"symbol,price\n"])
def test_what_is_no_recording_is_refused_by_name(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    assert main(["recordings", "show", str(path)]) == 2
    assert "other.csv: this is no recording of this program" in capsys.readouterr().err
    assert main(["recordings", "show", str(tmp_path / "none")]) == 2


def test_the_practice_exchange_reads_a_recorded_day(tmp_path: Path) -> None:
    path = a_day(tmp_path / "day.ticks")
    (recording,) = read_recordings([path], [])
    assert recording.instrument.tradingsymbol == "INFY"
    assert recording.price.tolist() == [1500.0, 1500.05, 1500.1]
    assert recording.at_s.tolist() == [START_NS / 1e9 + n for n in range(3)]
    assert first_day([path]).isoformat() == "2026-11-23"
