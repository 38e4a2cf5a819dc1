"""What a profile keeps on the disk, looked at and cleaned up on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from alphapanda_desktop.store.diskuse import disk_use, remove
from alphapanda_desktop.store.threads import in_daemon_thread

if TYPE_CHECKING:
    from alphapanda_desktop.domain.keptfiles import DiskUse


@dataclass(frozen=True, slots=True)
class DataRoom:
    """`ui.datamanager.Room` of one profile; `today` is the Indian day that is being recorded."""

    folder: Path
    today: Callable[[], date]

    async def disk(self) -> DiskUse:
        """Everything that is kept, now. Raises OSError."""
        day = self.today()
        return await asyncio.wrap_future(in_daemon_thread("disk use", lambda: disk_use(self.folder, day)))

    async def clean_up(self, names: Sequence[str]) -> int:
        """Remove these; bytes that went. Raises Refused for what stays, OSError where the disk refuses."""
        day = self.today()
        return await asyncio.wrap_future(in_daemon_thread("clean up", lambda: remove(self.folder, day, names)))
