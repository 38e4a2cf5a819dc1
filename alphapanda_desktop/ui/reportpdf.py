"""Tables on A4 pages as a PDF, a few rows at a time, so that the loop is not held by a long year."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter

from alphapanda_desktop.trading.reports import UNKNOWN, Sheet, Value
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.theme import ui_font

DPI: Final = 150
ROW_PX: Final = 30
GAP_PX: Final = 24
"""Between two columns."""

WIDEST: Final = 46
"""Letters that the widest column may have."""

BREATH: Final = 8
"""Rows that are drawn between two turns of the loop."""

INK, PALE, LINE = "#171b21", "#525d6b", "#c2cad4"


async def pdf_of(sheets: Sequence[Sheet], title: str) -> bytes:
    """A PDF of every table that has rows or words."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(DPI)
    writer.setTitle(f"Review, {title}")
    writer.setCreator("AlphaPanda Desktop")
    writer.setPageLayout(
        QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Landscape, QMarginsF(12, 12, 12, 12),
                    QPageLayout.Unit.Millimeter)
    )  # fmt: skip
    page = _Page(writer, title)
    try:
        for sheet in (sheet for sheet in sheets if sheet.rows):
            await page.draw(sheet)
    finally:
        page.end()
    return bytes(buffer.data().data())


class _Page:
    """The page that is being drawn."""

    def __init__(self, writer: QPdfWriter, title: str) -> None:
        self._writer = writer
        self._title = title
        self._painter = QPainter(writer)
        self._number = 0
        self._y = 0.0

    def end(self) -> None:
        self._painter.end()

    async def draw(self, sheet: Sheet) -> None:
        """One table from the top of a page, its titles repeated on every one."""
        widths = self._widths(sheet)
        right = [_is_number(sheet, place) for place in range(len(sheet.titles))]
        self._begin(sheet, widths)
        for number, row in enumerate(sheet.rows):
            if not number % BREATH:
                await asyncio.sleep(0)
            for texts in self._lines(row, widths):
                if self._y + ROW_PX > self._painter.viewport().height() - ROW_PX:
                    self._begin(sheet, widths)
                self._painter.setFont(ui_font(8))
                self._painter.setPen(QColor(INK))
                self._cells(texts, widths, right)
        self._words(sheet.notes)
        await asyncio.sleep(0)

    def _begin(self, sheet: Sheet, widths: Sequence[float]) -> None:
        if self._number:
            self._writer.newPage()
        self._number += 1
        painter, room = self._painter, self._painter.viewport()
        painter.setFont(ui_font(13, bold=True))
        painter.setPen(QColor(INK))
        painter.drawText(QRectF(0, 0, room.width(), 44), Qt.AlignmentFlag.AlignLeft, sheet.name)
        painter.setFont(ui_font(8))
        painter.setPen(QColor(PALE))
        painter.drawText(QRectF(0, 0, room.width(), 44), Qt.AlignmentFlag.AlignRight, f"{self._title} · {self._number}")
        self._y = 50.0
        painter.setFont(ui_font(8, bold=True))
        self._cells(sheet.titles, widths, [_is_number(sheet, place) for place in range(len(sheet.titles))])
        painter.setPen(QColor(LINE))
        painter.drawLine(0, int(self._y), int(sum(widths)), int(self._y))
        self._y += 6

    def _lines(self, row: Sequence[Value], widths: Sequence[float]) -> list[list[str]]:
        """The row in as many lines as its longest words need: what a person wrote is printed whole."""
        metrics = QFontMetricsF(ui_font(8), self._writer)
        columns = [
            wrapped(value, metrics.horizontalAdvance, width - GAP_PX) if isinstance(value, str) else [_text(value)]
            for value, width in zip(row, widths, strict=True)
        ]
        high = max(map(len, columns), default=1)
        return [[column[line] if line < len(column) else "" for column in columns] for line in range(high)]

    def _cells(self, texts: Sequence[str], widths: Sequence[float], right: Sequence[bool]) -> None:
        left = 0.0
        for text, width, is_right in zip(texts, widths, right, strict=True):
            side = Qt.AlignmentFlag.AlignRight if is_right else Qt.AlignmentFlag.AlignLeft
            place = QRectF(left if is_right or not left else left + 10, self._y, width - 14, ROW_PX)
            self._painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, text)
            left += width
        self._y += ROW_PX

    def _words(self, notes: Sequence[str]) -> None:
        painter, room = self._painter, self._painter.viewport()
        painter.setFont(ui_font(8))
        painter.setPen(QColor(PALE))
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        for note in notes:
            place = painter.boundingRect(QRectF(0, self._y + 8, room.width(), 400), flags, note)
            if place.bottom() > room.height():
                self._writer.newPage()
                self._number += 1
                place.moveTop(0)
            painter.drawText(place, flags, note)
            self._y = place.bottom()

    def _widths(self, sheet: Sheet) -> list[float]:
        """Room for the longest words of each column, all together as wide as the page."""
        letters = [
            min(WIDEST, max(len(sheet.titles[place]), *(len(_text(row[place])) for row in sheet.rows))) + 2
            for place in range(len(sheet.titles))
        ]
        return [self._painter.viewport().width() * part / sum(letters) for part in letters]


def wrapped(text: str, width_of: Callable[[str], float], room: float) -> list[str]:
    """The text in lines that fit, parted between words, or within a word that is longer than a line; at least one."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and width_of(longer) > room:
                lines.append(line)
                longer = word
            while len(longer) > 1 and width_of(longer) > room:
                fits = next((n for n in range(len(longer) - 1, 1, -1) if width_of(longer[:n]) <= room), 1)
                lines.append(longer[:fits])
                longer = longer[fits:]
            line = longer
        lines.append(line)
    return lines


def _is_number(sheet: Sheet, place: int) -> bool:
    return any(isinstance(row[place], int | Decimal) for row in sheet.rows)


def _text(value: Value) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, Decimal):
        return formats.grouped(float(value), 2)
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    return formats.grouped(value) if isinstance(value, int) else value
