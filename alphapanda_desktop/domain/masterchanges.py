"""What is different in today's instrument master: what came, what went, and whose lot, tick, expiry or token moved.

A lot size that changed overnight makes yesterday's quantity an illegal one, and a token that is used again makes
yesterday's subscription another instrument's: worth a line in the log each morning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Final

from alphapanda_desktop.domain.grouping import grouped
from alphapanda_desktop.domain.instruments import Instrument

WATCHED: Final = ("lot_size", "tick_size", "expiry", "instrument_token")
_values_of: Final = attrgetter(*WATCHED)
_SAID: Final = 5
"""Changes that the line names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one instrument, yesterday and today."""

    key: str
    field: str
    before: int | float | date | None
    after: int | float | date | None

    def text(self) -> str:
        return f"{self.key} {self.field.replace('_', ' ')} {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class MasterChanges:
    """The day's differences, by "EXCHANGE:SYMBOL" in alphabetical order; `expired` went because their day had come."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.expired or self.changed)

    def of(self, keys: Iterable[str]) -> MasterChanges:
        """What of it concerns these instruments."""
        wanted = frozenset(keys)
        new, gone, expired = (
            tuple(key for key in part if key in wanted) for part in (self.new, self.gone, self.expired)
        )
        return MasterChanges(new, gone, expired, tuple(change for change in self.changed if change.key in wanted))

    def text(self) -> str:
        """One line for a person."""
        if not self:
            return "nothing is different"
        said = [
            f"{grouped(len(self.new))} new",
            f"{grouped(len(self.expired))} expired",
            f"{grouped(len(self.gone))} gone",
        ]
        said.append(f"{grouped(len(self.changed))} changed")
        few = "; ".join(change.text() for change in self.changed[:_SAID])
        return f"{', '.join(said)}{f': {few}' if few else ''}{' …' if len(self.changed) > _SAID else ''}"


def master_changes(before: Iterable[Instrument], after: Iterable[Instrument], day: date) -> MasterChanges:
    """What differs between two masters, the later of which is that day's."""
    old = {instrument.key: instrument for instrument in before}
    new = {instrument.key: instrument for instrument in after}
    left = sorted(old.keys() - new.keys())
    over = {key for key in left if (expiry := old[key].expiry) is not None and expiry < day}
    return MasterChanges(
        tuple(sorted(new.keys() - old.keys())),
        tuple(key for key in left if key not in over),
        tuple(key for key in left if key in over),
        tuple(change for key in sorted(old.keys() & new.keys()) for change in _changes(old[key], new[key])),
    )


def _changes(old: Instrument, new: Instrument) -> list[Change]:
    if _values_of(old) == _values_of(new):
        return []
    pairs = zip(WATCHED, _values_of(old), _values_of(new), strict=True)
    return [Change(new.key, field, before, after) for field, before, after in pairs if before != after]
