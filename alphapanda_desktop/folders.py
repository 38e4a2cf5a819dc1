"""Where a profile keeps its things."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from alphapanda_desktop.domain.errors import Fatal


def data_dir(profile: str, chosen: Path | None = None) -> Path:
    """Folder of a profile, made if missing, readable by its owner only. Raises Fatal where that fails."""
    if profile in ("", ".", "..") or Path(profile).name != profile:
        raise Fatal(f"{profile!r} cannot name a profile: use letters, digits and dashes.")
    path = (chosen or _users_own()) / "profiles" / profile
    try:
        path.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            path.chmod(0o700)
    except OSError as error:
        raise Fatal(
            f"The data folder {path} cannot be used: {error.strerror}. Choose another with --data-dir."
        ) from error
    return path


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
