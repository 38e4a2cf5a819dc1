"""The day's instruments: from the cache or the venue, kept, and what is different today told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.masterchanges import MasterChanges
from alphapanda_desktop.domain.ports import InstrumentCache
from alphapanda_desktop.domain.session import IST, Session
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.venues.venue import Venue


async def day_master(
    venue: Venue, session: Session, folder: Path, watched: Iterable[str], tell: Callable[[str], None]
) -> InstrumentMaster:
    """Today's instruments of the venue; the practice exchange's and a recording's are asked for at every start.

    `tell` hears what is different today of the `watched` keys. Raises Fatal for an empty list, and what the venue does.
    """
    if venue.mode in ("practice", "replay"):
        rows = await venue.instruments(session)
    else:
        rows = await _kept(venue, session, folder, watched, tell)
    if not rows:
        raise Fatal("Kite's instrument master came empty. Try again in a minute.")
    return await asyncio.wrap_future(in_daemon_thread("instrument master", lambda: InstrumentMaster(rows)))


async def day_changes(venue: Venue, folder: Path) -> MasterChanges | None:
    """What is different in today's list; None where no earlier one is kept, as of a practice exchange."""
    if venue.mode in ("practice", "replay"):
        return None
    from alphapanda_desktop.store.instruments import FileInstrumentCache

    return await FileInstrumentCache(folder).changes(venue.clock.now().astimezone(IST).date().isoformat())


async def prepare_search(master: InstrumentMaster) -> None:
    """Make the search index behind the open window; its thread may outlive the wait for it."""
    await asyncio.wrap_future(in_daemon_thread("instrument search", master.prepare))


async def _kept(
    venue: Venue, session: Session, folder: Path, watched: Iterable[str], tell: Callable[[str], None]
) -> list[Instrument]:
    from alphapanda_desktop.store.instruments import FileInstrumentCache

    day = venue.clock.now().astimezone(IST).date().isoformat()
    cache = FileInstrumentCache(folder)
    rows = await cache.load(day)
    if rows is None:
        rows = await venue.instruments(session)
        await cache.save(day, rows)
        await _tell_changes(cache, day, watched, tell)
    return rows


async def _tell_changes(cache: InstrumentCache, day: str, watched: Iterable[str], tell: Callable[[str], None]) -> None:
    changes = await cache.changes(day)
    theirs = changes.of(watched) if changes else None
    if theirs:
        tell(f"Instruments of your watchlist, today: {theirs.text()}")
