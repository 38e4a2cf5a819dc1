"""What a chart's caption says where it has little room."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion

from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.overlay import GAP, WORDS_AIR, Word, Words
from alphapanda_desktop.ui.theme import THEMES, ui_font


def test_no_letter_stands_where_its_value_has_no_room(qapp: Any) -> None:
    labels = Labels(ui_font(9.0))
    drawn: list[str] = []
    labels.draw = lambda _painter, _x, _top, text: drawn.append(text)  # type: ignore[method-assign,assignment]
    words = Words(lambda _place: None, labels, Qt.AlignmentFlag.AlignLeft)
    line = [Word("10:30"), Word("O"), Word("1,340.90"), Word("H"), Word("1,341.00")]
    fits = sum(round(labels.width(word.text)) + GAP for word in line[:4])
    words.set_room(QRect(0, 0, fits + 2 * WORDS_AIR + 5, 60))
    words.say(line)
    image = QImage(600, 60, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    words.draw(painter, THEMES["dark"], QRegion(0, 0, 600, 60))
    painter.end()
    assert drawn == ["10:30", "O", "1,340.90"]
