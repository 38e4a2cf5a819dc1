"""Copies of a mode's database: one for each day on which it was opened, and a way back to one of them.

A copy is made by SQLite itself while the program works; it is whole or not there. Going back never deletes anything:
what is replaced stays beside its successor under a name of its own.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.progress import Progress, Stopped, Works
from alphapanda_desktop.store.proof import prove_file
from alphapanda_desktop.store.threads import in_daemon_thread

log = logging.getLogger(__name__)

FOLDER: Final = "backups"
PAGES: Final = 2_000
"""Copied at a step, eight megabytes: a step takes some milliseconds."""
KEPT: Final = 7
"""Days with a copy that are kept."""
HALF: Final = ".part"
LEFT_S: Final = 3600.0
"""A half copy that nobody has written to for so long was left by a program that was killed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy: of which mode, of which day, where, and how many bytes."""

    mode: str
    day: date
    path: Path
    size: int


def backups_of(profile: Path, mode: str | None = None) -> list[Backup]:
    """The copies that are kept of a profile, newest first; of one mode, or of all."""
    found = []
    for path in (profile / FOLDER).glob(f"{mode or '*'}-*.sqlite"):
        name, _, day = path.stem.partition("-")
        try:
            found.append(Backup(name, date.fromisoformat(day), path, path.stat().st_size))
        except (ValueError, OSError):
            continue  # a file of somebody else's, or one that goes this moment
    return sorted(found, key=lambda backup: (backup.day, backup.mode), reverse=True)


def back_up(path: Path, day: date, progress: Progress | None = None) -> Path:
    """Copy a database into its profile's folder of backups, as that day's; the copy.

    OSError, sqlite3.Error and a Stopped of the progress pass, and leave nothing.
    """
    folder = path.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{path.stem}-{day.isoformat()}.sqlite"
    _sweep(folder)
    # A name of its own: two programs may copy one database at once, and neither may put the other's half in place.
    handle, name = tempfile.mkstemp(prefix=f"{copy.stem}.", suffix=HALF, dir=folder)
    os.close(handle)
    half = Path(name)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
            _copy(source, target, progress or Progress("Backup"))
        half.replace(copy)
    finally:
        half.unlink(missing_ok=True)
    for old in backups_of(path.parent, path.stem)[KEPT:]:
        old.path.unlink(missing_ok=True)
    return copy


def _sweep(folder: Path) -> None:
    """Take away what programs that were killed left half copied."""
    for half in folder.glob(f"*{HALF}"):
        with suppress(OSError):  # it is another's this moment
            if time.time() - half.stat().st_mtime > LEFT_S:
                half.unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress) -> None:
    """Copy page by page what the database holds now, however much is written to it meanwhile."""
    # Between steps the writer may write. A read that is held open keeps this line's view of the write-ahead log:
    # without it SQLite would begin anew at each write, and a busy day would never be copied.
    source.isolation_level = None
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    source.backup(target, pages=PAGES, progress=lambda _status, left, total: progress.at(total - left, total))
    source.execute("COMMIT")


async def keep_daily(path: Path, day: date, tell: Callable[[str], None], works: Works | None = None) -> None:
    """See that there is a copy of that day; `tell` hears why there is none. Never raises for a disk that refuses.

    It is shown among the `works`, and can be stopped there; the next start then makes the copy.
    """
    import asyncio

    if any(backup.day == day for backup in backups_of(path.parent, path.stem)):
        return
    progress = Progress("Today's backup of the journal")
    try:
        with (works or Works()).shown(progress):
            copy = await asyncio.wrap_future(in_daemon_thread("database backup", lambda: back_up(path, day, progress)))
    except Stopped:
        tell(f"There is no backup of {path.name} of today: it was stopped. The next start makes it.")
    except (OSError, sqlite3.Error) as error:
        tell(f"Today's backup of {path.name} could not be made: {error}")
    else:
        log.info("%s is backed up as %s", path.name, copy.name)


def restore(backup: Path, database: Path, now: datetime) -> Path | None:
    """Put a copy in the place of a database that nobody has open; where the replaced one lies, None if there was none.

    Raises Fatal, with nothing changed, for a copy whose journal is not whole or that could not be put there.
    """
    proof = prove_file(backup)
    if proof.bad is not None:
        raise Fatal(f"{backup} is no backup to go back to: {proof.bad}")
    aside = database.with_name(f"{database.stem}.replaced-{now:%Y%m%d-%H%M%S}{database.suffix}")
    half = database.with_suffix(".part")
    try:
        half.unlink(missing_ok=True)
        half.touch(mode=0o600)
        source = sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(half)) as target:
            source.backup(target)
        replaced = _set_aside(database, aside)
        half.replace(database)
    except (OSError, sqlite3.Error) as error:
        raise Fatal(f"{backup} could not be put in the place of {database}: {error}") from error
    finally:
        half.unlink(missing_ok=True)
        _tidy_beside(backup)
    return replaced


def _tidy_beside(copy: Path) -> None:
    """Take away what reading a copy has left beside it; a log with something in it belongs to the copy, and stays."""
    log_of = copy.with_name(f"{copy.name}-wal")
    if log_of.exists() and log_of.stat().st_size == 0:
        log_of.unlink()
        copy.with_name(f"{copy.name}-shm").unlink(missing_ok=True)


def _set_aside(database: Path, aside: Path) -> Path | None:
    """Move a database away with what lies beside it; a write-ahead log without it would be another's."""
    if not database.exists():
        return None
    for ending in ("", "-wal", "-shm"):
        part = database.with_name(database.name + ending)
        if part.exists():
            part.replace(aside.with_name(aside.name + ending))
    return aside


def ask_to_restore(copy: Path, database: Path) -> None:
    """Have the next start put this copy in the place of that database. Raises OSError."""
    _wish_of(database).write_text(copy.name, encoding="utf-8")


def restore_asked(database: Path, now: datetime) -> str:
    """Do what `ask_to_restore` left for this database, which nobody has open; what was done, in words, or empty.

    The wish is gone afterwards, also where it could not be done: the database is then as it was.
    """
    wish = _wish_of(database)
    if not wish.exists():
        return ""
    name = wish.read_text(encoding="utf-8").strip()
    wish.unlink()
    try:
        aside = restore(wish.parent / Path(name).name, database, now)
    except Fatal as error:
        return f"Nothing was changed. {error}"
    kept = f" What was there before is {aside.name}." if aside is not None else ""
    return f"{database.name} is that of {name} now.{kept}"


def _wish_of(database: Path) -> Path:
    return database.parent / FOLDER / f"{database.stem}.restore"
