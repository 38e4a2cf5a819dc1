"""Past candles from Kite, kept on the disk: only days that are not there are asked for, and what lacks is named.

The open day is never kept. Kite changes old prices when a share is split: where days that are fetched meet days that
are kept, one day is fetched twice and compared; if its prices are others now, all of the series is fetched anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar, final

import numpy as np

from alphapanda_desktop.domain.bars import Table
from alphapanda_desktop.domain.candlegaps import Missing, missing_of
from alphapanda_desktop.domain.errors import BadData, Retry
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.store.candlefiles import (
    DAY_S,
    CandleFiles,
    Days,
    Kept,
    SeriesName,
    begins_s,
    day_of,
    joined,
    part,
)
from alphapanda_desktop.store.threads import in_daemon_thread

T = TypeVar("T")

TRIES: Final = 4
"""How often a page is asked for that Kite cannot answer now."""

SEAM_DAYS: Final = 12
"""How far a kept day may be from a fetched one to be compared with it: no exchange is shut for longer."""

Pages = Callable[[datetime, datetime, Interval], Sequence[tuple[datetime, datetime]]]
"""The spans that one request each may ask for, together from the first moment to the second."""

Progress = Callable[[int, int], None]
"""Told pages done and pages in all."""


def folder_of(profile: Path, venue: str) -> Path:
    """Where a profile keeps a venue's candles: made-up prices never lie beside real ones."""
    return profile / "history" / venue


class Candles(Protocol):
    """Whoever is asked for what is not kept."""

    async def candles(
        self, instrument: Instrument, interval: Interval, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[Bar]:
        """Bars from start to end, oldest first, the running one included and marked not closed."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """Closed candles of some days, oldest first, and what is to be said about them."""

    instrument: Instrument
    interval: Interval
    first: date
    last: date
    table: Table
    missing: Missing
    fetched: int
    """Pages that were asked for; none where all of it was kept."""
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What was done to get it and what lacks, in words."""
        return [*self.notes, *self.missing.lines()]


@final
class CandleHistory:
    """History of one venue, from one loop; `folder` is that venue's own. `told` hears of damage to what is kept."""

    def __init__(
        self, source: Candles, pages: Pages, folder: Path, clock: Clock, told: Callable[[str], None] = lambda _: None
    ) -> None:
        self._source = source
        self._pages = pages
        self._files = CandleFiles(folder, self._hear)
        self._clock = clock
        self._told = told
        self._loop: asyncio.AbstractEventLoop | None = None

    def _hear(self, text: str) -> None:
        """Carry what the files' thread has to tell to the loop, where it may be shown."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._told, text)

    async def past(
        self,
        instrument: Instrument,
        interval: Interval,
        first: date,
        last: date,
        *,
        continuous: bool = False,
        has_derivatives: bool = False,
        progress: Progress | None = None,
    ) -> Past:
        """Candles of these Indian days, both included; days to come are left out.

        What was fetched before it is cancelled or fails is kept. Raises BadData where `first` is after `last`, and
        what the source does.
        """
        self._loop, now = asyncio.get_running_loop(), self._clock.now()
        last = min(last, day_of(now.timestamp()))
        if first > last:
            raise BadData(f"no days from {first} to {last}: the first must not be after the last, or after today")
        name = SeriesName.of(instrument, interval, continuous=continuous)
        visit = _Visit(self._source, self._pages, self._files, name, instrument, day_of(now.timestamp()), progress)
        table = await visit.table(first, last)
        missing = missing_of(
            instrument.exchange, interval.seconds, table.start_s, first, last,
            until_s=now.timestamp(), has_derivatives=has_derivatives,
        )  # fmt: skip
        return Past(instrument, interval, first, last, table, missing, visit.fetched, tuple(visit.notes))


@dataclass(slots=True)
class _Visit:
    """One asking for one series."""

    source: Candles
    pages: Pages
    files: CandleFiles
    name: SeriesName
    instrument: Instrument
    today: date
    progress: Progress | None
    notes: list[str] = field(default_factory=list)
    fetched: int = 0

    async def table(self, first: date, last: date) -> Table:
        """What is kept, with what lacked."""
        kept = await _off_loop(lambda: self.files.load(self.name, _before(first), _after(last)))
        lacking = [_with_seams(kept, *stretch) for stretch in kept.days.lacking(first, last)]
        fresh = await self._fetch(lacking, kept.table)
        if _differ(kept.table, fresh):
            self.notes.append(
                f"{self.name.key}: Kite tells other prices now of days that were kept, as after a split or bonus; "
                "all of it was fetched anew."
            )
            return part(await self._fetch([(first, last)], fresh), first, last)
        return part(joined([kept.table, fresh]), first, last)

    async def _fetch(self, stretches: Sequence[tuple[date, date]], known: Table) -> Table:
        """Candles of these days; what came is kept as far as it is complete, whatever comes after it.

        Where it tells other prices than are `known`, what was kept is forgotten first: nothing may hide the seam.
        """
        pages = [page for stretch in stretches for page in self.pages(*_moments(*stretch), self.name.interval)]
        told = self.progress or (lambda _done, _all: None)
        tables: list[Table] = []
        told(0, len(pages))
        try:
            for start, end in pages:
                bars = await self._page(start, end)
                self.fetched += 1
                tables.append(Table.of([bar for bar in bars if bar.closed]))
                told(len(tables), len(pages))
        finally:
            keeping = self._keep(tables, pages, known)  # where this is cancelled, its thread ends it all the same
        await asyncio.wrap_future(keeping)
        return joined(tables)

    async def _page(self, start: datetime, end: datetime) -> list[Bar]:
        """One page; what may be asked again is, a few times, for reading changes nothing."""
        tries, continuous = 0, self.name.continuous
        while True:
            try:
                return await self.source.candles(self.instrument, self.name.interval, start, end, continuous=continuous)
            except Retry as error:
                tries += 1
                if tries == TRIES:
                    raise
                await asyncio.sleep(error.after_s)

    def _keep(self, tables: Sequence[Table], pages: Sequence[tuple[datetime, datetime]], known: Table) -> Future[None]:
        fresh, days, ended = joined(tables), Days(), self.today - timedelta(days=1)
        for (start, end), _ in zip(pages, tables, strict=False):
            # Days that are wholly in the page; today's candles still come and change.
            days.add(day_of(start.timestamp() + DAY_S - 1), min(_before(day_of(end.timestamp() + 1), 1), ended))

        def keep() -> None:
            if _differ(known, fresh):
                self.files.forget(self.name)
            self.files.save(self.name, fresh, days)

        return in_daemon_thread("candle files", keep)


async def _off_loop(work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread("candle files", work))


_NEVER: Final = date(1970, 1, 1)


def _moments(first: date, last: date) -> tuple[datetime, datetime]:
    start, end = begins_s(first), begins_s(last) + DAY_S - 1
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def _with_seams(kept: Kept, first: date, last: date) -> tuple[date, date]:
    """The stretch with the nearest kept day on either side, if there is one near."""
    days = np.unique((kept.table.start_s + 19_800) // DAY_S)
    before = [day for day in map(_numbered, days.tolist()) if _before(first) <= day < first]
    after = [day for day in map(_numbered, days.tolist()) if last < day <= _after(last)]
    return (before[-1] if before else first), (after[0] if after else last)


def _numbered(number: int) -> date:
    return _NEVER + timedelta(days=number)


def _differ(kept: Table, fresh: Table) -> bool:
    """Whether a candle that both have has other prices."""
    _, ours, theirs = np.intersect1d(kept.start_s, fresh.start_s, assume_unique=True, return_indices=True)
    return any(
        not np.allclose(getattr(kept, name)[ours], getattr(fresh, name)[theirs], rtol=1e-9, atol=1e-9)
        for name in ("open", "high", "low", "close")
    )


def _before(day: date, days: int = SEAM_DAYS) -> date:
    return day - timedelta(days=days)


def _after(day: date, days: int = SEAM_DAYS) -> date:
    return day + timedelta(days=days)
