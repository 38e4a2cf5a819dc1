"""`alphapanda update`: whether there is a newer version, and its file, proved to be the owner's. It installs none."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop import __version__, updates
from alphapanda_desktop.announcement import Source, source_of
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.domain.release import Offer
from alphapanda_desktop.domain.session import IST

STOPPED: Final = 130
"""What a shell says of a command that Ctrl+C ended."""
_ABOUT: Final = """\
Asked for are two small pages at the address of the settings (File › Settings › Updates), or at the one that came with
the program. The owner's signature is verified with a key that came with the program; an older version, an announcement
that has run out and one older than the last that was seen are refused. Before a file is shown, the journals of every
profile are backed up.

Exit codes: 0 where it was asked and answered, 1 where nobody is asked or the answer was refused or none, 130 after
Ctrl+C.
"""


def run(rest: list[str], profile: Path, address: str, keys: Path | None = None) -> int:
    """Say what runs, look, or fetch. `keys` are in that folder instead of the program's own."""
    given = parser().parse_args(rest)
    source, asks = source_of(address, keys), given.check or given.download
    if not asks:
        print(_standing(source))
        return 0
    try:
        if isinstance(source, str):
            raise AlphaPandaError(source)
        made = updates.Updates(source, profile, __version__, lambda: datetime.now(UTC), updates.here())
        offer = made.look()
        print(_found(offer))
        if offer is not None and given.download:
            print(_fetched(made, offer, given.out))
    except AlphaPandaError as error:
        print(f"alphapanda update: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("alphapanda update: stopped; nothing was kept", file=sys.stderr)
        return STOPPED
    return 0


def _standing(source: Source | str) -> str:
    head = f"AlphaPanda Desktop {__version__}"
    if isinstance(source, str):
        return f"{head}: {source}"
    return f"{head}\nannounced at  {source.address}\nsigned by one of  {', '.join(source.keys)}"


def _found(offer: Offer | None) -> str:
    if offer is None:
        return f"{__version__} is the newest version."
    release = offer.release
    head = f"Version {release.version}, announced on {release.issued.astimezone(IST):%d %b %Y}; {__version__} runs."
    file = f"{offer.file.name}, {offer.file.size / 1e6:.1f} MB" if offer.file else "It has no file for this system."
    return "\n".join(part for part in (head, file, "", release.notes) if part or release.notes).rstrip()


def _fetched(made: updates.Updates, offer: Offer, out: Path | None) -> str:
    fetched = made.fetch(offer, _Shown("Download"), out)
    kept = "".join(f"\nbacked up  {path}" for path in fetched.backups)
    return f"verified  {fetched.path}{kept}\n{fetched.how}"


class _Shown(Progress):
    """Says each tenth on a terminal."""

    def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
        before = self._tenths()
        super().at(done, total, words)
        if self._tenths() != before and sys.stderr.isatty():
            print(f"{self.told()}", file=sys.stderr)

    def _tenths(self) -> int:
        return 10 * self.done // self.total if self.total else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="alphapanda update", description=__doc__, epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    made.add_argument("--check", action="store_true", help="ask whether there is a newer version")
    made.add_argument("--download", action="store_true", help="fetch and verify it too")
    made.add_argument("--out", type=Path, help="where to, instead of the profile's folder")
    return made
