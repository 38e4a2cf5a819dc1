"""What the review window asks for, as words between it and whoever reads the journal; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol

from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.domain.taxlots import FinancialYear, year_of
from alphapanda_desktop.trading.reports import Looked, Sheet


class Review(Protocol):
    """Reads a venue's journal, keeps notes, and writes tables into the profile's folder of reports."""

    @property
    def mode(self) -> str: ...

    def today(self) -> date:
        """The day it is in India."""
        ...

    async def look(self, progress: Progress) -> Looked:
        """Results and tax lots of the whole journal as it is now; Stopped where `progress` was."""
        ...

    async def note(self, note: DayNote) -> None:
        """Keep a note; on the disk when this returns."""
        ...

    async def save_csv(self, sheets: Sequence[Sheet], name: str, progress: Progress) -> Sequence[Path]: ...

    async def save_workbook(self, sheets: Sequence[Sheet], name: str, progress: Progress) -> Sequence[Path]: ...

    async def save_page(self, pdf: bytes, name: str, progress: Progress) -> Sequence[Path]: ...


class Period(NamedTuple):
    """Days that are looked at, both included; None for no bound."""

    name: str
    first: date | None
    last: date | None


def periods_of(days: Sequence[date], today: date) -> list[Period]:
    """What can be looked at: this financial year first, then others, then months, then everything."""
    years = sorted({year_of(day) for day in (*days, today)}, reverse=True)
    months = sorted({(day.year, day.month) for day in (*days, today)}, reverse=True)
    return [*map(_year, years), *(_month(*month) for month in months), Period("All days", None, None)]


def _year(year: FinancialYear) -> Period:
    return Period(f"Financial year {year.name}", year.first, year.last)


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    following = date(year + month // 12, month % 12 + 1, 1)
    return Period(f"{first:%B %Y}", first, date.fromordinal(following.toordinal() - 1))
