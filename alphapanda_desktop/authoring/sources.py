"""Where strategies come from: the users' folder and installed packages; which of them a person has enabled.

A file is code. It is enabled by a person, for its content (SHA-256) or, if they say so, for whatever they save under
that path; anything else is read but not executed, in a child process neither.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import StrategyError

GROUP: Final = "alphapanda.strategies"
LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """One strategy file as it was read. `entry` is "module:Class" for one of an installed package."""

    path: Path
    sha256: str
    entry: str = ""
    package: str = ""
    """Name and version of the package it came with."""

    @property
    def label(self) -> str:
        """What the screen calls it."""
        return f"{self.entry} ({self.package})" if self.entry else self.path.name


def read(path: Path, entry: str = "", package: str = "") -> tuple[Source, bytes]:
    """A file and its bytes. Raises StrategyError where it cannot be read or is too large."""
    try:
        with path.open("rb") as file:  # by what comes: a device has no size, and a file may grow meanwhile
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise StrategyError(f"{path.name} has {max(path.stat().st_size, LARGEST + 1):,} bytes, {LARGEST:,} allowed")
    except OSError as error:
        raise StrategyError(f"{path.name} cannot be read: {error.strerror}") from error
    return Source(path, hashlib.sha256(content).hexdigest(), entry, package), content


def files_in(folder: Path) -> list[Path]:
    """The strategy files of the users' folder, by name; none where there is no such folder."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".py" and path.name[0] not in "._"]
    except OSError:
        return []
    return sorted(path for path in found if path.is_file())


def packaged() -> Iterator[tuple[Path, str, str]]:
    """Path, "module:Class" and package of each strategy that an installed package offers; nothing is imported."""
    for distribution in distributions():
        for point in distribution.entry_points:
            path = _file_of(distribution, point) if point.group == GROUP else None
            if path is not None:
                yield path, point.value, f"{distribution.metadata['Name']} {distribution.version}"


def _file_of(distribution: Distribution, point: EntryPoint) -> Path | None:
    module = point.value.partition(":")[0].strip().replace(".", "/")
    for file in distribution.files or ():
        if file.as_posix() in (f"{module}.py", f"{module}/__init__.py"):
            return Path(str(distribution.locate_file(file)))
    return None


class Enabled:
    """What a person has enabled, kept in one JSON file that only they can write."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hashes: dict[str, str] = {}
        """Path by SHA-256, for a person to read."""
        self._followed: set[str] = set()
        self._load()

    def has(self, source: Source) -> bool:
        """Whether this file, as it is now, may be executed in a child process."""
        return source.sha256 in self._hashes or str(source.path) in self._followed

    def follows(self, path: Path) -> bool:
        """Whether whatever is saved under this path is enabled."""
        return str(path) in self._followed

    def enable(self, source: Source, *, follow: bool = False) -> None:
        """Allow this content; with `follow` whatever the person saves under this path later, too."""
        self._hashes[source.sha256] = str(source.path)
        if follow:
            self._followed.add(str(source.path))
        self._save()

    def disable(self, source: Source) -> None:
        """Allow it no more, under any of its contents."""
        self._hashes = {
            digest: path
            for digest, path in self._hashes.items()
            if path != str(source.path) and digest != source.sha256
        }
        self._followed.discard(str(source.path))
        self._save()

    def _load(self) -> None:
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
            self._hashes = {str(digest): str(path) for digest, path in told["hashes"].items()}
            self._followed = {str(path) for path in told["followed"]}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StrategyError(f"the list of enabled strategies {self._file} cannot be read: {error!r}") from error

    def _save(self) -> None:
        try:
            self._write({"hashes": self._hashes, "followed": sorted(self._followed)})
        except OSError as error:
            raise StrategyError(f"{self._file} cannot be written: {error.strerror}; it holds until the end") from error

    def _write(self, told: dict[str, object]) -> None:
        fresh = self._file.with_suffix(".new")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=2, sort_keys=True)
        fresh.replace(self._file)
