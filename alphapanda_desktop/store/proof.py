"""Proof that a journal is as it was written, row by row, or the first row that is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from alphapanda_desktop.store.queries import rows
from alphapanda_desktop.store.rows import FIRST_HASH, link
from alphapanda_desktop.store.schema import JOURNAL, chain


@dataclass(frozen=True, slots=True)
class BadRow:
    """Where a journal stops being what was written: the row's number, its table, and what is wrong."""

    seq: int
    kind: str
    why: str


def first_bad_row(connection: Connection) -> BadRow | None:
    """The first row that is not as it was written, or None."""
    contents = {name: rows(connection, select(table).order_by(table.c.seq)) for name, table in JOURNAL.items()}
    prev_hash, expected = FIRST_HASH, 1
    for entry in rows(connection, select(chain).order_by(chain.c.seq)):
        why = _fault(entry, contents, prev_hash, expected)
        if why:
            return BadRow(entry["seq"], entry["kind"], why)
        prev_hash, expected = entry["hash"], expected + 1
    return _unnumbered(contents)


def _fault(entry: RowMapping, contents: Mapping[str, Iterator[RowMapping]], prev_hash: str, expected: int) -> str:
    """What is wrong with the row of this link, empty if nothing is."""
    if entry["seq"] != expected:
        return f"row {expected} is missing before it"
    if entry["prev_hash"] != prev_hash:
        return "it does not follow the row before it"
    row = next(contents.get(entry["kind"], iter(())), None)
    if row is None or row["seq"] != expected:
        return "its content is missing"
    content = {str(name): value for name, value in row.items() if name != "seq"}
    return "" if link(prev_hash, expected, entry["kind"], content) == entry["hash"] else "its content was changed"


def _unnumbered(contents: Mapping[str, Iterator[RowMapping]]) -> BadRow | None:
    for kind, left in contents.items():
        row = next(left, None)
        if row is not None:
            return BadRow(row["seq"], kind, "it was never numbered")
    return None
