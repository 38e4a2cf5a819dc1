"""What is exported does nothing in a spreadsheet, and what is unpacked has an end."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
import zlib
from pathlib import Path

import pytest

from alphapanda_desktop.backtest.tables import csv_of_trades
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.domain.cells import FORMULA, as_cell, from_cell
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.gzipped import unpacked
from alphapanda_desktop.domain.watchlists import WatchedList, read_csv, to_csv
from alphapanda_desktop.replaying import csvticks

EVIL = ['=HYPERLINK("http://evil.example","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1", "-"]


@pytest.mark.parametrize("text", EVIL)
def test_words_are_no_formula_and_come_back_as_they_were(text: str) -> None:
    assert not str(as_cell(text)).startswith(FORMULA) and from_cell(str(as_cell(text))) == text


@pytest.mark.parametrize("value", ["", "INFY", "M&M", -3, 1.5, None, "'quoted", "a=b"])
def test_figures_and_other_words_are_as_they_are(value: object) -> None:
    assert as_cell(value) is value and (not isinstance(value, str) or from_cell(value) == value)


def test_a_group_of_a_list_that_was_imported_is_no_formula_in_what_is_exported() -> None:
    watched = WatchedList(name="mine", keys=("NSE:INFY", "NSE:TCS"), groups={"NSE:INFY": EVIL[0], "NSE:TCS": "-2+3"})
    text = to_csv(watched)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA)]
    assert dict(read_csv(text, lambda _key: True).found) == watched.groups


def test_a_reason_of_a_strategys_is_no_formula_in_the_table_of_its_trades() -> None:
    text = csv_of_trades([Trade("NSE:INFY", "MIS", 1_795_415_400, -5, reason=EVIL[0], exit_reason=EVIL[3])])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["reason"], row["exit_reason"], row["quantity"]) == (f"'{EVIL[0]}", f"'{EVIL[3]}", "-5")


def test_what_unpacks_without_end_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(zlib.error, match="more than 1,000,000 bytes"):
            unpacked(bomb, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(zlib.error, match="more than 100 bytes"):
        unpacked(gzip.compress(bytes(60)) * 2, 100)


def test_what_is_packed_well_is_unpacked_and_what_is_not_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gzip.compress(b"a" * 60) + gzip.compress(b"b")
    assert unpacked(whole) == b"a" * 60 + b"b" and unpacked(b"plain") == b"plain" and unpacked(whole + bytes(3), 61)
    with pytest.raises(EOFError):
        unpacked(whole[:-4])
    for bad in (b"\x1f\x8b\xff", whole + b"more", b"\x1f\x8b" + whole[2:20] + b"x" * 30):
        with pytest.raises((zlib.error, EOFError)):
            unpacked(bad)
    path = tmp_path / "ticks.csv.gz"
    path.write_bytes(gzip.compress(b"time,price\n" + b"9" * 5_000))
    monkeypatch.setattr(csvticks, "unpacked", lambda data: unpacked(data, 1_000))
    with pytest.raises(BadData, match=r"ticks\.csv\.gz: this is no CSV text .*more than 1,000 bytes"):
        csvticks._rows(path)
