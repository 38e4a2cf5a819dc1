"""The decode command: files in, JSON lines out, reasons on stderr."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.kite.decode import run
from alphapanda_desktop.kite.packets import encode_frame, encode_packet

INFY, NIFTY = 408065, 256265
DEPTH = tuple(number for level in range(10) for number in (10 + level, 157000 + level, 1 + level))
FULL = Tick(
    INFY, Mode.FULL, 1573.15, 0, True, 1, 1570.33, 1175986, 256511, 360503,
    Ohlc(1569.15, 1575.0, 1561.05, 1567.8), 7, 9, 5, 1625461887, 1625461886, DEPTH,
)  # fmt: skip
INDEX = Tick(
    NIFTY, Mode.FULL, 24787.26, tradable=False, ohlc=Ohlc(24748.48, 24836.8, 24645.68, 24909.44),
    exchange_epoch_s=1625461887,
)  # fmt: skip


def test_a_full_packet_is_printed_under_kites_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.packet"
    file.write_bytes(encode_packet(FULL, Mode.FULL))
    assert run([str(file)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    fields = json.loads(line)
    depth = fields.pop("depth")
    assert fields == {
        "tradable": True,
        "mode": "full",
        "instrument_token": INFY,
        "last_price": 1573.15,
        "last_traded_quantity": 1,
        "average_traded_price": 1570.33,
        "volume_traded": 1175986,
        "total_buy_quantity": 256511,
        "total_sell_quantity": 360503,
        "ohlc": {"open": 1569.15, "high": 1575.0, "low": 1561.05, "close": 1567.8},
        "change": (1573.15 - 1567.8) * 100 / 1567.8,
        "last_trade_time": "2021-07-05T10:41:26+05:30",
        "oi": 7,
        "oi_day_high": 9,
        "oi_day_low": 5,
        "exchange_timestamp": "2021-07-05T10:41:27+05:30",
    }
    assert depth["buy"][0] == {"quantity": 10, "price": 1570.0, "orders": 1}
    assert depth["sell"][4] == {"quantity": 19, "price": 1570.09, "orders": 10}


def test_a_frame_is_printed_one_tick_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "some.frame"
    packets = [encode_packet(INDEX, Mode.FULL), encode_packet(INDEX, Mode.QUOTE), encode_packet(FULL, Mode.LTP)]
    file.write_bytes(encode_frame(packets))
    assert run([str(file), "--frame"]) == 0
    full, quote, ltp = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert set(full) == {
        "tradable", "mode", "instrument_token", "last_price", "ohlc", "change", "exchange_timestamp",
    }  # fmt: skip
    assert set(quote) == set(full) - {"exchange_timestamp"}
    assert ltp == {"tradable": True, "mode": "ltp", "instrument_token": INFY, "last_price": 1573.15}


def test_base64_text_with_line_ends_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.txt"
    file.write_bytes(base64.encodebytes(encode_packet(FULL, Mode.FULL)))
    assert run(["--base64", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["last_price"] == 1573.15


def test_kites_base64_sample_is_printed(kite_samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--base64", str(kite_samples / "packets" / "ticker_quote.packet")]) == 0
    assert json.loads(capsys.readouterr().out)["volume_traded"] == 1175986


def test_a_time_that_is_not_set_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.packet"
    file.write_bytes(encode_packet(Tick(INFY, Mode.FULL, 10.0), Mode.FULL))
    assert run([str(file)]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert (fields["last_trade_time"], fields["exchange_timestamp"]) == (None, None)


def test_a_heartbeat_frame_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "beat.frame"
    file.write_bytes(b"\x00")
    assert run(["--frame", str(file)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        (b"123", [], "3 bytes are no packet"),
        (b"", [], "nothing in it"),
        (b"AAAA*", ["--base64"], "no base64"),
        (b"AAA", ["--base64"], "no base64"),
        (b"\x00\x02\x00\x08", ["--frame"], "ends within a packet"),
    ],
)
def test_what_is_no_packet_ends_with_code_2_and_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, options: list[str], reason: str
) -> None:
    file = tmp_path / "bad"
    file.write_bytes(content)
    assert run([str(file), *options]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert reason in output.err
    assert "bad" in output.err


def test_a_damaged_frame_prints_what_it_can_and_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.frame"
    file.write_bytes(encode_frame([encode_packet(FULL, Mode.LTP), bytes(61)]))
    assert run([str(file), "--frame"]) == 2
    output = capsys.readouterr()
    assert json.loads(output.out)["instrument_token"] == INFY
    assert "packet of unknown length 61 (1)" in output.err


def test_a_file_that_is_not_there_ends_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no writer that its reader has gone")
def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "long.frame"
    file.write_bytes(encode_frame([encode_packet(FULL, Mode.FULL)] * 300))
    command = [sys.executable, "-m", "alphapanda_desktop", "decode", "--frame", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert (child.wait(60), child.stderr.read()) == (0, b"")
