"""What was held when the books were last read, kept in the journal: what a new day is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import journaled

HELD: Final = "held"
"""The journal's kind of event for what the account held at a moment."""

MEMORY: Final = timedelta(days=30)

CARRIED: Final = ("NRML", "MTF")
"""Products whose positions are positions the next day too: MIS is squared off, CNC becomes a holding."""

CONTRACTS: Final = frozenset({"NFO", "BFO", "CDS", "BCD", "MCX", "NCO"})
"""Exchanges on which all that is traded expires."""

Where = tuple[str, str, str]


class Snapshot:
    """The last one before today for comparing, and the latest for keeping."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._kept: dict[Where, int] = {}
        self._shares: dict[str, int] = {}
        self._before: dict[Where, int] | None = None
        self._last_days: dict[Where, str] = {}
        self._shares_at: datetime | None = None
        self._noted: Mapping[str, Any] | None = None

    async def recall(self) -> None:
        """Read the latest of today and of the days before."""
        now = self._parts.clock.now()
        events = await self._parts.journal.events(now - MEMORY, HELD)
        earlier = [event for event in events if event.at < trading_day(now)]
        if earlier:
            self._before = _positions(earlier[-1].detail)
            self._last_days = _last_days(earlier[-1].detail)
        if events:
            last: Mapping[str, Any] = events[-1].detail
            self._noted = last
            self._shares = {str(key): int(count) for key, count in last.get("holdings", {}).items()}
            self._shares_at = events[-1].at if last.get("holdings_read") else None

    async def keep(self) -> None:
        """Journal what is held now, where it is not what was journaled last."""
        rows = [[*p.id, p.quantity, self._last_day(p.key)] for p in self._parts.books.positions if p.quantity]
        detail = {"positions": sorted(rows), "holdings": self._shares, "holdings_read": self._shares_at is not None}
        if detail == self._noted or (self._noted is None and not rows and not self._shares):
            return
        event = Event(HELD, self._parts.clock.now(), detail)
        if await journaled(self._parts.journal.note(event)) is None:
            self._noted = detail

    def carried(self) -> Iterator[tuple[Where, int, int]]:
        """Positions that were not carried into today as they were left: where, ours, theirs."""
        if self._before is None:
            return
        theirs = {p.id: p.overnight_quantity for p in self._parts.books.positions if p.product in CARRIED}
        ours = {where: count for where, count in self._before.items() if where[2] in CARRIED}
        for where in sorted(ours.keys() | theirs.keys()):
            if where not in theirs and self._expired(where):
                continue  # it was settled, as it had to be
            if ours.get(where, 0) != theirs.get(where, 0):
                yield where, ours.get(where, 0), theirs.get(where, 0)

    def _last_day(self, key: str) -> str:
        """Last day of a contract that has one, else empty."""
        instrument = self._parts.market.master.by_key(key)
        return instrument.expiry.isoformat() if instrument and instrument.expiry else ""

    def _expired(self, where: Where) -> bool:
        """Whether it was a contract that is over: by its last day, else because nothing of that name is traded now."""
        exchange, symbol, _ = where
        key, today = f"{exchange}:{symbol}", trading_day(self._parts.clock.now()).date()
        last_day = self._last_days.get(where) or self._last_day(key)
        if last_day:
            return last_day < today.isoformat()
        return exchange in CONTRACTS and self._parts.market.master.by_key(key) is None

    def holdings_changed(self, rows: list[Holding]) -> list[tuple[str, int, int]]:
        """Shares that are more or fewer than when they were last read: key, ours, theirs; and remember these.

        Bought shares arrive and sold ones leave with the next day, so they are held against each other within one.
        """
        theirs = {row.key: row.held for row in rows}
        now = self._parts.clock.now()
        same_day = self._shares_at is not None and self._shares_at >= trading_day(now)
        ours, self._shares, self._shares_at = self._shares, theirs, now
        if not same_day:
            return []
        keys = sorted(ours.keys() | theirs.keys())
        return [(k, ours.get(k, 0), theirs.get(k, 0)) for k in keys if ours.get(k, 0) != theirs.get(k, 0)]


def _positions(detail: Mapping[str, Any]) -> dict[Where, int]:
    rows = detail.get("positions", [])
    return {(str(row[0]), str(row[1]), str(row[2])): int(row[3]) for row in rows}


def _last_days(detail: Mapping[str, Any]) -> dict[Where, str]:
    """Last days of contracts, which rows of former versions of this program do not have."""
    rows = [row for row in detail.get("positions", []) if len(row) > 4]
    return {(str(row[0]), str(row[1]), str(row[2])): str(row[4]) for row in rows}
