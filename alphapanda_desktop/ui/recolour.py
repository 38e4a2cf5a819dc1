"""Other colours while everything is open: Qt's palette, every style sheet and every coloured word follow at once.

What paints itself asks the theme each time, and the theme is one living object. What was written down as #rrggbb, in a
style sheet or in rich text, is written anew: every role has a colour of its own in every theme (a test holds that), so
a colour says which role was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import LiveTheme, Theme, palette_of, themed

COLOUR: Final = re.compile(r"#[0-9a-f]{6}\b")


def wear(app: QApplication, live: LiveTheme, wanted: Theme) -> None:
    """Change what the whole program is painted with; `live.changed` is the last thing that happens."""
    before = live.colours()
    live.take(wanted)
    after = live.colours()
    again = recoloured({old: after[role] for role, old in before.items()})
    tops = [top for top in app.topLevelWidgets() if top.updatesEnabled()]
    for top in tops:
        top.setUpdatesEnabled(False)
    app.setPalette(palette_of(live))
    for widget in app.allWidgets():
        _follow(widget, again)
    live.changed.emit()
    for top in tops:
        top.setUpdatesEnabled(True)


def choose(edge: Edge, save: Callable[[str, object], None], name: str, pair: str) -> None:
    """Wear other colours and remember them; an empty name or pair stays as it is."""
    live = edge.theme
    if not isinstance(live, LiveTheme) or live.app is None:
        raise TypeError("colours that are a constant cannot be changed")
    wear(live.app, live, themed(name or live.name, pair or live.pair))
    for what, value in (("theme", name), ("pair", pair)):
        if value:
            save(what, value)


def recoloured(colours: Mapping[str, str]) -> Callable[[str], str]:
    """What writes a text's colours anew."""
    return lambda text: COLOUR.sub(lambda found: colours.get(found[0], found[0]), text)


def _follow(widget: QWidget, again: Callable[[str], str]) -> None:
    if sheet := widget.styleSheet():
        widget.setStyleSheet(again(sheet))
    if isinstance(widget, QLabel) and "color:" in (text := widget.text()):
        widget.setText(again(text))
    elif isinstance(widget, QPlainTextEdit) and "color:" in (text := widget.document().toHtml()):
        _rewrite(widget, again(text))


def _rewrite(page: QPlainTextEdit, html: str) -> None:
    """The same words in other colours, and the same ones in sight."""
    bar = page.verticalScrollBar()
    at, end = bar.value(), bar.maximum()
    page.document().setHtml(html)
    bar.setValue(bar.maximum() if at == end else at)
