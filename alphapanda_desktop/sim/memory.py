"""What a restarted simulator still knows: one SQLite file, one row per session, order, fill, position, trigger.

Whatever was put is on disk after `commit`, and the server commits before it replies: a reply that a client has
seen is never forgotten, whatever happens to this process afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TABLE: Final = "CREATE TABLE IF NOT EXISTS kept (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"


class Memory:
    """Rows of JSON by kind and id; without a path it keeps nothing. One loop, one file, one owner."""

    def __init__(self, path: Path | None = None) -> None:
        self._db: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(_TABLE)

    def put(self, kind: str, id_: str, body: Mapping[str, object]) -> None:
        """Keep a row, replacing the one of the same kind and id."""
        if self._db is not None:
            self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, id_, json.dumps(body)))

    def rows(self, kind: str) -> list[dict[str, object]]:
        """Rows of a kind in the order of their ids."""
        if self._db is None:
            return []
        found = self._db.execute("SELECT body FROM kept WHERE kind = ? ORDER BY id", (kind,))
        return [json.loads(body) for (body,) in found]

    def drop(self, kind: str, id_: str | None = None) -> None:
        """Forget one row, or all of a kind."""
        if self._db is None:
            return
        if id_ is None:
            self._db.execute("DELETE FROM kept WHERE kind = ?", (kind,))
        else:
            self._db.execute("DELETE FROM kept WHERE kind = ? AND id = ?", (kind, id_))

    def clear(self) -> None:
        """Forget everything."""
        if self._db is not None:
            self._db.execute("DELETE FROM kept")

    def commit(self) -> None:
        """Make all that was put durable; costs nothing when nothing was."""
        if self._db is not None and self._db.in_transaction:
            self._db.commit()

    def close(self) -> None:
        if self._db is not None:
            self._db.commit()
            self._db.close()
            self._db = None
