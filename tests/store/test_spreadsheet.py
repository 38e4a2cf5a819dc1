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
