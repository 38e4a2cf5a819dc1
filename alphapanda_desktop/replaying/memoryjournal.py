"""The journal of a replay: in memory, with what the one on the disk would answer.

Rows are added and never changed; times keep microseconds and free values are plain JSON, as SQLite would give them
back. There is no chain of hashes: `digest` says whether two journals are the same, row by row.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from numbers import Integral, Real
from operator import itemgetter
from typing import Any, Final, TypeVar

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, IntentState, RunRow, SessionRow
from alphapanda_desktop.domain.why import Cause

R = TypeVar("R")
Dated = list[tuple[datetime, R]]

_INTENDED: Final = "intended"


class MemoryJournal:
    """domain.ports.Journal that ends with the process. Owned by one loop."""

    def __init__(self) -> None:
        self._sessions: list[SessionRow] = []
        self._intents: dict[str, tuple[datetime, OrderRequest]] = {}
        self._states: dict[str, list[IntentState]] = {}
        self._causes: dict[str, Cause] = {}
        self._pictures: Dated[Order] = []
        self._tags_of: dict[str, dict[str, None]] = {}
        """Tags that belong to an order id, by what was said of an intent or seen on an order."""
        self._ids_of: dict[str, dict[str, None]] = {}
        self._fills: Dated[tuple[Fill, str]] = []
        self._known_fills: set[tuple[str, str, str]] = set()
        self._runs: dict[str, RunRow] = {}
        self._events: list[Event] = []
        self._rows = 0
        self._hash = hashlib.sha256()

    @property
    def rows(self) -> int:
        """How many were written."""
        return self._rows

    def digest(self) -> str:
        """SHA-256 over all rows in the order in which they were written."""
        return self._hash.hexdigest()

    def _write(self, kind: str, at: datetime, *row: object) -> None:
        self._rows += 1
        self._hash.update(repr((kind, at, row)).encode())

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def session_began(self, user_id: str, login_time: datetime, expires_at: datetime) -> int:
        """Row id of the session."""
        self._write("session", login_time, user_id, expires_at)
        self._sessions.append(SessionRow(len(self._sessions) + 1, user_id, login_time, expires_at))
        return len(self._sessions)

    async def session_ended(self, row_id: int, at: datetime, how: str) -> None:
        """Only the first end of a session counts."""
        self._write("session end", at, row_id, how)
        row = self._sessions[row_id - 1]
        if row.ended_at is None:
            self._sessions[row_id - 1] = replace(row, ended_at=at, ended_how=how)

    async def sessions(self, limit: int = 50) -> list[SessionRow]:
        """Newest first."""
        return self._sessions[::-1][:limit]

    # --- intents ----------------------------------------------------------------------------------------------------

    async def intend(self, request: OrderRequest, at: datetime, cause: Cause | None = None) -> None:
        """Written when this returns. Raises Refused for a used tag."""
        if request.tag in self._intents:
            raise Refused(f"the journal has an order with tag {request.tag!r} already", rule="tag")
        self._write("intent", at, request)
        self._intents[request.tag] = (at, replace(request, closes=False))
        if cause is not None:
            told = plain(cause.as_json())
            self._write("cause", at, told)
            self._causes[request.tag] = Cause.of_json(told)

    async def settle(self, tag: str, state: str, at: datetime, order_id: str = "", detail: str = "") -> None:
        """What became of an intent. Raises BadData for a tag that was never intended."""
        if tag not in self._intents:
            raise BadData(f"no intent has the tag {tag!r}")
        self._write("state", at, tag, state, order_id, detail)
        self._states.setdefault(tag, []).append(IntentState(state, at, order_id, detail))
        self._join(tag, order_id)

    def _join(self, tag: str | None, order_id: str) -> None:
        if tag and order_id:
            self._tags_of.setdefault(order_id, {})[tag] = None
            self._ids_of.setdefault(tag, {})[order_id] = None

    def _row(self, tag: str) -> IntentRow:
        at, request = self._intents[tag]
        states = self._states.get(tag, ())
        named = next((state.order_id for state in reversed(states) if state.order_id), "")
        last = states[-1] if states else IntentState(_INTENDED, at)
        return IntentRow(request, last.state, named, at, last.detail)

    async def intents(self, since: datetime) -> list[IntentRow]:
        """Intents since then with their latest state, oldest first."""
        return [self._row(tag) for tag, (at, _) in self._intents.items() if at >= since]

    async def intent_of(self, name: str) -> IntentRow | None:
        """The intent behind a tag or an order id; None for an order that was made elsewhere."""
        tags = [name, *self._tags_of.get(name, ())]
        return next((self._row(tag) for tag in tags if tag in self._intents), None)

    async def intent_states(self, tag: str) -> list[IntentState]:
        """All that became of one intent, oldest first."""
        return list(self._states.get(tag, ()))

    async def cause(self, tag: str) -> Cause | None:
        """What an intent was decided on; None where nothing was written of it."""
        return self._causes.get(tag)

    # --- orders and fills -------------------------------------------------------------------------------------------

    async def order_seen(self, order: Order, at: datetime) -> None:
        self._write("order", at, order)
        kept = replace(order, meta=plain(order.meta)) if order.meta else order
        self._pictures.append((at, kept))
        self._join(order.tag, order.order_id)

    async def orders(self, since: datetime) -> list[Order]:
        """Latest picture of each order seen since then, in the order in which they were first seen."""
        latest: dict[tuple[str, str | None], Order] = {}
        for _, order in _since(self._pictures, since):
            latest[order.order_id, None if order.order_id else order.tag] = order
        return list(latest.values())

    async def history(self, name: str) -> list[tuple[datetime, Order]]:
        """Every picture of one order, by its tag or its order id, with when it was seen, oldest first."""
        ids = {name, *self._ids_of.get(name, ())}
        tags = {name, *self._tags_of.get(name, ())}
        return [(at, order) for at, order in self._pictures if order.order_id in ids or order.tag in tags]

    async def fill_seen(self, fill: Fill, at: datetime, strategy: str = "") -> bool:
        """False if this fill was known already."""
        if fill.id in self._known_fills:
            return False
        self._write("fill", at, fill, strategy)
        self._known_fills.add(fill.id)
        self._fills.append((at, (fill, strategy)))
        return True

    async def fills(self, since: datetime) -> list[tuple[Fill, str]]:
        """Fills with the run id of the strategy that owns them, oldest first."""
        return [row for _, row in _since(self._fills, since)]

    async def fills_of(self, order_id: str) -> list[Fill]:
        """Executions of one order, oldest first."""
        return [fill for _, (fill, _) in self._fills if fill.order_id == order_id]

    async def fills_in(self, exchange: str, tradingsymbol: str, product: str, strategy: str) -> list[Fill]:
        """All executions that one run ("" for no run) has made of one position, of every day, oldest first."""
        where = (exchange, tradingsymbol, product, strategy)
        rows = (row for _, row in self._fills)
        return [fill for fill, run in rows if (fill.exchange, fill.tradingsymbol, fill.product, run) == where]

    # --- runs and events --------------------------------------------------------------------------------------------

    async def run_began(self, run: RunRow) -> None:
        self._write("run", run.started_at, run)
        self._runs[run.run_id] = replace(run, parameters=plain(run.parameters))

    async def run_ended(self, run_id: str, at: datetime, how: str) -> None:
        """Only the first end of a run counts. Raises BadData for a run that never began."""
        if run_id not in self._runs:
            raise BadData(f"no run {run_id!r} has begun")
        self._write("run end", at, run_id, how)
        if self._runs[run_id].stopped_at is None:
            self._runs[run_id] = replace(self._runs[run_id], stopped_at=at, how=how)

    async def runs(self, since: datetime) -> list[RunRow]:
        """Runs that began since then, oldest first."""
        return [run for run in self._runs.values() if run.started_at >= since]

    async def note(self, event: Event) -> None:
        kept = replace(event, detail=plain(event.detail))
        self._write("event", event.at, kept)
        self._events.append(kept)

    async def events(self, since: datetime, kind: str = "") -> list[Event]:
        """Oldest first."""
        return [event for event in self._events if event.at >= since and (not kind or event.kind == kind)]

    async def events_about(self, name: str, since: datetime) -> list[Event]:
        """Events since then whose detail has this very text for a value, oldest first."""
        said = json.dumps(name, ensure_ascii=False)
        return [event for event in self._events if event.at >= since and said in _text(event.detail)]


def _since(rows: Sequence[tuple[datetime, R]], since: datetime) -> list[tuple[datetime, R]]:
    """Rows from that time on; they were written one after another, and their clock never goes back."""
    return list(rows[bisect_left(rows, since, key=itemgetter(0)) :])


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value as it comes back from JSON: lists for tuples, texts for what JSON has no word for."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    return str(value)
