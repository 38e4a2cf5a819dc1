"""A journal's rows as plain values for somebody else's eyes, redacted, in the order in which they were written."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Boolean, Table, select, text

from alphapanda_desktop.store.proof import open_to_read
from alphapanda_desktop.store.redact import Redactor
from alphapanda_desktop.store.rows import of_ns
from alphapanda_desktop.store.schema import JOURNAL

Entry = dict[str, Any]

_JSON: Final = frozenset({"detail", "cause", "parameters", "instruments", "tags", "meta"})


def exported(path: Path, since_ns: int, tell: Callable[[Entry], None]) -> int:
    """Tell every row since then, as {seq, kind, at, hash, content}; how many.

    The file is only read, in one moment's picture, also while another program writes to it. Hashes are those of the
    rows as they are in the journal, before anything was struck out. Raises Fatal for what is no journal.
    """
    with closing(open_to_read(path)) as connection:
        connection.execute("BEGIN")
        redactor, count = Redactor(), 0
        for entry in _entries(connection, 0):  # accounts may be named later than where they are mentioned
            redactor.learn(entry["content"])
        for entry in _entries(connection, since_ns):
            tell({**entry, "content": redactor.told(entry["content"])})
            count += 1
        return count


def _entries(connection: sqlite3.Connection, since_ns: int) -> Iterator[Entry]:
    names = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    rows = [_rows(connection, table, since_ns) for name, table in JOURNAL.items() if name in names]
    for seq, kind, row in heapq.merge(*rows, key=lambda row: row[0]):
        link = connection.execute("SELECT hash FROM chain WHERE seq = ?", (seq,)).fetchone()
        at = of_ns(int(row.pop("at_ns"))).isoformat()
        yield {"seq": seq, "kind": kind, "at": at, "hash": link and link[0], "content": row}


def _rows(connection: sqlite3.Connection, table: Table, since_ns: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    query = select(text("*")).select_from(table).where(text("at_ns >= ?")).order_by(table.c.seq)
    booleans = {column.name for column in table.columns if isinstance(column.type, Boolean)}
    cursor = connection.execute(str(query), (since_ns,))
    names = [str(column[0]) for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        seq = int(row.pop("seq"))
        yield seq, table.name, dict(_plain(name, value, name in booleans) for name, value in row.items())


def _plain(name: str, value: Any, boolean: bool) -> tuple[str, Any]:
    """Times as ISO text, JSON as what it says, no bytes."""
    if boolean:
        return name, bool(value)
    if name.endswith("_ns") and name != "at_ns":
        return name.removesuffix("_ns"), None if value is None else of_ns(int(value)).isoformat()
    if name in _JSON and isinstance(value, str):
        return name, _said(value)
    return name, value.hex() if isinstance(value, bytes) else value


def _said(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # the state of an intent has plain words there
        return text
