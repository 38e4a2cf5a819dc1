"""The shipped fonts load, and hold every sign that the window shows."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QRawFont
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.folders import resources
from alphapanda_desktop.ui import fonts

FILES = sorted((resources() / "fonts").glob("*.ttf"))
LARGEST = 3_500_000
LOOKED_FOR = set("＋－＝＠")
"""What a spreadsheet takes for the beginning of a formula: looked for in text, never shown."""
PACKAGE = Path(fonts.__file__).parents[1]


def _table(path: Path, wanted: bytes) -> bytes:
    """One table of a TrueType file."""
    data = path.read_bytes()
    for at in range(12, 12 + 16 * struct.unpack_from(">H", data, 4)[0], 16):
        tag, _sum, start, length = struct.unpack_from(">4sLLL", data, at)
        if tag == wanted:
            return data[start : start + length]
    raise LookupError(wanted)


@pytest.fixture(scope="module")
def families(qapp: QApplication) -> tuple[str, ...]:
    return fonts.load_fonts()


def test_the_families_that_the_program_names_are_loaded(families: tuple[str, ...]) -> None:
    assert {fonts.SANS, fonts.MONO, fonts.DEVANAGARI, *fonts.SIGNS} == set(families)


def test_nothing_is_loaded_where_there_are_no_fonts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "resources", lambda: tmp_path)
    assert fonts.load_fonts() == ()


@pytest.mark.parametrize("bold", [False, True])
def test_regular_and_bold_are_fonts_of_their_own(families: tuple[str, ...], *, bold: bool) -> None:
    font = QFont(fonts.SANS, 10)
    font.setBold(bold)
    raw = QRawFont.fromFont(font)
    assert fonts.SANS in families
    assert (raw.familyName(), raw.weight() >= 700) == (fonts.SANS, bold)


def test_every_sign_in_the_sources_is_in_a_shipped_font(families: tuple[str, ...]) -> None:
    raws = [QRawFont.fromFont(QFont(name, 10)) for name in families]
    sources = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    signs = {sign for sign in sources if ord(sign) > 0x7E} - LOOKED_FOR | set("₹०१२३४५६७८९नमस्ते")
    assert len(signs) > 40
    assert [sign for sign in sorted(signs) if not any(raw.supportsCharacter(ord(sign)) for raw in raws)] == []


def test_digits_of_the_fixed_font_are_of_one_width(families: tuple[str, ...]) -> None:
    raw = QRawFont.fromFont(fonts.fixed_font(10))
    advances = {round(point.x(), 3) for point in raw.advancesForGlyphIndexes(raw.glyphIndexesForString("0123456789iW"))}
    assert fonts.MONO in families and len(advances) == 1


def test_the_licences_come_with_the_fonts_and_they_are_small() -> None:
    noto, dejavu = (FILES[0].with_name(name).read_text(encoding="utf-8") for name in ("OFL.txt", "DejaVu.txt"))
    assert "SIL OPEN FONT LICENSE" in noto and "Version 1.1" in noto and "Copyright 2015 Google" in noto
    assert "Bitstream" in dejavu and "Permission is hereby granted" in dejavu
    assert len(FILES) == 7 and sum(path.stat().st_size for path in FILES) < LARGEST
    wanted = {"Noto": "Open Font License", "Deja": "Bitstream"}
    assert [path.name for path in FILES if wanted[path.name[:4]] not in _words_of(path)] == []


def _words_of(path: Path) -> str:
    return _table(path, b"name").decode("utf-16-be", errors="ignore")
