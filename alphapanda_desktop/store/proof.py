"""Proof that a journal is as it was written, row by row, or the first row that is not.

It needs no more than a readable file: a copy, one that is open elsewhere, one of an older schema, one cut short.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Boolean, Table, select, text

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.store.rows import FIRST_HASH, link
from alphapanda_desktop.store.schema import JOURNAL, chain, head

HEADLESS: Final = frozenset({"0001"})
"""Schemas that keep no record of the last row: rows cut off at the very end leave no trace in them."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """Where a journal stops being what was written: the row's number, its table, and what is wrong."""

    seq: int
    kind: str
    why: str

    def __str__(self) -> str:
        return f"row {self.seq} ({self.kind}): {self.why}"


@dataclass(frozen=True, slots=True)
class Proof:
    """`rows` are as they were written, the last with that hash; `bad` is the first that is not, None where all are."""

    rows: int
    last_hash: str
    bad: BadRow | None = None
    has_head: bool = True
    """Whether rows cut off at the end would have shown."""


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even beside the file unless another program has it open.

    Raises Fatal for what is no journal. A file that was cut short is opened as far as it goes.
    """
    if not path.is_file():
        raise Fatal(f"There is no journal {path}.")
    # Nobody has it open where no write-ahead log lies beside it; then even the side files need not be made.
    idle = not path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if idle else ''}"
    opened = False
    connection = sqlite3.connect(uri, uri=True)
    try:
        _refuse_foreign(path, connection)
        opened = True
        return connection
    except sqlite3.Error as error:
        raise Fatal(f"{path} cannot be read: {error}.") from error
    finally:
        if not opened:
            connection.close()


def _refuse_foreign(path: Path, connection: sqlite3.Connection) -> None:
    try:
        names = _tables(connection)
    except sqlite3.DatabaseError:
        # SQLite opens no file that is shorter than it says of itself, except for repair.
        connection.execute("PRAGMA writable_schema=ON")
        names = _tables(connection)
    if "alembic_version" not in names and chain.name not in names:
        raise Fatal(f"{path} is no journal of AlphaPanda.")


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def prove_file(path: Path, expect: str | None = None) -> Proof:
    """The proof of a journal in a file, which has to hold a row of the hash `expect` if one is given.

    Raises Fatal for what is no journal.
    """
    with closing(open_to_read(path)) as connection:
        connection.execute("BEGIN")
        proof = prove(connection)
        if proof.bad is None and expect and not _holds(connection, expect):
            why = f"no row of the chain has the expected hash {expect}"
            return replace(proof, bad=BadRow(proof.rows + 1, chain.name, why))
        if proof.bad is None and (missing := _bytes_missing(path, connection)):
            return replace(proof, bad=BadRow(proof.rows + 1, "file", f"the file was cut short by {missing:,} bytes"))
        return proof


def _holds(connection: sqlite3.Connection, expect: str) -> bool:
    return connection.execute("SELECT 1 FROM chain WHERE hash = ?", (expect.strip().lower(),)).fetchone() is not None


def _bytes_missing(path: Path, connection: sqlite3.Connection) -> int:
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("rb") as file:
        pages = int.from_bytes(file.read(32)[28:32], "big")
    return max(0, pages * int(page_size) - path.stat().st_size)


def prove(connection: sqlite3.Connection) -> Proof:
    """Read everything and compare every row with its link, then the last link with the head.

    Who works out the whole chain and its head anew leaves no trace in the file: who must know compares `last_hash`
    with one that was kept elsewhere.
    """
    tables = _tables(connection)
    good, last = 0, FIRST_HASH
    try:
        links = _Content(connection, chain)
        contents = {name: _Content(connection, table) for name, table in JOURNAL.items() if name in tables}
        while links.seq is not None:
            bad = _fault(links, contents, last, good + 1)
            if bad is not None:
                return Proof(good, last, bad)
            good, last = good + 1, str(links.row["hash"])
            contents[str(links.row["kind"])].advance()
            links.advance()
    except sqlite3.Error as error:
        return Proof(good, last, BadRow(good + 1, chain.name, f"it cannot be read: {error}"))
    has_head = head.name in tables or not _headless(connection)
    bad = _unnumbered(contents) or (_fault_of_end(connection, tables, good, last) if has_head else None)
    return Proof(good, last, bad, has_head)


class _Content:
    """Rows of one table in the order of their numbers: `seq` and `row` are the next one, `seq` None after the last."""

    def __init__(self, connection: sqlite3.Connection, table: Table) -> None:
        query = str(select(text("*")).select_from(table).order_by(table.c.seq))
        self._booleans = {column.name for column in table.columns if isinstance(column.type, Boolean)}
        self._cursor = connection.execute(query)
        self._names = [str(column[0]) for column in self._cursor.description]
        self.row: dict[str, Any] = {}
        self.seq: int | None = None
        self.advance()

    def advance(self) -> None:
        """Go to the next row."""
        values = self._cursor.fetchone()
        self.row = dict(zip(self._names, values, strict=True)) if values else {}
        for name in self._booleans & self.row.keys():
            # Anything but 0 and 1 was never written, and stays as it is to be found out.
            self.row[name] = {0: False, 1: True}.get(self.row[name], self.row[name])
        self.seq = self.row.pop("seq", None)


def _fault(links: _Content, contents: Mapping[str, _Content], prev_hash: str, expected: int) -> BadRow | None:
    """What is wrong with the next link or its row, None if nothing is."""
    seq, kind = links.seq or 0, str(links.row["kind"])
    if seq != expected:
        return BadRow(seq, kind, f"row {expected} is missing before it")
    if links.row["prev_hash"] != prev_hash:
        return BadRow(seq, kind, "it does not follow the row before it")
    stray = _stray(contents, kind, seq)
    if stray is not None:
        return stray
    content = contents.get(kind)
    if content is None or content.seq != seq:
        return BadRow(seq, kind, "its content is missing")
    if not _matches(prev_hash, seq, kind, content.row, links.row["hash"]):
        return BadRow(seq, kind, "its content was changed")
    return None


def _matches(prev_hash: str, seq: int, kind: str, row: Mapping[str, Any], told: str) -> bool:
    try:
        return link(prev_hash, seq, kind, row) == told
    except (TypeError, ValueError):  # no value that a journal holds: bytes, a lone surrogate
        return False


def _stray(contents: Mapping[str, _Content], kind: str, seq: int) -> BadRow | None:
    """A row that has no link of its own: the chain has passed its number, or gives it to another table."""
    for name, content in contents.items():
        if content.seq is not None and (content.seq < seq or (content.seq == seq and name != kind)):
            return BadRow(content.seq, name, "it was never numbered")
    return None


def _unnumbered(contents: Mapping[str, _Content]) -> BadRow | None:
    left = [(content.seq, name) for name, content in contents.items() if content.seq is not None]
    return BadRow(*min(left), "it was never numbered") if left else None


def _headless(connection: sqlite3.Connection) -> bool:
    versions = [str(version) for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
    return len(versions) == 1 and versions[0] in HEADLESS


def _fault_of_end(connection: sqlite3.Connection, tables: set[str], rows: int, last_hash: str) -> BadRow | None:
    """What is wrong with where the chain ends, by the head that was kept with every row."""
    kept = connection.execute("SELECT seq, hash FROM head").fetchall() if head.name in tables else []
    if len(kept) != 1:
        return BadRow(rows + 1, head.name, "the record of the last row is missing")
    seq, told = kept[0]
    if seq > rows:
        return BadRow(rows + 1, chain.name, f"rows {rows + 1} to {seq} were cut off at the end")
    if seq < rows:
        return BadRow(int(seq) + 1, chain.name, f"it was added behind the record of the last row, which says {seq}")
    return None if rows == 0 or told == last_hash else BadRow(rows, head.name, "the record of the last row was changed")
