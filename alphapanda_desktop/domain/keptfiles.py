"""What a profile keeps on the disk, as a person may look at it and clean it up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One thing that is kept: a day's recording, an instrument's candles, a report. `size` is bytes.

    `name` is its path below the profile, `told` what it is in words. `stays` says why it may not be removed, and is
    empty where it may.
    """

    kind: str
    name: str
    told: str
    size: int
    changed_at: datetime
    stays: str = ""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Everything that a profile keeps, and how much of its disk is free, in bytes."""

    folder: str
    files: tuple[KeptFile, ...]
    free: int

    @property
    def size(self) -> int:
        return sum(one.size for one in self.files)
