"""Counts and stop coverage in words."""

from __future__ import annotations

from collections.abc import Iterable

from alphapanda_desktop.domain.coverage import Coverage
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.theme import Role


def count_of(number: int, thing: str) -> str:
    """A count in words: "1 order", "2 orders"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def in_words(row: Coverage) -> str:
    """One position's coverage in a few words: "all 10 at the broker", "5 only here, 5 unprotected"."""
    whole = abs(row.position.quantity)
    if row.at_broker >= whole:
        return f"all {grouped(whole)} at the broker"
    parts = ((row.at_broker, "at the broker"), (row.in_program, "only here"), (row.unprotected, "unprotected"))
    return ", ".join(f"{grouped(count)} {where}" for count, where in parts if count) or "nothing to protect"


def summary_of(rows: Iterable[Coverage]) -> tuple[str, Role]:
    """What the coverage of all positions comes to, in a sentence, and how grave it is."""
    rows = list(rows)
    bare, here = sum(row.unprotected > 0 for row in rows), sum(row.in_program > 0 for row in rows)
    parts = []
    if bare:
        parts.append(f"{count_of(bare, 'position')} with units that no stop protects")
    if here:
        parts.append(f"{count_of(here, 'position')} whose stop lives only in this program")
    if parts:
        return "; ".join(parts) + ".", "danger" if bare else "warn"
    return ("Every position is protected at the broker." if rows else ""), "good"
