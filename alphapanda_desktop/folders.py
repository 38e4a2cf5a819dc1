"""Where a profile keeps its things."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Fatal

LABEL_FILE: Final = "profile.json"
"""In a profile's folder: what a person calls it. Not in its settings, which a window that has it open writes."""


def data_dir(profile: str, chosen: Path | None = None) -> Path:
    """Folder of a profile, made if missing, readable by its owner only. Raises Fatal where that fails."""
    if profile in ("", ".", "..") or Path(profile).name != profile:
        raise Fatal(f"{profile!r} cannot name a profile: use letters, digits and dashes.")
    path = root_dir(chosen) / "profiles" / profile
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            path.parent.chmod(0o700)  # who may write there could put another folder in its place
            path.chmod(0o700)
    except OSError as error:
        raise Fatal(
            f"The data folder {path} cannot be used: {error.strerror}. Choose another with --data-dir."
        ) from error
    return path


def root_dir(chosen: Path | None = None) -> Path:
    """Where all profiles lie. Absolute: secrets are kept by it, and must not be others from another folder."""
    return (chosen or _users_own()).absolute()


def label_in(folder: Path) -> str:
    """What a person calls the profile in that folder; empty where it has no label, or none that can be shown."""
    path = folder / LABEL_FILE
    if not path.exists():
        return ""
    import json  # not before there is something to read: the first paint waits for this

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    label = raw.get("label") if isinstance(raw, dict) else None
    return label if isinstance(label, str) and label.isprintable() else ""


def title_of(folder: Path, name: str) -> str:
    """How a window's title tells the profile apart: its label, else its name; that of the usual one says nothing."""
    return label_in(folder) or ("" if name == "default" else name)


def replay_dir(profile: Path, recordings: Sequence[str]) -> Path:
    """Folder of a replay within a profile's: the same for the same files, and with the profile's settings at first.

    Raises Fatal where it cannot be made.
    """
    whole = [str(Path(name).absolute()) for name in recordings]
    mark = hashlib.sha256("\n".join(whole).encode()).hexdigest()[:8]
    path = profile / "replays" / f"{Path(whole[0]).name.partition('.')[0]}-{mark}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings, own = profile / "settings.json", path / "settings.json"
        if settings.exists() and not own.exists():
            shutil.copy(settings, own)
    except OSError as error:
        raise Fatal(f"The folder of the replay {path} cannot be used: {error.strerror}.") from error
    return path


def resources() -> Path:
    """Icons and the like: beside the package in a checkout, inside it when installed or frozen."""
    inside = Path(__file__).parent / "resources"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "resources"


def _users_own() -> Path:
    from platformdirs import user_data_path

    return user_data_path("alphapanda", appauthor=False)
