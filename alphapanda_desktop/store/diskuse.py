"""What a profile's folder holds, thing by thing, and removing what a person no longer wants. Calls block.

What this program cannot do without, or writes to now, says why it stays. Nothing outside the profile's folder is
ever touched, and no link is followed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.keptfiles import DiskUse, KeptFile

FOLDERS: Final = ("recordings", "history", "instruments", "bars", "replays", "reports", "backups", "logs")

KINDS: Final = (
    *("Recordings", "Candles", "Instrument masters", "Bars of backtests", "Replays", "Reports", "Journals", "Backups"),
    *("Logs", "Program"),
)
"""What is kept, in the order of the list: first what one may want to be rid of."""

WRITTEN: Final = "it is being written"
JOURNAL: Final = "the journal of orders is never removed here"
OURS: Final = "the program needs it"
PRUNED: Final = "the program keeps the last seven days by itself"


@dataclass(frozen=True, slots=True)
class _Found:
    """A thing with the files that make it up."""

    kept: KeptFile
    paths: tuple[Path, ...]


def disk_use(profile: Path, today: date) -> DiskUse:
    """Everything in the profile's folder, and the room that is left on its disk. Raises OSError."""
    free = shutil.disk_usage(profile).free
    return DiskUse(str(profile), tuple(found.kept for found in _things(profile, today)), free)


def remove(profile: Path, today: date, names: Iterable[str]) -> int:
    """Remove the things of these names as they are now, and give the bytes of those that went.

    Raises Refused, with nothing removed, where one of them stays; OSError where the disk refuses, with the file named.
    """
    known = {found.kept.name: found for found in _things(profile, today)}
    chosen = [known[name] for name in names if name in known]
    for found in chosen:
        if found.kept.stays:
            raise Refused(f"{found.kept.name} cannot be removed: {found.kept.stays}.", rule="clean-up")
    for path in (path for found in chosen for path in found.paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sum(found.kept.size for found in chosen)


def _things(profile: Path, today: date) -> list[_Found]:
    found: list[_Found] = []
    rest: list[Path] = []
    journals: dict[str, list[Path]] = {}
    for path in sorted(profile.iterdir()):
        if path.name in FOLDERS and path.is_dir() and not path.is_symlink():
            found += _in_folder(profile, path, today)
        elif ".sqlite" in path.name:
            journals.setdefault(path.name.partition(".sqlite")[0], []).append(path)
        else:
            rest.append(path)
    found += [_journal(profile, paths) for paths in journals.values()]
    if rest:
        told = "settings, own strategies, and what the program remembers"
        found.append(_thing(profile, "Program", told, rest, OURS, "settings and the like"))
    return sorted(found, key=lambda one: (KINDS.index(one.kept.kind), -one.kept.size, one.kept.name))


def _journal(profile: Path, paths: list[Path]) -> _Found:
    """A database with SQLite's side files."""
    if ".before-" in paths[0].name:
        return _thing(profile, "Journals", "a copy of the journal from before an upgrade", paths)
    return _thing(profile, "Journals", "the journal of orders and executions", paths, JOURNAL)


def _in_folder(profile: Path, path: Path, today: date) -> Iterator[_Found]:
    """The things of one of the known folders."""
    parts: dict[str, Callable[[], Iterator[_Found]]] = {
        "recordings": lambda: _recordings(profile, path, today),
        "history": lambda: _below(profile, path, 3, "Candles", "candles from Kite, fetched again when they are needed"),
        "instruments": lambda: _masters(profile, path, today),
        "reports": lambda: _below(profile, path, 1, "Reports", "a report that was saved"),
        "backups": lambda: _below(profile, path, 1, "Backups", "a copy of a journal", PRUNED),
        "bars": lambda: _below(profile, path, 0, "Bars of backtests", "made again when a backtest needs them"),
        "replays": lambda: _below(profile, path, 1, "Replays", "the books of a replayed day, begun anew each time"),
        "logs": lambda: _below(
            profile,
            path,
            0,
            "Logs",
            "what the program and the practice exchange logged",
            "logs are cut to size by themselves",
        ),
    }
    yield from parts[path.name]()


def _recordings(profile: Path, folder: Path, today: date) -> Iterator[_Found]:
    """A day of a mode each, with its index."""
    for mode in sorted(folder.iterdir()):
        if not mode.is_dir() or mode.is_symlink():
            yield _thing(profile, "Recordings", "put here by somebody else", [mode], OURS)
            continue
        days: dict[str, list[Path]] = {}
        for path in sorted(mode.iterdir()):
            days.setdefault(path.name.split(".")[0], []).append(path)
        for day, paths in days.items():
            stays = WRITTEN if day >= today.isoformat() else ""
            name = f"{mode.relative_to(profile).as_posix()}/{day}"
            yield _thing(profile, "Recordings", f"ticks recorded in {mode.name}", paths, stays, name)


def _masters(profile: Path, folder: Path, today: date) -> Iterator[_Found]:
    for one in _below(profile, folder, 2, "Instrument masters", "a day's instruments, fetched again each day"):
        if today.isoformat() in one.paths[0].name:
            kept = one.kept
            yield _Found(KeptFile(kept.kind, kept.name, kept.told, kept.size, kept.changed_at, OURS), one.paths)
        else:
            yield one


def _below(profile: Path, folder: Path, depth: int, kind: str, told: str, stays: str = "") -> Iterator[_Found]:
    """What lies so many folders deep, each as one thing; files on the way there count as things too."""
    if depth == 0 or not folder.is_dir() or folder.is_symlink():
        yield _thing(profile, kind, told, [folder], stays)
        return
    for path in sorted(folder.iterdir()):
        yield from _below(profile, path, depth - 1, kind, told, stays)


def _thing(profile: Path, kind: str, told: str, paths: list[Path], stays: str = "", name: str = "") -> _Found:
    size, changed = 0, 0.0
    for path in paths:
        for file in _files(path):
            with suppress(FileNotFoundError):  # a side file of a database comes and goes
                state = file.lstat()
                size, changed = size + state.st_size, max(changed, state.st_mtime)
    called = name or paths[0].relative_to(profile).as_posix()
    kept = KeptFile(kind, called, told, size, datetime.fromtimestamp(changed, UTC), stays)
    return _Found(kept, tuple(paths))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for inside in path.iterdir():
            yield from _files(inside)
    else:
        yield path
