"""What a restarted simulator still knows: one SQLite file, one row per session, order, fill, position, trigger.

Whatever was put is on disk after `commit`, and the server commits before it replies: a reply that a client has
seen is never forgotten, whatever happens to this process afterwards.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

VERSION: Final = 1
"""To be raised with every change of what is kept."""

_TABLE: Final = "CREATE TABLE IF NOT EXISTS kept (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"


class Memory:
    """Rows of JSON by kind and id; without a path it keeps nothing. One loop, one file, one owner.

    What another version wrote is forgotten, and a file that is no database is put aside. Raises OSError for a file
    that another simulator uses or that cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db = None if path is None else _opened(path)

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


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(path)
    except sqlite3.OperationalError as error:
        raise OSError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.broken")
        log.warning("%s is no state of the simulator (%s): put aside as %s", path, error, aside.name)
        path.replace(aside)
        return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # it holds the practice session
    db = sqlite3.connect(path, timeout=2.0)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=WAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            db.execute("DROP TABLE IF EXISTS kept")
            db.execute(f"PRAGMA user_version={VERSION}")
        db.execute(_TABLE)
        db.execute("DELETE FROM kept WHERE kind = ''")  # takes the lock, now rather than at the first order
        db.commit()
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
