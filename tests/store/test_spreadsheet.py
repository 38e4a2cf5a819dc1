"""CSV and workbooks say what the tables say: unknown as a word, days as days, words never as formulas."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from xml.etree import ElementTree

from alphapanda_desktop.store.spreadsheet import csv_of, xlsx_of

NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


class Table(NamedTuple):
    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str | int | Decimal | date | None]]
    notes: Sequence[str] = ()


TABLE = Table(
    "By day: 2026/27",
    ("Day", "Orders", "Net", "Note"),
    [
        [date(2026, 11, 23), 3, Decimal("-1234567.8901"), "=HYPERLINK(1)"],
        [date(2026, 11, 24), 1, None, 'said "no", & <went>\x00'],
    ],
    ["Where it says unknown, it is."],
)


def cells(book: bytes, number: int) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        root = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{number}.xml"))
    rows = root.findall("m:sheetData/m:row", NS)
    return [["".join(cell.itertext()) for cell in row.findall("m:c", NS)] for row in rows]


def test_csv_is_read_back_as_it_was_with_formulas_made_harmless() -> None:
    rows = list(csv.reader(io.StringIO(csv_of(TABLE), newline="")))
    assert rows[:2] == [["Day", "Orders", "Net", "Note"], ["2026-11-23", "3", "-1234567.8901", "'=HYPERLINK(1)"]]
    assert rows[2][2:] == ["unknown", 'said "no", & <went>\x00']


def test_a_workbook_has_a_sheet_for_each_table_under_names_that_it_takes() -> None:
    book = xlsx_of([TABLE, TABLE])
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert parts.testzip() is None
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
        sheets = ElementTree.fromstring(parts.read("xl/workbook.xml")).findall("m:sheets/m:sheet", NS)
        listed = parts.read("[Content_Types].xml").decode()
    assert [sheet.get("name") for sheet in sheets] == ["By day  2026 27", "By day  2026 27 1"]
    assert "sheet2.xml" in listed and "styles.xml" in listed


def test_a_workbooks_figures_are_exact_and_its_days_are_counted_from_1900() -> None:
    got = cells(xlsx_of([TABLE]), 1)
    assert got[0] == ["Day", "Orders", "Net", "Note"]
    assert got[1] == ["46349", "3", "-1234567.8901", "=HYPERLINK(1)"]  # 23 November 2026; an inline string
    assert got[2][2:] == ["unknown", 'said "no", & <went> ']
    assert got[3] == ["Where it says unknown, it is."]


def test_no_words_of_a_csv_can_run() -> None:
    begins = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＠1")
    table = Table("x", ("=title",), [[text] for text in begins] + [[-5], [Decimal("-1.5")]])
    rows = [row[0] for row in csv.reader(io.StringIO(csv_of(table), newline=""))]
    assert rows == ["'=title", *(f"'{text}" for text in begins), "-5", "-1.5"]


def test_a_note_longer_than_a_cell_may_be_leaves_the_workbook_whole() -> None:
    got = cells(xlsx_of([Table("x", ("Note",), [["a" * 40_000]])]), 1)
    assert len(got[1][0]) == 32_767
