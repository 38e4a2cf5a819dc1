from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit

from alphapanda_desktop.ui.recolour import recoloured, wear
from alphapanda_desktop.ui.theme import DARK, LIGHT, LiveTheme, dress, themed


def test_a_text_is_written_anew_colour_by_colour() -> None:
    again = recoloured({DARK.warn: LIGHT.warn, DARK.panel: LIGHT.panel})
    assert again(f"a {{ color: {DARK.warn}; background: {DARK.panel}; }}") == (
        f"a {{ color: {LIGHT.warn}; background: {LIGHT.panel}; }}"
    )
    assert again("color: #123456;") == "color: #123456;"


@pytest.fixture
def live(qapp: QApplication) -> Any:
    before = qapp.palette(), qapp.styleSheet(), qapp.font()
    theme = LiveTheme(DARK)
    dress(qapp, theme)
    yield theme
    qapp.setPalette(before[0])
    qapp.setStyleSheet(before[1])
    qapp.setFont(before[2])


def test_what_is_open_follows_at_once(qapp: QApplication, live: LiveTheme) -> None:
    label, rich, page = QLabel("words"), QLabel(f"<span style='color:{DARK.muted}'>old</span>"), QPlainTextEdit()
    label.setStyleSheet(f"color: {DARK.danger};")
    page.appendHtml(f"<span style='color:{DARK.warn}'>late</span>")
    told: list[tuple[str, str]] = []
    live.follow(lambda: told.append((live.name, label.styleSheet())))
    wear(qapp, live, LIGHT)
    assert label.styleSheet() == f"color: {LIGHT.danger};"
    assert LIGHT.muted in rich.text() and DARK.muted not in rich.text()
    assert LIGHT.warn in page.document().toHtml() and page.toPlainText() == "late"
    assert qapp.palette().window().color().name() == LIGHT.window
    assert told == [("light", f"color: {LIGHT.danger};")]  # once, and last


def test_a_way_there_and_back_ends_where_it_began(qapp: QApplication, live: LiveTheme) -> None:
    label = QLabel("words")
    sheet = " ".join(f"{role} {colour}" for role, colour in DARK.colours().items())
    label.setStyleSheet(f"/* {sheet} */ color: {DARK.up};")
    first = label.styleSheet()
    for other in (themed("light", "blue and orange"), LIGHT, themed("dark", "blue and orange"), DARK):
        wear(qapp, live, other)
    assert label.styleSheet() == first
