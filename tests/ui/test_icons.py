"""Icons: every drawing can be drawn, every command's drawing is there, and a menu wears its theme's colour."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QMenu

from alphapanda_desktop.folders import resources
from alphapanda_desktop.ui import icons
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.theme import DARK, LIGHT

DRAWINGS = sorted((resources() / "icons").glob("*.svg"))


@pytest.fixture
def menu(qapp: QApplication) -> Iterator[QMenu]:
    made = QMenu()
    yield made
    made.deleteLater()


def an_edge(theme: object) -> Edge:
    return Edge(None, FrameClock(), lambda _text, _level: None, theme)  # type: ignore[arg-type]


def ink(icon: QIcon) -> QColor:
    """The colour of an icon's densest pixel."""
    image = icon.pixmap(32, 32).toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return max(pixels, key=lambda pixel: pixel.alpha())


def is_like(colour: QColor, wanted: str) -> bool:
    """Equal but for what premultiplied alpha rounds away."""
    asked = QColor(wanted)
    pairs = zip(colour.toTuple()[:3], asked.toTuple()[:3], strict=True)
    return colour.alpha() > 150 and all(abs(one - other) <= 3 for one, other in pairs)


def test_every_drawing_is_drawn_in_the_colour_that_is_asked_for(qapp: QApplication) -> None:
    inks = {path.stem: ink(icons.drawn(path.stem, "#d02040")) for path in DRAWINGS}
    assert {name: colour.name() for name, colour in inks.items() if not is_like(colour, "#d02040")} == {}


def test_every_command_names_a_drawing_that_is_there() -> None:
    assert len(DRAWINGS) > 40
    assert set(icons.COMMANDS.values()) <= {path.stem for path in DRAWINGS}


def test_a_menu_gets_its_icons_when_it_opens_and_new_ones_with_another_theme(menu: QMenu) -> None:
    edge = an_edge(DARK)
    action, plain = menu.addAction("&Limits…"), menu.addAction("No drawing")
    icons.mark(action, "&Limits…\tF8", menu, edge)
    icons.mark(plain, "No drawing", menu, edge)
    assert action.icon().isNull()
    menu.aboutToShow.emit()
    assert is_like(ink(action.icon()), DARK.muted)
    assert plain.icon().isNull()
    icons.dress(menu, an_edge(LIGHT))
    assert is_like(ink(action.icon()), LIGHT.muted)


def test_the_panda_has_a_simpler_drawing_where_it_is_small(qapp: QApplication) -> None:
    icon = icons.app_icon()
    sizes = {size.width() for size in icon.availableSizes()}
    assert sizes == {*icons.SMALL_PX, *icons.LARGE_PX}
    corner = icon.pixmap(128, 128).toImage().pixelColor(64, 6)
    small = icon.pixmap(32, 32).toImage().pixelColor(16, 1)
    assert corner.alpha() == 255 and small.alpha() == 0  # the ground is drawn from 48 pixels on
