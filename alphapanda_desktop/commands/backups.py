"""`alphapanda backups`: the copies of the databases, and the way back to one of them."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Protocol

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.store.backup import Backup, back_up, backups_of, restore

MODES: Final = ("practice", "paper", "live")

_ABOUT: Final = """\
list     prints the copies that are kept: the program makes one of each mode on each day it is opened, and keeps seven.
make     makes one of today, now; the program may be running.
restore  puts the copy of --day in the place of the database. The program must be closed. The copy's hash chain is
         proved first. What is replaced is kept beside it as MODE.replaced-TIME.sqlite. Orders since that day are then
         not in the journal: at the next start the desk compares itself with the broker and shows each difference.

exit code: 0 done, 2 no such copy, not whole, or the program is running.
"""


class Held(Protocol):
    """A profile that no other process gets meanwhile."""

    def release(self) -> None: ...


Hold = Callable[[Path], Held | None]


def run(rest: list[str], options: argparse.Namespace, hold: Hold) -> int:
    """Do what the arguments say; the exit code. `hold` takes a profile's folder, None where a program has it open."""
    given = _parser().parse_args(rest)
    try:
        folder = data_dir(getattr(options, "profile", "default"), getattr(options, "data_dir", None))
        if given.what == "list":
            return _list(folder, options.mode)
        mode = options.mode
        if mode is None:
            raise Fatal(f"say which database: alphapanda --mode {'|'.join(MODES)} backups {given.what}")
        return _make(folder, mode) if given.what == "make" else _restore(folder, mode, given.day, hold)
    except (Fatal, OSError, sqlite3.Error) as error:
        print(f"alphapanda backups: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="alphapanda backups",
        description="Copies of the databases, and the way back to one.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("what", choices=("list", "make", "restore"))
    made.add_argument("--day", type=date.fromisoformat, help="restore: the copy of this day; the newest if left out")
    return made


def _list(folder: Path, mode: str | None) -> int:
    for backup in backups_of(folder, mode):
        print(f"{backup.mode:<9} {backup.day}  {backup.size / 1e6:8.1f} MB  {backup.path}")
    return 0


def _make(folder: Path, mode: str) -> int:
    database = folder / f"{mode}.sqlite"
    if not database.exists():
        raise Fatal(f"there is no database {database}")
    print(back_up(database, datetime.now(IST).date()))
    return 0


def _restore(folder: Path, mode: str, day: date | None, hold: Hold) -> int:
    wanted = _chosen(backups_of(folder, mode), mode, day)
    held = hold(folder)
    if held is None:
        raise Fatal("the program is running with this profile: close it first")
    try:
        replaced = restore(wanted.path, folder / f"{mode}.sqlite", datetime.now(UTC))
    finally:
        held.release()
    print(f"{mode}.sqlite is that of {wanted.day} now")
    if replaced is not None:
        print(f"what was there before is {replaced}")
    return 0


def _chosen(backups: list[Backup], mode: str, day: date | None) -> Backup:
    for backup in backups:
        if day is None or backup.day == day:
            return backup
    raise Fatal(f"there is no backup of {mode}{f' of {day}' if day else ''}; `alphapanda backups list` shows all")
