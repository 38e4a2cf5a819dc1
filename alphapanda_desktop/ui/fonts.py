"""Fonts that come along, so that every machine shows the same pixels: words, Hindi, and signs such as − → ▲ ✓ ⏸.

Noto under the Open Font License, DejaVu under Bitstream Vera's; their texts lie beside them in `resources/fonts`.
A machine's own copy of the same family gives way.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QFont, QFontDatabase

from alphapanda_desktop.folders import resources

SANS: Final = "Noto Sans"
DEVANAGARI: Final = "Noto Sans Devanagari"
SIGNS: Final = ("DejaVu Sans", "Noto Sans Symbols2")
"""Noto Sans has no minus sign, no arrows and no triangles: they come from the first of these that has them."""
MONO: Final = "DejaVu Sans Mono"


def load_fonts() -> tuple[str, ...]:
    """Make the shipped fonts known to Qt; their families, none where they are missing or cannot be read.

    Called once, after the QApplication is made and before its first font is asked for: 0.2 ms a file, since Qt
    reads the machine's fonts then in any case.
    """
    loaded = (QFontDatabase.addApplicationFont(str(path)) for path in sorted((resources() / "fonts").glob("*.ttf")))
    families = {name for one in loaded if one >= 0 for name in QFontDatabase.applicationFontFamilies(one)}
    return tuple(sorted(families))


def fixed_font(points: float) -> QFont:
    """A font whose letters are all of one width, for reports, source text and hashes."""
    font = QFont()
    font.setFamilies([MONO, "Consolas", "Menlo"])
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPointSizeF(points)
    return font
