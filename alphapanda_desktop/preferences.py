"""The settings as the settings sheet shows them: which sections, which values, and how they get onto the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, create_model

from alphapanda_desktop.settings import OVERRIDE, Settings, save
from alphapanda_desktop.ui.settingssheet import Section

SECTIONS: Final = {
    "general": "Program",
    "window": "Window",
    "account": "Zerodha account",
    "paper": "Paper trading",
    "practice": "Practice exchange",
    "recording": "Recording of the market",
    "strategies": "Strategies' processes",
    "notices": "Alerts and notices",
    "updates": "Updates",
}
"""In the order of the sheet. Of each, what has a title is a person's to change; the rest the program remembers."""

ELSEWHERE: Final = {
    "risk limits loss orders per second rate quantity price band foreign": "Limits are under Trade › Limits (F8).",
    "telegram mail smtp chat bot delivery": "Alerts outside this computer are under Alerts › By Telegram and e-mail.",
    "keys shortcuts keyboard": "Keys are listed under Help › Keys (F1).",
    "watchlist list columns": "Watchlists are changed in the watchlist itself.",
    "secret password token keyring": "Secrets are in the system's keyring, never among the settings.",
    "profile account label": "Profiles are under File › Profiles (Ctrl+Shift+O).",
}
"""Where a setting is that a person may look for here, by the words it may be looked for with."""


class Preferences:
    """ui.settingssheet.Keeper over the profile's settings file."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings = settings
        self._path = path

    def sections(self) -> Sequence[Section]:
        return [self._section(name, title) for name, title in SECTIONS.items()]

    def elsewhere(self, words: Sequence[str]) -> str:
        """Where that is set, if not here; empty where nobody knows."""
        found = [where for about, where in ELSEWHERE.items() if all(_is_in(word, about) for word in words)]
        return found[0] if words and found else ""

    def _section(self, name: str, title: str) -> Section:
        section = getattr(self._settings, name)
        set_outside = sorted(field for where, field in self._settings.overridden if where == name)
        fixed = {field: f"Set for this run by {OVERRIDE}{f'{name}__{field}'.upper()}." for field in set_outside}
        shown = _shown(type(section))
        return Section(name, title, shown, section.model_dump(include=set(shown.model_fields)), fixed)

    def keep(self, values: Mapping[str, Mapping[str, object]]) -> None:
        wanted = self._settings.model_copy(deep=True)
        for name, fields in values.items():
            for field, value in fields.items():
                setattr(getattr(wanted, name), field, value)
        save(wanted, self._path)
        for name in values:
            setattr(self._settings, name, getattr(wanted, name))


def _is_in(word: str, about: str) -> bool:
    """Whether a word, as far as it is typed, begins one of those."""
    return any(known.startswith(word) for known in about.split())


def _shown(section: type[BaseModel]) -> type[BaseModel]:
    """The section with what a person may change alone."""
    fields: dict[str, Any] = {name: (own.annotation, own) for name, own in section.model_fields.items() if own.title}
    return create_model(section.__name__, __doc__=section.__doc__, **fields)
