"""What a new version is announced with, and the rules by which it may be offered.

A signature only says that the owner wrote an announcement once; that it is of now, and of something newer, is said
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from alphapanda_desktop.domain.risk import Refusal

KIND: Final = "alphapanda-release-1"
"""What every announcement begins with: the same key may sign other things, which must not pass for one."""
AHEAD: Final = timedelta(days=1)
"""So far may an announcement's time be ahead of this computer's clock."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release: for which system, its name beside the announcement, bytes, and SHA-256 in hex."""

    system: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """One announcement. `least_database` is the oldest schema of a journal that this version can take over."""

    version: str
    issued: datetime
    expires: datetime
    least_database: str
    notes: str
    files: tuple[ReleaseFile, ...]

    def file_for(self, system: str, ending: str) -> ReleaseFile | None:
        """The file for that system: the one that ends so, else its first, else None."""
        mine = [file for file in self.files if file.system == system]
        return next((file for file in mine if file.name.endswith(ending)), mine[0] if mine else None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A newer version, and its file for this computer; None where it has none for it."""

    release: Release
    file: ReleaseFile | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest announcement that was believed here: when it was issued, of what, and its files' SHA-256 by name."""

    issued: datetime
    version: str
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, release: Release) -> Seen:
        return cls(release.issued, release.version, {file.name: file.sha256 for file in release.files})


class Known(NamedTuple):
    """What this computer knows: the version that runs, the time, the newest announcement seen, schemas of journals."""

    running: str
    now: datetime
    seen: Seen | None = None
    databases: tuple[str, ...] = ()


def rank(version: str) -> tuple[int, ...]:
    """Versions in their order: 1.10 comes after 1.9, and 1.0 is 1.0.0."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def stale(release: Release, known: Known) -> Refusal | None:
    """Why an announcement says nothing of now: over, shown again though there was a newer one, or of a time to come."""
    if known.now > release.expires:
        return Refusal("expired", f"The announcement of {release.version} held until {release.expires:%d %b %Y}, and "
            f"this computer's clock says {known.now:%d %b %Y}. If the clock is right, its sender may keep newer ones "
            "from you: ask again later, or look at its page.")  # fmt: skip
    if release.issued > known.now + AHEAD:
        return Refusal("clock", f"The announcement is of {release.issued:%d %b %Y}, which is to come: "
            "look at this computer's clock.")  # fmt: skip
    return _gone_back(release, known.seen) if known.seen is not None else None


def _gone_back(release: Release, seen: Seen) -> Refusal | None:
    """Why what is announced now cannot follow on what was seen: whoever announces only ever goes on."""
    if release.issued < seen.issued:
        return Refusal("replay", f"The announcement is of {release.issued:%d %b %Y %H:%M} UTC, and one of "
            f"{seen.issued:%d %b %Y %H:%M} was seen here before: an old one is shown again.")  # fmt: skip
    if rank(release.version) < rank(seen.version):
        return Refusal("withdrawn", f"Version {release.version} is announced, and {seen.version} was seen here before: "
            "an older version is never offered after a newer one.")  # fmt: skip
    if rank(release.version) == rank(seen.version):
        other = next((file.name for file in release.files if seen.files.get(file.name, file.sha256) != file.sha256), "")
        if other:
            return Refusal("changed", f"{other} of version {release.version} was announced before with another "
                "SHA-256: a version that is out does not change. Ask its maker what happened.")  # fmt: skip
    return None


def unfit(release: Release, known: Known) -> Refusal | None:
    """Why this version must not take the place of the one that runs, though it is announced as it should be."""
    if rank(release.version) < rank(known.running):
        return Refusal("downgrade", f"Version {release.version} is announced, and {known.running} runs: "
            "an older program is never put in the place of a newer one.")  # fmt: skip
    older = oldest(known.databases)
    if older and older < release.least_database:
        return Refusal("database", f"Version {release.version} takes over journals from schema "
            f"{release.least_database} on, and one here is of {older}: "
            "install a version between them first.")  # fmt: skip
    return None


def oldest(schemas: Iterable[str]) -> str:
    """The oldest of the schemas, empty where there is none."""
    return min(schemas, default="")
