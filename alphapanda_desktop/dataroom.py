"""What a profile keeps on the disk, looked at and cleaned up on a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from alphapanda_desktop.single import LOCK, hold
from alphapanda_desktop.store.diskuse import InUse, disk_use, remove
from alphapanda_desktop.store.threads import in_daemon_thread

if TYPE_CHECKING:
    from alphapanda_desktop.domain.keptfiles import DiskUse
    from alphapanda_desktop.domain.progress import Progress


@dataclass(frozen=True, slots=True)
class DataRoom:
    """`ui.datamanager.Room` of one profile; `today` is the Indian day that is being recorded."""

    folder: Path
    today: Callable[[], date]
    tested: Callable[[], bool] = lambda: False
    """Whether a backtest or a sweep is playing."""

    async def disk(self, progress: Progress | None = None) -> DiskUse:
        """Everything that is kept, now. Raises OSError, or Stopped."""
        used = self._used()
        return await asyncio.wrap_future(in_daemon_thread("disk use", lambda: disk_use(self.folder, used, progress)))

    async def clean_up(self, names: Sequence[str], progress: Progress | None = None) -> int:
        """Remove these; bytes that went. Raises Refused for what stays, OSError where the disk refuses, or Stopped."""
        used = self._used()
        work = in_daemon_thread("clean up", lambda: remove(self.folder, used, names, progress))
        return await asyncio.wrap_future(work)

    def _used(self) -> InUse:
        return InUse(self.today(), is_open, self.tested())


def is_open(folder: Path) -> bool:
    """Whether a window has taken that folder: its lock is held."""
    if not (folder / LOCK).is_file():
        return False
    held = hold(folder)
    if held is not None:
        held.release()
    return held is None
