"""The PDF of the review: read back, it says all that the tables say, and what a person wrote whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtPdf import QPdfDocument

from alphapanda_desktop.trading.reports import Sheet
from alphapanda_desktop.ui.reportpdf import pdf_of, wrapped


def texts_of(pdf: bytes, folder: Path) -> list[str]:
    (folder / "page.pdf").write_bytes(pdf)
    document = QPdfDocument(None)
    assert document.load(str(folder / "page.pdf")) is QPdfDocument.Error.None_
    texts = [document.getAllText(page).text() for page in range(document.pageCount())]
    document.close()
    return ["".join(text.split()) for text in texts]


def test_every_row_and_a_long_note_are_on_the_pages_whole(run: Any, tmp_path: Path) -> None:
    note = " ".join(f"word{n}" for n in range(400))
    rows = [[date(2026, 11, 1), n, Decimal(n) * 1000, None] for n in range(70)]
    sheets = [
        Sheet("By day", ("Day", "Orders", "Net", "Charges"), rows, ["Where it says unknown, it is."]),
        Sheet("Journal", ("Day", "Note"), [[date(2026, 11, 1), note]]),
        Sheet("Empty", ("Day",), []),
    ]
    pages = texts_of(run(pdf_of(sheets, "paper")), tmp_path)
    whole = "".join(pages)
    assert len(pages) == 4 and "Empty" not in whole
    assert all(f"word{n}" in whole for n in range(400))
    assert "69,000.00" in whole and whole.count("unknown") == 71
    assert pages[0].count("1Nov2026") + pages[1].count("1Nov2026") + pages[2].count("1Nov2026") == 70


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two three", ["one two", "three"]),
        ("a\n\nb", ["a", "", "b"]),
        ("abcdefghijklmnopqrst", ["abcdefgh", "ijklmnop", "qrst"]),
        ("x abcdefghijk", ["x", "abcdefgh", "ijk"]),
    ],
)
def test_words_are_parted_between_words_and_nothing_is_lost(text: str, lines: list[str]) -> None:
    assert wrapped(text, len, 8) == lines
