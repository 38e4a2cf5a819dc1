"""What a profile's folder holds, thing by thing, and removing what a person no longer wants. Calls block.

What this program cannot do without, or writes to now, says why it stays. Nothing outside the profile's folder is
ever touched, and no link is followed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.keptfiles import DiskUse, KeptFile
from alphapanda_desktop.domain.progress import Progress

FOLDERS: Final = ("recordings", "history", "instruments", "bars", "replays", "reports", "backups", "logs")

KINDS: Final = (
    *("Recordings", "Candles", "Instrument masters", "Bars of backtests", "Replays", "Reports", "Journals", "Backups"),
    *("Logs", "Program"),
)
"""What is kept, in the order of the list: first what one may want to be rid of."""

WRITTEN: Final = "it is being written"
JOURNAL: Final = "the journal of orders is never removed here"
OURS: Final = "the program needs it"
OPEN: Final = "a replay has it open"
PLAYED: Final = "a replay is open, and may be playing it"
TESTED: Final = "a backtest is playing"
LATELY_S: Final = 300.0
"""What was written so short a time ago may be written again, whatever day it is by the venue's clock."""

PRUNED: Final = "the program keeps the last seven days by itself"


@dataclass(frozen=True, slots=True)
class _Found:
    """A thing with the files that make it up."""

    kept: KeptFile
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class InUse:
    """What of a profile is in use now, besides what is written today."""

    today: date
    """The Indian day by the venue's clock."""
    opened: Callable[[Path], bool] = lambda _folder: False
    """Whether a window has that replay's folder open."""
    tested: bool = False
    """Whether a backtest or a sweep is playing."""

    def writes(self, day: str, paths: Iterable[Path]) -> bool:
        """Whether the recording of that day may still grow."""
        return day >= self.today.isoformat() or any(time.time() - _changed_at(path) < LATELY_S for path in paths)


def disk_use(profile: Path, used: InUse, progress: Progress | None = None) -> DiskUse:
    """Everything in the profile's folder, and the room that is left on its disk. Raises OSError, or Stopped."""
    free = shutil.disk_usage(profile).free
    return DiskUse(str(profile), tuple(found.kept for found in _things(profile, used, progress)), free)


def remove(profile: Path, used: InUse, names: Iterable[str], progress: Progress | None = None) -> int:
    """Remove the things of these names as they are now, and give the bytes of those that went.

    Raises Refused, with nothing removed, where one of them stays; OSError where the disk refuses, with the file named;
    Stopped between two things.
    """
    known = {found.kept.name: found for found in _things(profile, used)}
    chosen = [known[name] for name in names if name in known]
    for found in chosen:
        if found.kept.stays:
            raise Refused(f"{found.kept.name} cannot be removed: {found.kept.stays}.", rule="clean-up")
    for number, found in enumerate(chosen):
        if progress is not None:
            progress.at(number, len(chosen), found.kept.name)
        for path in found.paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return sum(found.kept.size for found in chosen)


def _things(profile: Path, used: InUse, progress: Progress | None = None) -> list[_Found]:
    found: list[_Found] = []
    rest: list[Path] = []
    journals: dict[str, list[Path]] = {}
    for path in sorted(profile.iterdir()):
        if path.name in FOLDERS and path.is_dir() and not path.is_symlink():
            for one in _in_folder(profile, path, used):
                found.append(one)
                if progress is not None:
                    progress.step(one.kept.name)
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


def _in_folder(profile: Path, path: Path, used: InUse) -> Iterator[_Found]:
    """The things of one of the known folders."""
    parts: dict[str, Callable[[], Iterator[_Found]]] = {
        "recordings": lambda: _recordings(profile, path, used),
        "history": lambda: _below(profile, path, 3, "Candles", "candles from Kite, fetched again when they are needed"),
        "instruments": lambda: _masters(profile, path, used.today),
        "reports": lambda: _below(profile, path, 1, "Reports", "a report that was saved"),
        "backups": lambda: _below(profile, path, 1, "Backups", "a copy of a journal", PRUNED),
        "bars": lambda: _below(
            profile,
            path,
            0,
            "Bars of backtests",
            "made again when a backtest needs them",
            TESTED if used.tested else "",
        ),
        "replays": lambda: _replays(profile, path, used),
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


def _replays(profile: Path, folder: Path, used: InUse) -> Iterator[_Found]:
    """The books of each replayed day; those of an open window stay."""
    for path in sorted(folder.iterdir()):
        stays = OPEN if used.opened(path) else ""
        yield _thing(profile, "Replays", "the books of a replayed day, begun anew each time", [path], stays)


def _recordings(profile: Path, folder: Path, used: InUse) -> Iterator[_Found]:
    """A day of a mode each, with its index. A replay may have been given several, and does not say which."""
    replays = profile / "replays"
    played = replays.is_dir() and any(used.opened(path) for path in replays.iterdir())
    for mode in sorted(folder.iterdir()):
        if not mode.is_dir() or mode.is_symlink():
            yield _thing(profile, "Recordings", "put here by somebody else", [mode], OURS)
            continue
        days: dict[str, list[Path]] = {}
        for path in sorted(mode.iterdir()):
            days.setdefault(path.name.split(".")[0], []).append(path)
        for day, paths in days.items():
            stays = WRITTEN if used.writes(day, paths) else PLAYED if played else ""
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
        with suppress(FileNotFoundError):  # gone while it is looked at
            for inside in path.iterdir():
                yield from _files(inside)
    else:
        yield path


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
