"""What an instrument is today, and whether it still is what it was: token, lot, tick, expiry, freeze quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from alphapanda_desktop.domain.instruments import SEGMENT_INDICES, Instrument, segment_of
from alphapanda_desktop.domain.masterchanges import MasterChanges
from alphapanda_desktop.domain.slicing import CASH, freeze_quantity, freeze_table

SEGMENTS: Final = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "NCO": 12}
"""Low byte of a token by exchange; an index has its own.  Source: CONTRACT 4.6."""

FRESH_DAYS: Final = 7
"""So long a changed freeze quantity is news."""

Verdict = Literal["good", "warn", "danger", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the check."""

    verdict: Verdict
    text: str


Number = Callable[[float], str]


def facts_of(i: Instrument, on: date, number: Number) -> list[tuple[str, str]]:
    """What the day's master and the dated tables say of it: name and value; `number` writes a figure."""
    return [(name, value) for name, value in _facts(i, on, number) if value]


def _facts(i: Instrument, on: date, number: Number) -> Iterator[tuple[str, str]]:
    yield "Name", i.name
    yield "Exchange, segment", f"{i.exchange}, {i.segment}"
    yield "Kind", i.instrument_type if i.tradable else "index, cannot be traded"
    yield "Token", f"{i.instrument_token} (exchange's own: {i.exchange_token})"
    if i.expiry is not None:
        yield "Expiry", f"{i.expiry:%a} {i.expiry.day} {i.expiry:%b %Y}, {(i.expiry - on).days} days from today"
    yield "Strike", number(i.strike) if i.strike else ""
    if i.tradable:
        units = "unit" if i.lot_size == 1 else "units"
        yield "Lot", f"{number(i.lot_size)} {units}{'; quantity is in lots' if i.exchange == 'MCX' else ''}"
        yield "Tick", f"₹ {i.tick_size:g}"
        yield "Freeze quantity", _freeze(i, on, number)


def _freeze(i: Instrument, on: date, number: Number) -> str:
    most = freeze_quantity(i, on)
    if most is None:
        return "not known: larger orders are not cut"
    if i.exchange in CASH:
        return f"{number(most)} shares or ₹ 10 crore, whichever is less"
    table = freeze_table(on)
    return f"{number(most)} ({number(most // i.lot)} lots) since {table.since.day} {table.since:%b %Y}, {table.source}"


def findings(i: Instrument, on: date, changes: MasterChanges | None) -> list[Finding]:
    """The check: what is different today, what agrees, and what cannot be told."""
    return [*_changed(i, changes), *_sound(i, on), *_freeze_changed(i, on)]


def _changed(i: Instrument, changes: MasterChanges | None) -> Iterator[Finding]:
    if changes is None:
        yield Finding("unknown", "No earlier list is kept: whether it changed today cannot be told.")
        return
    mine = changes.of([i.key])
    for change in mine.changed:
        name = change.field.replace("_", " ")
        yield Finding("warn", f"Its {name} changed today: {change.before} before, {change.after} now.")
    if mine.new:
        yield Finding("warn", "It is new in today's list.")
    if not mine:
        yield Finding("good", "Token, lot, tick and expiry are those of the list before.")


def _sound(i: Instrument, on: date) -> Iterator[Finding]:
    wanted = SEGMENT_INDICES if not i.tradable else SEGMENTS.get(i.exchange)
    if wanted is not None and segment_of(i.instrument_token) != wanted:
        yield Finding("danger", f"Its token is of segment {segment_of(i.instrument_token)}, {i.exchange} has {wanted}.")
    if i.expiry is not None and i.expiry < on:
        yield Finding("danger", "It has expired.")
    elif i.expiry == on:
        yield Finding("warn", "It expires today.")
    if i.tradable and (i.tick_size <= 0 or i.lot_size <= 0):
        yield Finding("danger", f"The list has no sound tick or lot for it: {i.tick_size:g}, {i.lot_size}.")


def _freeze_changed(i: Instrument, on: date) -> Iterator[Finding]:
    """A freeze quantity that changed within the last week is told."""
    if i.exchange in CASH or not i.tradable:
        return
    before, now, since = _freezes(i, on)
    if now is None:
        yield Finding("unknown", "Its freeze quantity is not known here.")
    elif before != now:
        yield Finding("warn", f"Its freeze quantity changed on {since.day} {since:%b}: {before} before, {now} now.")


def _freezes(i: Instrument, on: date) -> tuple[int | None, int | None, date]:
    """Before the table in force and by it, and its day; the same twice where that is more than a week ago."""
    since, now = freeze_table(on).since, freeze_quantity(i, on)
    fresh = on - since <= timedelta(days=FRESH_DAYS)
    return (freeze_quantity(i, since - timedelta(days=1)) if fresh else now), now, since


def freeze_report(watched: Iterable[Instrument], on: date) -> str:
    """What became of the freeze quantities of these contracts, an underlying at a time; empty without contracts."""
    names: dict[tuple[str, str], Instrument] = {}
    for i in watched:
        if i.tradable and i.exchange not in CASH:
            names.setdefault((i.exchange, i.name), i)
    found = {name: _freezes(i, on) for (_, name), i in names.items()}
    said = [f"{name} {before} → {now}" for name, (before, now, _) in found.items() if now is not None and before != now]
    unknown = sorted(name for name, (_, now, _) in found.items() if now is None)
    parts = [f"changed since {freeze_table(on).since:%d %b %Y}: {', '.join(said)}" if said else "none changed"]
    parts += [f"not known: {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts) if names else ""
