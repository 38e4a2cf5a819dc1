"""Lists of instruments that a person keeps: named, in groups, with columns of their own; and their CSV.

Instruments are named by "EXCHANGE:TRADINGSYMBOL": tokens are of a day, lists are kept.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from alphapanda_desktop.domain.cells import as_cell, from_cell

HEADING: Final = ("exchange", "tradingsymbol", "group")
_SYMBOLS: Final = ("tradingsymbol", "symbol", "instrument", "scrip", "key")
_GROUPS: Final = ("group", "section")
RARE: Final = ("Open", "High", "Low", "Prev", "OI")
"""Titles of the columns that a new list does not show."""
LONGEST_NAME: Final = 40
MOST_ROWS: Final = 3_000
"""What one connection of the feed takes.  Source: CONTRACT 4.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedList:
    """One list: instruments in their order, each in a group or in none, and how its table is to look.

    `hidden` and `sorted_by` are titles of columns.
    """

    name: str
    keys: tuple[str, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = RARE
    sorted_by: str = ""
    descending: bool = False

    def with_key(self, key: str, group: str = "") -> WatchedList:
        """The same with this instrument at the end; where it is listed already it stays in its place."""
        groups = {**self.groups, key: group} if group else self.groups
        return replace(self, keys=self.keys if key in self.keys else (*self.keys, key), groups=groups)

    def without(self, keys: Iterable[str]) -> WatchedList:
        """The same without these."""
        gone = frozenset(keys)
        groups = {key: group for key, group in self.groups.items() if key not in gone}
        return replace(self, keys=tuple(key for key in self.keys if key not in gone), groups=groups)

    def moved(self, key: str, before: str | None) -> WatchedList:
        """The same with this instrument before that one, or last."""
        if key not in self.keys or key == before:
            return self
        rest = [each for each in self.keys if each != key]
        at = rest.index(before) if before in rest else len(rest)
        return replace(self, keys=(*rest[:at], key, *rest[at:]))

    def grouped(self, keys: Iterable[str], group: str) -> WatchedList:
        """The same with these in a group, or in none."""
        group, moving = group.strip()[:LONGEST_NAME], frozenset(keys)
        groups = {key: kept for key, kept in self.groups.items() if key not in moving}
        if group:
            groups |= {key: group for key in self.keys if key in moving}
        return replace(self, groups=groups)

    def group_names(self) -> list[str]:
        """Groups that have an instrument, in the order of their first ones."""
        return list(dict.fromkeys(self.groups[key] for key in self.keys if key in self.groups))

    def keys_in(self, group: str) -> list[str]:
        """Instruments of a group; of all where the group is ""."""
        return [key for key in self.keys if not group or self.groups.get(key) == group]


def unused_name(wanted: str, lists: Iterable[WatchedList]) -> str:
    """That name, or one with a number behind it where a list has it already."""
    taken = {each.name.casefold() for each in lists}
    name = " ".join(wanted.split())[:LONGEST_NAME] or "List"
    number, found = 2, name
    while found.casefold() in taken:
        found, number = f"{name} {number}", number + 1
    return found


# --- CSV -------------------------------------------------------------------------------------------------------------


def to_csv(watched: WatchedList) -> str:
    """The list as CSV with a heading; what `read_csv` reads."""
    out = _Text()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADING)
    for key in watched.keys:
        writer.writerow([*key.split(":", 1), as_cell(watched.groups.get(key, ""))])
    return "".join(out)


class _Text(list[str]):
    """What a CSV is written into."""

    def write(self, text: str) -> None:
        self.append(text)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read: instruments with their groups, and each line that named none, with its number."""

    found: tuple[tuple[str, str], ...]
    wrong: tuple[str, ...]

    def text(self) -> str:
        """One line for a person."""
        few = "; ".join(self.wrong[:3])
        lost = f", {len(self.wrong):,} not found: {few}{' …' if len(self.wrong) > 3 else ''}" if self.wrong else ""
        return f"{len(self.found):,} instruments{lost}"


def read_csv(text: str, exists: Callable[[str], bool]) -> Imported:
    """Read CSV with or without a heading, or plain names, one a line or between commas.

    A row is `EXCHANGE:SYMBOL[,group]`, `EXCHANGE,SYMBOL[,group]` or `SYMBOL`, which is looked for on NSE, then NFO,
    BSE, BFO, MCX and CDS. `exists` tells whether today's master has a key.
    """
    rows, wrong = _rows(text)
    heading = [cell.casefold() for cell in rows[0]] if rows else []
    is_headed = any(name in heading for name in _SYMBOLS)
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:] if is_headed else rows, 2 if is_headed else 1):
        for names, group in _named(row, heading if is_headed else None):
            key = next((key for key in names if exists(key)), None)
            if key is None:
                wrong.append(f"line {number}: {names[0]}")
            elif len(found) < MOST_ROWS:
                found.setdefault(key, group)
            else:
                wrong.append(f"line {number}: {key} is beyond the {MOST_ROWS:,} that a list holds")
    return Imported(tuple(found.items()), tuple(wrong))


def _rows(text: str) -> tuple[list[list[str]], list[str]]:
    """The cells of each line, and what is wrong with a line that is no CSV, as one that is endless."""
    rows: list[list[str]] = []
    wrong: list[str] = []
    reader = csv.reader(text.lstrip("\ufeff").splitlines())
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            wrong.append(f"line {reader.line_num}: {error}")
            row = []
        if row is None:
            return rows, wrong
        rows.append([from_cell(cell.strip()) for cell in row])


_LOOKED_ON: Final = ("NSE", "NFO", "BSE", "BFO", "MCX", "CDS")
_EXCHANGES: Final = frozenset((*_LOOKED_ON, "BCD", "NCO"))


def _named(row: Sequence[str], heading: Sequence[str] | None) -> list[tuple[list[str], str]]:
    """What a row names: the keys that it may mean, the likeliest first, and its group; once for each instrument."""
    if not any(row):
        return []
    if heading is not None:
        cells = dict(zip(heading, row, strict=False))
        symbol = next((cells[name] for name in _SYMBOLS if cells.get(name)), "")
        group = next((cells[name] for name in _GROUPS if cells.get(name)), "")
        return [(_keys_of(symbol, cells.get("exchange", "")), group)]
    if row[0].upper() in _EXCHANGES and len(row) > 1:
        return [(_keys_of(row[1], row[0]), row[2] if len(row) > 2 else "")]
    if ":" in row[0] and len(row) == 2 and ":" not in row[1]:
        return [(_keys_of(row[0], ""), row[1])]
    return [(_keys_of(cell, ""), "") for cell in row if cell]


def _keys_of(symbol: str, exchange: str) -> list[str]:
    symbol, exchange = symbol.upper(), exchange.upper()
    if ":" in symbol:
        return [symbol]
    return [f"{each}:{symbol}" for each in ((exchange,) if exchange else _LOOKED_ON)]
