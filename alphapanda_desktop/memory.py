"""What the window remembers between runs, kept in the profile's settings; its looks are read before they are.

The settings' models take a tenth of a second to import. The first paint needs three words of them, so these are read
by hand: what is wrong with the file is for the real reader to say, in the window.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphapanda_desktop.ui.lastrun import Remembered

if TYPE_CHECKING:
    from concurrent.futures import Future

    from alphapanda_desktop.settings import Settings

THEMES = ("dark", "light")
PAIRS = ("green and red", "blue and orange")
LANGUAGES = ("English", "हिन्दी")
SCALES = range(100, 201)
FOR_WINDOW = "ALPHAPANDA_SET_WINDOW__"
GIVEN = ("theme", "pair", "language", "scale")
"""Looks that the environment may set for a run."""
MODES = ("practice", "paper", "live")


@dataclass(frozen=True, slots=True, repr=False)
class Looks:
    """How the window was left; `mode` is None where none was chosen yet or the file cannot be read."""

    mode: str | None = None
    theme: str = "dark"
    pair: str = PAIRS[0]
    language: str = LANGUAGES[0]
    scale: int = 100
    """Of everything in the window, in per cent."""
    screen: str = ""
    """Pixels of the screen that the window was on last, as "1600x900"."""
    layout: bytes = b""
    guide: bool = False
    """Whether the guided first run goes on."""
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    """Keys of the person's own, by action."""
    unasked: frozenset[str] = frozenset()
    """Modes in which a ticket sends its order without showing it once more."""


def looks_of(path: Path, environ: Mapping[str, str] = os.environ, *, newcomer: bool = False) -> Looks:
    """The looks in a settings file, the environment's own over them; the defaults for what is missing or wrong.

    A `newcomer` is guided where there is no file yet.
    """
    guided = newcomer and not path.exists()
    raw = _with_environment(_read(path), environ)
    mode, theme = _at(raw, "general", "mode"), _at(raw, "window", "theme")
    pair, language, scale = (_under(raw, "window", name) for name in ("pair", "language", "scale"))
    return Looks(
        mode=mode if mode in MODES else None,
        theme=theme if theme in THEMES else "dark",
        pair=pair if pair in PAIRS else PAIRS[0],
        language=language if language in LANGUAGES else LANGUAGES[0],
        scale=scale if type(scale) is int and scale in SCALES else 100,
        screen=_at(raw, "window", "screen") or "",
        layout=_bytes_of(_at(raw, "window", "layout")),
        guide=guided or _under(raw, "window", "guide") is True,
        shortcuts=_texts_of(_under(raw, "window", "shortcuts")),
        unasked=frozenset(mode for mode in (*MODES, "replay") if _under(raw, "window", "ask_first", mode) is False),
    )


def _read(path: Path) -> Any:
    if not path.exists():
        return {}
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _with_environment(raw: Any, environ: Mapping[str, str]) -> Any:
    """What `Settings.override` will take for this run, as far as the window is built with it."""
    given = {name: environ[f"{FOR_WINDOW}{name.upper()}"] for name in GIVEN if f"{FOR_WINDOW}{name.upper()}" in environ}
    if not given or not isinstance(raw, dict):
        return raw
    beneath = _under(raw, "window")
    scale = given.get("scale", "")
    number = {"scale": int(scale)} if scale.isdecimal() else {}
    return {**raw, "window": {**(beneath if isinstance(beneath, dict) else {}), **given, **number}}


def _at(raw: Any, *names: str) -> Any:
    found = _under(raw, *names)
    return found if isinstance(found, str) else None


def _under(raw: Any, *names: str) -> Any:
    for name in names:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def _texts_of(raw: Any) -> dict[str, str]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    return {name: key for name, key in pairs if isinstance(key, str)}


def _bytes_of(layout: str | None) -> bytes:
    try:
        return base64.b64decode(layout or "", validate=True)
    except ValueError:
        return b""


class WindowMemory:
    """Keeps what the window tells, in the settings once they are there."""

    def __init__(self, path: Path, looks: Looks, mode: Callable[[], str]) -> None:
        self._path = path
        self._looks = looks
        self._mode = mode
        self._settings: Settings | None = None
        self._early: list[tuple[str, object]] = []

    def remembered(self) -> Remembered:
        """What the window is built with."""
        looks = self._looks
        return Remembered(
            theme=looks.theme,
            pair=looks.pair,
            layout=looks.layout,
            save=self.keep,
            save_later=self.keep_later,
            unasked=looks.unasked,
            guide=looks.guide,
            shortcuts=looks.shortcuts,
            scale=looks.scale,
        )

    def settle(self, settings: Settings) -> None:
        """The settings are there: keep in them what was told before and what will be."""
        self._settings = settings
        early, self._early = self._early, []
        for name, value in early:
            self.keep(name, value)

    def keep(self, name: str, value: object) -> None:
        """Remember "layout", "watch_lists", "chart_key", "theme", "pair", "screen", "shortcuts", "guide", "ask_first".

        Raises Fatal where the disk does not take it.
        """
        if self._settings is None:
            self._early.append((name, value))
            return
        from alphapanda_desktop.settings import save

        if self._take(self._settings, name, value):
            save(self._settings, self._path)

    def keep_later(self, name: str, value: object) -> Future[None] | None:
        """`keep` on another thread, begun when this returns; None where there is nothing to be written."""
        if self._settings is None:
            self._early.append((name, value))
            return None
        from alphapanda_desktop.settings import saving
        from alphapanda_desktop.store.threads import in_daemon_thread

        if not self._take(self._settings, name, value):
            return None
        return in_daemon_thread("settings", saving(self._settings, self._path))

    def _take(self, settings: Settings, name: str, value: object) -> bool:
        """Put it in the settings; whether there is anything to be saved."""
        window = settings.window
        if name == "layout" and isinstance(value, bytes):
            window.layout = base64.b64encode(value).decode("ascii")
            self._looks = replace(self._looks, layout=value)  # for another window of this run
        elif name == "watch_lists" and isinstance(value, tuple):
            lists, shown = value
            kept, mode = settings.watchlists, self._mode()
            kept.lists, kept.shown = {**kept.lists, mode: list(lists)}, {**kept.shown, mode: shown}
            # What the day's change report is made for, whichever list it is in.
            keys = dict.fromkeys(key for each in lists for key in each.keys)
            window.watchlist = {**window.watchlist, mode: list(keys)}
        elif name == "chart_key":
            window.chart = {**window.chart, self._mode(): str(value)}
        elif name == "theme":
            window.theme = "light" if value == "light" else "dark"
        elif name == "shortcuts" and isinstance(value, dict):
            window.shortcuts = value
            self._looks = replace(self._looks, shortcuts=value)
        elif name == "screen":
            if window.screen == value:
                return False
            window.screen = str(value)
        elif name == "pair":
            window.pair = "blue and orange" if value == "blue and orange" else "green and red"
        elif name == "guide":
            window.guide = bool(value)
            self._looks = replace(self._looks, guide=window.guide)
        elif name == "ask_first":
            window.ask_first = {**window.ask_first, self._mode(): bool(value)}
        return True
