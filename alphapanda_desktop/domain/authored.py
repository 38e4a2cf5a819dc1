"""People's own strategy files, as the panel lists them: no code of theirs, only what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FileState(StrEnum):
    """What may become of a file: only a READY one can be started as it stands on the disk."""

    OFF = "not enabled"
    CHECKING = "being checked"
    FAULTY = "faulty"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """One file, by its absolute path. `strategy` is the name under which it can be started, empty where it cannot.

    A faulty one may be startable still: as it was before the save that broke it.
    """

    path: str
    label: str
    sha256: str
    state: FileState
    strategy: str = ""
    problems: tuple[str, ...] = ()
    """What is wrong with it, worst first, each with file and line; warnings alone leave it ready."""
    followed: bool = False
    """Whether whatever is saved under this path is enabled."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a person is shown before they enable a file: these bytes, and no others, are enabled then."""

    path: str
    label: str
    sha256: str
    lines: tuple[str, ...]
    """Its first lines."""
    count: int
    """How many lines it has."""
    shared: bool = False
    """Whether other users of this computer may write it, or put another one in its place."""


@dataclass(frozen=True, slots=True)
class FileNews:
    """How a strategy that runs stands to its file now."""

    newer: bool = False
    """Whether another version of it is ready to be loaded."""
    off: bool = False
    """Whether the file was changed and what it holds now is not enabled."""
    problems: tuple[str, ...] = ()
    """Why what was saved last cannot be loaded."""
