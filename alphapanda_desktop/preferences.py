"""The settings as the settings sheet shows them: which sections, which values, and how they get onto the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from alphapanda_desktop.settings import OVERRIDE, Settings, save
from alphapanda_desktop.ui.settingssheet import Section

SECTIONS: Final = {
    "paper": "Paper trading",
    "practice": "Practice exchange",
    "recording": "Recording of the market",
    "strategies": "Strategies' processes",
    "notices": "Alerts and notices",
}
"""What has no page or sheet of its own, in the order of the sheet."""


class Preferences:
    """ui.settingssheet.Keeper over the profile's settings file."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self._settings = settings
        self._path = path

    def sections(self) -> Sequence[Section]:
        return [self._section(name, title) for name, title in SECTIONS.items()]

    def _section(self, name: str, title: str) -> Section:
        section = getattr(self._settings, name)
        set_outside = sorted(field for where, field in self._settings.overridden if where == name)
        fixed = {field: f"Set for this run by {OVERRIDE}{f'{name}__{field}'.upper()}." for field in set_outside}
        return Section(name, title, type(section), section.model_dump(), fixed)

    def keep(self, values: Mapping[str, Mapping[str, object]]) -> None:
        wanted = self._settings.model_copy(deep=True)
        for name, fields in values.items():
            for field, value in fields.items():
                setattr(getattr(wanted, name), field, value)
        save(wanted, self._path)
        for name in values:
            setattr(self._settings, name, getattr(wanted, name))
