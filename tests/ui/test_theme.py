from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtGui import QFontMetricsF, QPalette

from alphapanda_desktop.ui.theme import DARK, FONTS, LIGHT, THEMES, Theme, contrast, palette_of, style_sheet, ui_font

SURFACES = ("window", "panel", "raised", "selection")
WORDS = (
    "text", "muted", "accent", "up", "down", "unchanged", "buy", "sell", "warn", "danger", "good", "unknown",
    "practice", "paper", "live",
)  # fmt: skip


def test_contrast_is_the_wcag_ratio() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_every_word_can_be_read_on_every_surface(theme: Theme) -> None:
    poor = {
        (word, surface): round(contrast(getattr(theme, word), getattr(theme, surface)), 2)
        for word in WORDS
        for surface in SURFACES
        if contrast(getattr(theme, word), getattr(theme, surface)) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
@pytest.mark.parametrize("button", ["buy_button", "sell_button", "kill"])
def test_words_on_order_buttons_can_be_read(theme: Theme, button: str) -> None:
    assert contrast(getattr(theme, button), theme.on_button) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_labels_filled_with_a_price_colour_can_be_read(theme: Theme) -> None:
    for role in (theme.up, theme.down, theme.muted, theme.accent):
        assert contrast(role, theme.panel) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_the_three_modes_do_not_look_alike(theme: Theme) -> None:
    assert len({theme.practice, theme.paper, theme.live}) == 3


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
