"""What the window remembers between runs, kept in the profile's settings."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.ui.shell import Remembered


def remembered_window(settings: settings_.Settings, path: Path, mode: Callable[[], str]) -> Remembered:
    """What the window remembers, and how it says that it changed."""

    def save(name: str, value: object) -> None:
        window = settings.window
        if name == "layout" and isinstance(value, bytes):
            window.layout = base64.b64encode(value).decode("ascii")
        elif name == "watch_keys" and isinstance(value, list):
            window.watchlist = {**window.watchlist, mode(): [str(key) for key in value]}
        elif name == "chart_key":
            window.chart = {**window.chart, mode(): str(value)}
        elif name == "theme":
            window.theme = "light" if value == "light" else "dark"
        settings_.save(settings, path)

    layout = base64.b64decode(settings.window.layout) if settings.window.layout else b""
    return Remembered(theme=settings.window.theme, layout=layout, save=save)
