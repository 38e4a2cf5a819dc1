"""How one program is to be run, as its command line says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alphapanda_desktop.venues.venue import ZERODHA, PracticeOptions, ReplayOptions, Roots

if TYPE_CHECKING:
    from alphapanda_desktop.domain.ports import Vault


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. `vault` stands in for the keyring where a caller brings its own."""

    mode: str | None
    profile: str
    folder: Path
    practice: PracticeOptions = field(default_factory=PracticeOptions)
    vault: Vault | None = None
    roots: Roots = ZERODHA
    replay: ReplayOptions | None = None
    own: Path | None = None
    """Where a window keeps what is not the profile's: a replay's journal and settings."""

    @property
    def settings_file(self) -> Path:
        return (self.own or self.folder) / "settings.json"

    def database(self, mode: str) -> Path:
        return (self.own or self.folder) / f"{mode}.sqlite"
