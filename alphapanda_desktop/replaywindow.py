"""What a replay's window is started with and what it leaves, and how another window starts one."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable, Sequence
from datetime import date, time
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.replay import RecordedFile
from alphapanda_desktop.practice import command
from alphapanda_desktop.store.dayfile import SUFFIX
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.venues.venue import ReplayOptions

_KEYED: Final = re.compile(r"(?P<path>.+)=(?P<key>[A-Z]+:.+)")


def replay_options(recordings: Sequence[str], at: str = "") -> ReplayOptions:
    """What the command line says of a replay. Raises Fatal for a file that is not there, and for no time of day."""
    keyed = [_KEYED.fullmatch(text) for text in recordings]
    files = tuple(Path(match["path"] if match else text) for match, text in zip(keyed, recordings, strict=True))
    for path in files:
        if not path.is_file():
            raise Fatal(f"There is no recording {path}.")
    keys = tuple((Path(match["path"]), match["key"]) for match in keyed if match)
    return ReplayOptions(files, at=_time_of(at), keys=keys)


def _time_of(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise Fatal(f"--at {text}: a time of day is expected, as 10:30.") from None


def recorded_days(folder: Path) -> list[RecordedFile]:
    """The days that were recorded below a folder that has one for each mode."""
    found = []
    for path in folder.glob(f"*/*{SUFFIX}"):
        try:
            found.append(RecordedFile(str(path), date.fromisoformat(path.stem), path.parent.name, path.stat().st_size))
        except (ValueError, OSError):
            continue  # no day's name, or gone meanwhile: the budget deletes the oldest
    return found


def forget_replay(database: Path) -> None:
    """Remove what an earlier replay of the same recording has left: the day begins anew on empty books."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def replay_command(profile: str, folder: Path, recordings: Sequence[str]) -> list[str]:
    """The command line of a window that plays these recordings; `folder` is the profile's."""
    played = [part for path in recordings for part in ("--recording", path)]
    return command("--profile", profile, "--data-dir", str(folder.parents[1]), "--mode", "replay", *played)


async def replay_window(line: Sequence[str], tell: Callable[[str], None]) -> None:
    """Open a window of its own, which outlives this program; `tell` hears why it did not open."""
    why = await asyncio.wrap_future(in_daemon_thread("replay window", lambda: _run(line)))
    if why:
        tell(f"The replay could not be opened: {why}")


def _run(line: Sequence[str]) -> str:
    """Wait for the window's end; why it did not open, empty when it did."""
    done = subprocess.run(
        line,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    # The reason is the last of what it complained of; what it printed comes later where nobody looks on, at its end.
    said = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace").splitlines()
    return "" if done.returncode == 0 else said[-1] if said else f"it ended with code {done.returncode}"
