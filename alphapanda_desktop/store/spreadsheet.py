"""Tables as CSV and as .xlsx, written without a library: a workbook is a zip of a few small XML files.

Source: ECMA-376, Office Open XML, parts 1 (SpreadsheetML) and 2 (packaging). Words are inline strings, so that no
cell is ever taken for a formula.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from alphapanda_desktop.domain.cells import as_cell

Value = str | int | Decimal | date | None

UNKNOWN: Final = "unknown"

LONGEST: Final = 32_767
"""Letters that a spreadsheet's cell may have; with more it takes the workbook for damaged."""

EPOCH: Final = date(1899, 12, 30)
"""Day 0 of a spreadsheet's dates, as every day after February 1900 counts them."""

_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_NAME: Final = re.compile(r"[\[\]:*?/\\']")
_PLAIN, _BOLD, _DAY, _MONEY = range(4)


class Table(Protocol):
    """A named table with words beneath it."""

    @property
    def name(self) -> str: ...
    @property
    def titles(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[Value]]: ...
    @property
    def notes(self) -> Sequence[str]: ...


def csv_of(table: Table) -> str:
    """The table as CSV with a header; figures without grouping, days as 2026-11-23, words never as formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_plain(title) for title in table.titles])
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return out.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(as_cell(value))


def xlsx_of(tables: Sequence[Table]) -> bytes:
    """A workbook with a sheet for each table: titles bold and frozen, days and rupees as such."""
    names = _names(tables)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", _content_types(len(tables)))
        book.writestr("_rels/.rels", _ROOT)
        book.writestr("xl/workbook.xml", _workbook(names))
        book.writestr("xl/_rels/workbook.xml.rels", _relations(len(tables)))
        book.writestr("xl/styles.xml", _STYLES)
        for number, table in enumerate(tables, 1):
            book.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(table))
    return out.getvalue()


def _names(tables: Sequence[Table]) -> list[str]:
    """Names that a workbook takes: up to 31 letters, without its signs, each once."""
    names: list[str] = []
    for table in tables:
        name = _NOT_NAME.sub(" ", _clean(table.name))[:31] or "Sheet"
        while name in names:
            name = f"{name[:28]} {len(names)}"
        names.append(name)
    return names


def _sheet(table: Table) -> str:
    widths = [_width(table, place) for place in range(len(table.titles))]
    lines = [_row(1, [_words(title, _BOLD) for title in table.titles])]
    lines += [_row(n, [_cell(value) for value in row]) for n, row in enumerate(table.rows, 2)]
    below = len(table.rows) + 3
    lines += [_row(below + n, [_words(note, _PLAIN)]) for n, note in enumerate(table.notes)]
    columns = "".join(f'<col min="{n}" max="{n}" width="{w}" customWidth="1"/>' for n, w in enumerate(widths, 1))
    frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>{''.join(lines)}</sheetData></worksheet>"
    )


def _row(number: int, cells: Iterable[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(value: Value) -> str:
    if value is None:
        return _words(UNKNOWN, _PLAIN)
    if isinstance(value, date):
        return f'<c s="{_DAY}"><v>{(value - EPOCH).days}</v></c>'
    if isinstance(value, Decimal):
        return f'<c s="{_MONEY}"><v>{value:f}</v></c>'
    return f"<c><v>{value}</v></c>" if isinstance(value, int) else _words(value, _PLAIN)


def _words(text: str, style: int) -> str:
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(_clean(text)[:LONGEST])}</t></is></c>'


def _clean(text: str) -> str:
    return _NOT_XML.sub(" ", text)


def _width(table: Table, place: int) -> int:
    texts = [table.titles[place], *(_plain(row[place]) for row in table.rows)]
    return min(60, max(len(text) for text in texts) + 3)


_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_ROOT: Final = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_STYLES: Final = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="#,##0.00"/>'
    "</numFmts>"
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="4"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/>'
    '<xf xfId="0" numFmtId="164" applyNumberFormat="1"/><xf xfId="0" numFmtId="165" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def _content_types(sheets: int) -> str:
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for n in range(1, sheets + 1)
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{parts}</Types>'
    )


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _relations(sheets: int) -> str:
    rows = [f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, sheets + 1)]  # fmt: skip
    rows.append(f'<Relationship Id="rId{sheets + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>')
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(rows)}</Relationships>'
