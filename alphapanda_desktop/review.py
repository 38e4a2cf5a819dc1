"""The review of one venue's journal: reads it beside the desk, keeps notes, and writes its tables to the disk.

Nothing here holds up an order: the journal is read past its own thread, and results are made on another.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from alphapanda_desktop.domain.dayresults import CostsKept, priced, results_of
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.taxlots import tax_lots
from alphapanda_desktop.store.review import read_kept
from alphapanda_desktop.store.spreadsheet import csv_of, xlsx_of
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.reports import Looked, Sheet

if TYPE_CHECKING:
    from alphapanda_desktop.domain.daynotes import DayNote
    from alphapanda_desktop.domain.ordercosts import Find
    from alphapanda_desktop.domain.ports import Clock
    from alphapanda_desktop.domain.progress import Progress
    from alphapanda_desktop.store.journal import SqlJournal

T = TypeVar("T")

BREATH_S: Final = 0.0005


@dataclass(frozen=True, slots=True)
class JournalReview:
    """`ui.reportparts.Review` over the journal at `database`; files go into `reports` of the profile's `folder`."""

    folder: Path
    database: Path
    journal: SqlJournal
    find: Find
    clock: Clock
    mode: str
    costs: CostsKept = field(default_factory=dict)
    """Of days that were read before: read again after each note, a year's orders are not worked out again."""

    def today(self) -> date:
        """The day it is in India, by the venue's clock."""
        return self.clock.now().astimezone(IST).date()

    async def look(self, progress: Progress) -> Looked:
        """Results and tax lots of the whole journal as it is now. Raises Fatal where it cannot be read, Stopped."""
        return await _in_thread("review", lambda: self._look(progress))

    def _look(self, progress: Progress) -> Looked:
        def breathe() -> None:
            progress.step()
            _breathe()

        kept = read_kept(self.database, breathe)
        days = priced(kept, self.find, breathe, self.costs)
        return Looked(results_of(kept, self.find, days), tax_lots(kept, self.find, days))

    async def note(self, note: DayNote) -> None:
        """Keep a note; on the disk when this returns."""
        await self.journal.note_day(note, self.clock.now())

    async def save_csv(self, sheets: Sequence[Sheet], name: str, progress: Progress) -> Sequence[Path]:
        """Write each table as a file of its own; where. Raises OSError, and Stopped between two tables."""
        return await _in_thread(
            "save review",
            lambda: [
                self._write(f"{name}-{sheet.name}", ".csv", csv_of(sheet).encode("utf-8-sig"), progress)
                for sheet in sheets
            ],
        )

    async def save_workbook(self, sheets: Sequence[Sheet], name: str, progress: Progress) -> Sequence[Path]:
        """Write all tables as one .xlsx; where. Raises OSError, and Stopped before anything is written."""
        return await _in_thread("save review", lambda: [self._write(name, ".xlsx", xlsx_of(sheets), progress)])

    async def save_page(self, pdf: bytes, name: str, progress: Progress) -> Sequence[Path]:
        """Write a finished PDF; where. Raises OSError, and Stopped before anything is written."""
        return await _in_thread("save review", lambda: [self._write(name, ".pdf", pdf, progress)])

    def _write(self, name: str, ending: str, content: bytes, progress: Progress) -> Path:
        progress.step()
        folder = self.folder / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", f"review-{self.mode}-{name}").strip("-").lower()
        for number in count(1):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{ending}"
            with suppress(FileExistsError), path.open("xb") as file:
                file.write(content)
                return path
        raise AssertionError("numbers do not end")


def _breathe() -> None:
    """Let the loop have the interpreter: asked for by it, it would come only after five milliseconds."""
    time.sleep(BREATH_S)


async def _in_thread(name: str, work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread(name, work))
