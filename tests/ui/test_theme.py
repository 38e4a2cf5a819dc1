from __future__ import annotations

import math
from typing import Any

import pytest
from PySide6.QtGui import QFontMetricsF, QPalette

from alphapanda_desktop.ui.theme import (
    DARK,
    FONTS,
    LIGHT,
    PAIRS,
    ROLES,
    THEMES,
    LiveTheme,
    Theme,
    contrast,
    palette_of,
    style_sheet,
    themed,
    ui_font,
)

SURFACES = ("window", "panel", "raised", "selection")
WORDS = (
    "text", "muted", "accent", "up", "down", "unchanged", "buy", "sell", "warn", "danger", "good", "unknown",
    "practice", "paper", "live", "replay",
)  # fmt: skip
Lab = tuple[float, float, float]
DEFECTS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
ALL = [themed(name, pair) for name in THEMES for pair in PAIRS]


def test_contrast_is_the_wcag_ratio() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("theme", ALL, ids=lambda t: " ".join(t.look))
def test_every_word_can_be_read_on_every_surface(theme: Theme) -> None:
    poor = {
        (word, surface): round(contrast(getattr(theme, word), getattr(theme, surface)), 2)
        for word in WORDS
        for surface in SURFACES
        if contrast(getattr(theme, word), getattr(theme, surface)) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("theme", ALL, ids=lambda t: " ".join(t.look))
@pytest.mark.parametrize("button", ["buy_button", "sell_button", "kill"])
def test_words_on_order_buttons_can_be_read(theme: Theme, button: str) -> None:
    assert contrast(getattr(theme, button), theme.on_button) >= 4.5


@pytest.mark.parametrize("theme", ALL, ids=lambda t: " ".join(t.look))
def test_labels_filled_with_a_price_colour_can_be_read(theme: Theme) -> None:
    for role in (theme.up, theme.down, theme.muted, theme.accent):
        assert contrast(role, theme.panel) >= 4.5


@pytest.mark.parametrize("theme", ALL, ids=lambda t: " ".join(t.look))
def test_the_three_modes_do_not_look_alike(theme: Theme) -> None:
    assert len({theme.practice, theme.paper, theme.live}) == 3


@pytest.mark.parametrize("theme", ALL, ids=lambda t: " ".join(t.look))
def test_every_role_has_a_colour_of_its_own(theme: Theme) -> None:
    """Or words that were written in one colour could not follow a change of theme."""
    colours = theme.colours()
    assert sorted(set(colours.values())) == sorted(colours.values())


def seen_by(colour: str, defect: str) -> Lab:
    """How an eye without one kind of cone sees a colour, as CIELAB. Source: Machado, Oliveira, Fernandes 2009."""
    linear = [_linear(int(colour[k : k + 2], 16) / 255) for k in (1, 3, 5)]
    return _lab([sum(share * part for share, part in zip(row, linear, strict=True)) for row in DEFECTS[defect]])


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _lab(linear: list[float]) -> Lab:
    white = (0.95047, 1.0, 1.08883)
    xyz = [
        sum(w * max(0.0, c) for w, c in zip(row, linear, strict=True)) / n for row, n in zip(XYZ, white, strict=True)
    ]
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("defect", ["protanopia", "deuteranopia", "tritanopia"])
def test_every_eye_tells_blue_from_orange(name: str, defect: str) -> None:
    theme = themed(name, "blue and orange")
    for one, other in ((theme.up, theme.down), (theme.buy, theme.sell), (theme.good, theme.danger)):
        assert math.dist(seen_by(one, defect), seen_by(other, defect)) > 25


def test_a_deuteranope_is_not_served_by_green_and_red(qapp: Any) -> None:
    """The reason for the other pair: this one is much harder to tell apart."""
    safe, usual = themed("dark", "blue and orange"), DARK
    far = [math.dist(seen_by(t.up, "deuteranopia"), seen_by(t.down, "deuteranopia")) for t in (safe, usual)]
    assert far[0] > 1.5 * far[1]


def test_a_living_theme_keeps_its_identity_and_changes_its_colours(qapp: Any) -> None:
    live = LiveTheme(DARK)
    assert live.colours() == DARK.colours()
    live.take(themed("light", "blue and orange"))
    assert live.look == ("light", "blue and orange")
    assert live.colour("panel").name() == LIGHT.panel
    assert DARK.name == "dark" and set(live.colours()) == set(ROLES)


def test_the_style_sheet_leaves_no_colour_name_unsaid(qapp: Any) -> None:
    assert "@" not in style_sheet(DARK)
    assert DARK.buy_button in style_sheet(DARK)
    assert style_sheet(DARK) != style_sheet(LIGHT)


def test_qts_palette_is_the_themes(qapp: Any) -> None:
    palette = palette_of(DARK)
    assert palette.color(QPalette.ColorRole.Base).name() == DARK.panel
    assert palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name() == DARK.muted


def test_digits_have_one_width(qapp: Any) -> None:
    font = ui_font()
    metrics = QFontMetricsF(font)
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1
    assert set(font.families()) & set(FONTS) or font.families() == [font.defaultFamily()]
