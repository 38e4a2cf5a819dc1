"""From whatever file is there to the schema this program works with, or a plain refusal with nothing touched.

Alembic takes 0.8 s to import, so it is asked only when the stamp, read by plain SQL, is not today's.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.store.schema import HEAD, REVISIONS, alembic_version, metadata, stamp_metadata

log = logging.getLogger(__name__)

MIGRATIONS: Final = Path(__file__).with_name("migrations")


class FileState(Enum):
    """What a database file holds as it is found."""

    EMPTY = "nothing yet"
    CURRENT = "today's schema"
    OLDER = "an older schema"


def look_at(path: Path) -> FileState:
    """What the file holds, read without writing to it.

    Raises Fatal for a damaged file, one of another program, and one of a newer AlphaPanda.
    """
    if not path.exists() or path.stat().st_size == 0:
        return FileState.EMPTY
    with closing(_reader(path)) as reader:
        _refuse_damaged(path, reader)
        tables = {name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return FileState.EMPTY
        versions = reader.execute("SELECT version_num FROM alembic_version").fetchall() if _stamped(tables) else []
    if len(versions) != 1:
        raise Fatal(f"{path} is a database of another program: move it aside, or choose another folder (--data-dir)")
    return _state_of(path, str(versions[0][0]))


def _reader(path: Path) -> sqlite3.Connection:
    # Nobody has it open where no write-ahead log lies beside it; then even the side files need not be made.
    idle = not path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if idle else ''}", uri=True)


def _stamped(tables: set[str]) -> bool:
    return {"alembic_version", "chain"} <= tables


def _refuse_damaged(path: Path, reader: sqlite3.Connection) -> None:
    (verdict,) = reader.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Fatal(f"{path} is damaged: move it aside or put a backup in its place, then start again ({verdict})")


def _state_of(path: Path, revision: str) -> FileState:
    if revision not in REVISIONS:
        raise Fatal(
            f"{path} was written by a newer AlphaPanda (schema {revision}, this program knows up to {HEAD}): "
            "start the newer program, or choose another folder (--data-dir). Nothing was changed."
        )
    return FileState.CURRENT if revision == HEAD else FileState.OLDER


def bring_up_to_date(connection: Connection, path: Path, state: FileState) -> None:
    """Give the file today's schema; an older file is copied aside first."""
    if state is FileState.EMPTY:
        with connection.begin():
            create(connection)
    elif state is FileState.OLDER:
        back_up(path)
        with connection.begin():
            migrate(connection)


def create(connection: Connection) -> None:
    """Make today's tables at once: the same that all migrations make one after another."""
    metadata.create_all(connection, checkfirst=False)
    stamp_metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(alembic_version), {"version_num": HEAD})


def back_up(path: Path) -> Path:
    """A whole copy beside the file, named after the schema that will replace it."""
    copy = path.with_name(f"{path.stem}.before-{HEAD}{path.suffix}")
    half = copy.with_name(copy.name + ".part")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
        source.backup(target)
    half.replace(copy)
    log.info("copied %s to %s before its upgrade", path.name, copy.name)
    return copy


def migrate(connection: Connection, target: str = "head") -> None:
    """Run the migrations in the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)
