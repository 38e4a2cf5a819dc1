"""Colours by what they mean, fonts with digits of one width, and Qt's palette made from both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Final, Literal

from PySide6.QtCore import QObject, Signal, SignalInstance
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

Role = Literal[
    "window", "panel", "raised", "border", "grid", "selection", "text", "muted", "accent", "up", "down", "unchanged",
    "buy", "sell", "buy_button", "sell_button", "on_button", "warn", "danger", "kill", "good", "unknown",
    "practice", "paper", "live", "replay",
]  # fmt: skip

FONTS: Final = ("Noto Sans", "Noto Sans Devanagari", "Inter", "Segoe UI", "Helvetica Neue", "DejaVu Sans")
FONT_POINTS: Final = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # what nobody asks for takes a millisecond to make
class Theme:
    """One set of colours, each named for what it says, as #rrggbb.

    Surfaces: window, panel (tables, charts), raised (buttons, headers), border, grid, selection. Words: text,
    muted. Prices: up, down, unchanged. Orders: buy and sell as words, *_button as grounds for on_button.
    States: good, warn, danger, unknown; kill is a button's ground. Modes: practice, paper, live, replay.
    """

    name: str
    window: str
    panel: str
    raised: str
    border: str
    grid: str
    selection: str
    text: str
    muted: str
    accent: str
    up: str
    down: str
    unchanged: str
    buy: str
    sell: str
    buy_button: str
    sell_button: str
    on_button: str
    warn: str
    danger: str
    kill: str
    good: str
    unknown: str
    practice: str
    paper: str
    live: str
    replay: str

    def colour(self, role: Role) -> QColor:
        """The colour as Qt takes it; do not change it, it is shared."""
        return _colour(getattr(self, role))

    @property
    def look(self) -> tuple[str, str]:
        """Name and pair: tells one set of colours from another, for who keeps something made of them."""
        return self.name, self.pair

    @property
    def pair(self) -> str:
        """Which of PAIRS what rises and falls is painted in."""
        return PAIRS[self.up != THEMES[self.name].up]

    def colours(self) -> dict[str, str]:
        """Every role with its colour."""
        return {role: getattr(self, role) for role in ROLES}

    def follow(self, slot: Callable[[], object]) -> None:
        """Call `slot` after every change of these colours; never, where they are a constant.

        Who paints with the colours that it finds need not: all is painted anew. It is for who keeps pictures.
        A method of a QObject is forgotten with it.
        """


class LiveTheme(Theme):
    """The colours that a window wears now: the same object for ever, whatever they are changed to.

    Signal: `changed()`, after Qt's own palette, style sheets and rich text have followed (`ui.recolour`).
    """

    __slots__ = ("_voice", "app")
    _voice: _Voice
    app: QApplication | None
    """The program that wears them; without one there is nothing to be changed."""

    def __init__(self, theme: Theme, app: QApplication | None = None) -> None:
        object.__setattr__(self, "_voice", _Voice())
        object.__setattr__(self, "app", app)
        self.take(theme)

    @property
    def changed(self) -> SignalInstance:
        return self._voice.changed

    def take(self, theme: Theme) -> None:
        """Be these colours from now on, without a word."""
        for name in ("name", *ROLES):
            object.__setattr__(self, name, getattr(theme, name))

    def follow(self, slot: Callable[[], object]) -> None:
        self.changed.connect(slot)


class _Voice(QObject):
    changed = Signal()


ROLES: Final = tuple(field.name for field in fields(Theme) if field.name != "name")


DARK: Final = Theme(
    name="dark",
    window="#0f1216",
    panel="#161a20",
    raised="#222831",
    border="#343c48",
    grid="#232932",
    selection="#1e2c42",
    text="#e8ebf0",
    muted="#9ba6b5",
    accent="#6aa5ff",
    up="#2fc28b",
    down="#ff6370",
    unchanged="#c3cad4",
    buy="#6aa5fe",
    sell="#ff8a5b",
    buy_button="#2463d1",
    sell_button="#c5420f",
    on_button="#ffffff",
    warn="#f2b544",
    danger="#ff6b6b",
    kill="#c62832",
    good="#2fc28c",
    unknown="#bb93ff",
    practice="#2fd0bd",
    paper="#a5b4c9",
    live="#ff6060",
    replay="#ff86d0",
)

LIGHT: Final = Theme(
    name="light",
    window="#eceff3",
    panel="#ffffff",
    raised="#f3f5f8",
    border="#c2cad4",
    grid="#e7ebf0",
    selection="#d5e4fb",
    text="#171b21",
    muted="#525d6b",
    accent="#1257c0",
    up="#087044",
    down="#be1e31",
    unchanged="#3c4653",
    buy="#1257c1",
    sell="#b03a0b",
    buy_button="#1f5fce",
    sell_button="#c5420f",
    on_button="#fffffe",
    warn="#835400",
    danger="#bd1e2c",
    kill="#c62832",
    good="#087045",
    unknown="#6d3ad0",
    practice="#086a61",
    paper="#4a5a70",
    live="#c01f2a",
    replay="#a01774",
)

THEMES: Final = {theme.name: theme for theme in (DARK, LIGHT)}

PAIRS: Final = ("green and red", "blue and orange")
"""What rises and what falls. The second is told apart by every eye; both have signs and shapes beside them."""

_BLUE_AND_ORANGE: Final = {
    "dark": {"up": "#52b6ff", "down": "#ff9a45", "good": "#52b6fe"},
    "light": {"up": "#005ea8", "down": "#9c4600", "good": "#005ea9"},
}


@cache
def themed(name: str, pair: str = PAIRS[0]) -> Theme:
    """Dark or light, with the pair of colours for what rises and falls; what is unknown is the first."""
    theme = THEMES.get(name, DARK)
    return replace(theme, **_BLUE_AND_ORANGE[theme.name]) if pair == PAIRS[1] else theme


@cache
def _colour(text: str) -> QColor:
    return QColor(text)


def contrast(one: str, other: str) -> float:
    """Contrast of two #rrggbb colours, 1 to 21.  Source: WCAG 2.2, relative luminance."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(text: str) -> float:
    parts = [int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ui_font(points: float = FONT_POINTS, *, bold: bool = False) -> QFont:
    """The program's font: the first of FONTS that this machine has, with digits of one width."""
    font = QFont()
    present = set(QFontDatabase.families())
    font.setFamilies([name for name in FONTS if name in present] or [font.defaultFamily()])
    font.setPointSizeF(points)
    font.setBold(bold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def apply(app: QApplication, theme: Theme) -> None:
    """Give the whole program these colours, Fusion's looks and its font; the style sheet is for `clothes`."""
    app.setStyle("Fusion")
    dress(app, theme)


STYLE: Final = ("-style", "fusion")
"""The same style as arguments of the QApplication: `setStyle` makes Python know all of QStyle, which takes 7 ms."""


def dress(app: QApplication, theme: Theme) -> None:
    """`apply` for an application that was made with `STYLE`."""
    app.setFont(ui_font())
    app.setPalette(palette_of(theme))


def palette_of(theme: Theme) -> QPalette:
    """Qt's palette made from a theme."""
    palette = QPalette()
    for role, text in _palette_roles(theme).items():
        palette.setColor(role, QColor(text))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return palette


def _palette_roles(theme: Theme) -> dict[QPalette.ColorRole, str]:
    role = QPalette.ColorRole
    return {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.danger,
        role.Light: theme.border,
        role.Midlight: theme.raised,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Link: theme.accent,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
    }


def style_sheet(theme: Theme) -> str:
    """The few looks that a palette cannot say. Order buttons carry the property `order` = "BUY" or "SELL"."""
    sheet = _SHEET
    for name in sorted(ROLES, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", getattr(theme, name))
    return sheet


_SHEET: Final = """
QToolTip { color: @text; background: @raised; border: 1px solid @border; padding: 4px; }
QHeaderView { background: @raised; border: 0; }
QHeaderView::section {
    background: @raised; color: @muted; border: 0; border-bottom: 1px solid @border; padding: 4px 8px; }
QTableView {
    background: @panel; border: 0; selection-background-color: @selection; selection-color: @text; outline: 0; }
QTableView[popup="true"] { background: @raised; border: 1px solid @accent; }
QDockWidget::title { background: @window; color: @muted; padding: 5px 8px; }
QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox {
    background: @panel; border: 1px solid @border; border-radius: 3px; padding: 4px 6px; }
QLineEdit:focus, QPlainTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border-color: @accent; }
QPushButton, QToolButton { background: @raised; border: 1px solid @border; border-radius: 3px; padding: 4px 10px; }
QPushButton:hover, QToolButton:hover { border-color: @muted; }
QPushButton:focus, QToolButton:focus { border-color: @accent; }
QPushButton:disabled, QToolButton:disabled { color: @muted; background: @window; }
QToolButton { padding: 3px 9px; }
QToolButton:checked { background: @selection; color: @accent; }
QPushButton[order="BUY"] { background: @buy_button; color: @on_button; border-color: @buy_button; font-weight: 600; }
QPushButton[order="SELL"] { background: @sell_button; color: @on_button; border-color: @sell_button; font-weight: 600; }
QPushButton[order="KILL"] { background: @kill; color: @on_button; border-color: @kill; font-weight: 700; }
QPushButton[order]:hover { border-color: @text; }
QPushButton[order]:disabled { background: @window; color: @muted; border-color: @border; }
QTabBar::tab { background: @window; color: @muted; padding: 6px 12px; border: 0; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QTabBar::tab:hover { color: @text; }
QSplitter::handle, QMainWindow::separator { background: @border; }
QMainWindow::separator { width: 3px; height: 3px; }
QScrollBar:vertical { background: @panel; width: 10px; margin: 0; }
QScrollBar:horizontal { background: @panel; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; min-height: 24px; min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {
    background: none; border: 0; width: 0; height: 0; }
QMenu { background: @raised; border: 1px solid @border; }
QMenu::item:selected { background: @selection; }
"""
