"""Profiles on the disk: listed, made, labelled, opened in a window of their own, removed to where they can come back.

A profile that a window has open is never touched: removing takes its lock first. What is removed is moved as it is
into `removed` beside the profiles, for the journal in it has to be kept for years; its secrets are deleted from the
keyring. Functions block, the methods of `Profiles` do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from alphapanda_desktop.domain.errors import Fatal, Refused
from alphapanda_desktop.domain.profiles import ProfileCard, label_problem, name_problem
from alphapanda_desktop.folders import LABEL_FILE, data_dir, label_in
from alphapanda_desktop.practice import command
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.store.vault import KeyringVault, service_of

if TYPE_CHECKING:
    from alphapanda_desktop.domain.ports import Vault

T = TypeVar("T")

FOLDER: Final = "profiles"
REMOVED: Final = "removed"
MODES: Final = ("practice", "paper", "live")
SECRETS: Final = ("api_secret", "access_token", "telegram_token", "mail_password")
"""Under which names the program keeps secrets."""

RULE: Final = "profiles"


class Held(Protocol):
    """A profile that no other process gets meanwhile."""

    def release(self) -> None: ...


Hold = Callable[[Path], Held | None]
"""Takes a profile's folder; None where a window has it open."""


def cards_of(root: Path, hold: Hold, here: str = "") -> list[ProfileCard]:
    """Every profile below the data folder `root`, by name. Raises Fatal where it cannot be read."""
    folder = root / FOLDER
    try:
        found = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Fatal(f"The profiles in {folder} cannot be read: {error.strerror or error}.") from error
    return [_card(path, hold, here) for path in sorted(found, key=lambda path: path.name.casefold())]


def make(root: Path, name: str, label: str = "") -> Path:
    """Make an empty profile; its folder. Raises Refused for a name or label that cannot be, Fatal for the disk."""
    folder = root / FOLDER
    taken = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    _refuse(name_problem(name, taken) or label_problem(label.strip()))
    made = data_dir(name, root)
    if label.strip():
        set_label(root, name, label)
    return made


def set_label(root: Path, name: str, label: str) -> None:
    """Call a profile otherwise; empty for its name. Raises Refused where it cannot be called so, or is not there."""
    label = label.strip()
    path = _existing(root, name) / LABEL_FILE
    _refuse(label_problem(label))
    part = path.with_suffix(".part")
    try:
        part.write_text(json.dumps({"version": 1, "label": label}), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise Fatal(f"The label could not be kept in {path}: {error.strerror or error}.") from error


def remove(root: Path, name: str, hold: Hold, now: datetime) -> Path:
    """Move a profile away as it is; where to. Raises Refused while a window has it open, Fatal where the disk refuses.

    Its secrets are another matter: `forget_secrets`.
    """
    folder = _existing(root, name)
    held = hold(folder)
    if held is None:
        raise Refused(f"Profile {name!r} is open in a window: close that first.", RULE)
    try:
        return _moved(folder, held, _unused(root / REMOVED, f"{name}-{now:%Y%m%d-%H%M%S}"))
    except OSError as error:
        raise Fatal(f"Profile {name!r} could not be moved away: {error.strerror or error}. It is as it was.") from error
    finally:
        held.release()


def removed_of(root: Path) -> list[str]:
    """The names under which removed profiles lie, oldest first of each."""
    folder = root / REMOVED
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def restore(root: Path, kept: str, name: str) -> Path:
    """Bring a removed profile back under `name`; its folder. Raises Refused, or Fatal where the disk refuses."""
    if kept not in removed_of(root):
        raise Refused(f"No removed profile lies under {kept!r}.", RULE)
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _refuse(name_problem(name, [path.name for path in folder.iterdir()]))
    try:
        return (root / REMOVED / kept).rename(folder / name)
    except OSError as error:
        raise Fatal(f"{kept!r} could not be brought back: {error.strerror or error}.") from error


def keyrings_of(root: Path, name: str) -> list[Vault]:
    """Where a profile's secrets are, one place for each mode; they stand under where the profile lies."""
    folder = root / FOLDER / name
    return [KeyringVault(service_of(mode, name, folder)) for mode in MODES]


async def forget_secrets(vaults: Iterable[Vault]) -> bool:
    """Delete every secret that a profile may have; whether each keyring took it."""
    lasting = True
    for vault in vaults:
        for name in SECRETS:
            await vault.drop(name)
        lasting = lasting and vault.lasting
    return lasting


def opening(root: Path, name: str) -> list[str]:
    """The command line of a window with that profile."""
    return command("--profile", name, "--data-dir", str(root))


def _existing(root: Path, name: str) -> Path:
    folder = root / FOLDER / name
    if name in ("", ".", "..") or Path(name).name != name or folder.is_symlink() or not folder.is_dir():
        raise Refused(f"There is no profile {name!r}.", RULE)
    return folder


def _refuse(why: str) -> None:
    if why:
        raise Refused(f"{why[0].upper()}{why[1:]}.", RULE)


def _moved(folder: Path, held: Held, target: Path) -> Path:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if os.name == "nt":
        held.release()  # an open file in it would keep it where it is, and keeps out nobody who could not come later
    return folder.rename(target)


def _unused(folder: Path, name: str) -> Path:
    number, path = 1, folder / name
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path


def _card(folder: Path, hold: Hold, here: str) -> ProfileCard:
    settings = _read(folder / "settings.json")
    is_open = folder.name == here or _is_open(folder, hold)  # first: looking can make the lock's file
    size, used = _size_of(folder)
    return ProfileCard(
        name=folder.name,
        label=label_in(folder),
        mode=_word(settings, "general", "mode"),
        api_key=_word(settings, "account", "api_key"),
        size=size,
        used_at=used,
        open=is_open,
        here=folder.name == here,
    )


def _is_open(folder: Path, hold: Hold) -> bool:
    held = hold(folder)
    if held is not None:
        held.release()
    return held is None


def _size_of(folder: Path) -> tuple[int, datetime | None]:
    """All bytes in it, and when settings or books were written last. What goes meanwhile counts as gone."""
    size, used = 0, 0.0
    for where, _, names in os.walk(folder):
        for path in (Path(where, name) for name in names):
            with suppress(OSError):
                state = path.lstat()
                size += state.st_size
                if path.name == "settings.json" or path.suffix == ".sqlite":
                    used = max(used, state.st_mtime)
    return size, datetime.fromtimestamp(used, UTC) if used else None


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _word(raw: dict[str, Any], section: str, field: str) -> str:
    own = raw.get(section)
    value = own.get(field) if isinstance(own, dict) else None
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Profiles:
    """`ui.profiles.Shelf`: the profiles below `root`, of which the window that asks has `here`."""

    root: Path
    here: str
    hold: Hold
    vaults: Callable[[Path, str], Sequence[Vault]] = keyrings_of

    async def cards(self) -> list[ProfileCard]:
        """Every profile, as it is now. Raises Fatal where they cannot be read."""
        return await _in_thread(lambda: cards_of(self.root, self.hold, self.here))

    async def make(self, name: str, label: str) -> None:
        """Make an empty one. Raises Refused, or Fatal for the disk."""
        await _in_thread(lambda: make(self.root, name, label))

    async def set_label(self, name: str, label: str) -> None:
        """Call one otherwise. Raises Refused, or Fatal for the disk."""
        await _in_thread(lambda: set_label(self.root, name, label))

    async def remove(self, name: str) -> str:
        """Move one away and forget its secrets; what became of it, in words. Raises Refused, or Fatal for the disk."""
        vaults = self.vaults(self.root, name)
        where = await _in_thread(lambda: remove(self.root, name, self.hold, datetime.now(UTC)))
        forgotten = await forget_secrets(vaults)
        return removed_words(name, where, forgotten)

    async def open(self, name: str) -> str:
        """Open one in a window of its own, or bring that forward; returns at its end: why it did not open, or ""."""
        return await _in_thread(lambda: _run(opening(self.root, name)))


def removed_words(name: str, where: Path, forgotten: bool) -> str:
    """What became of a removed profile."""
    gone = "its secrets are deleted from the keyring"
    keyring = gone if forgotten else "the keyring could not be asked: secrets that it has stay in it"
    return (
        f"Profile {name!r} is removed, {keyring}. Its files lie in {where}; "
        f"`alphapanda profiles restore {where.name}` brings them back."
    )


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread("profiles", work))


def _run(line: Sequence[str]) -> str:
    """Wait for the window's end. What it says goes into a file: a pipe would break once this program is closed."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True, check=False
        )
        said.seek(0)
        lines = said.read()[-4_000:].decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else lines[-1] if lines else f"it ended with code {done.returncode}"
