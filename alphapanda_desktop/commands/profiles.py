"""`alphapanda profiles`: list, make, label, remove and bring back profiles, without a window."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.folders import root_dir
from alphapanda_desktop.profiles import (
    Hold,
    cards_of,
    forget_secrets,
    keyrings_of,
    make,
    remove,
    removed_of,
    removed_words,
    restore,
    set_label,
)

_ABOUT: Final = """\
list     prints each profile: its name, whether a window has it open, its mode, its size, when it was used, its label;
         then what was removed.
make     makes an empty one: alphapanda profiles make huf --label "Family account"
label    calls one otherwise, in lists and in its window's title from its next start on; without words, by its name.
remove   moves one away as it is, and deletes its secrets from the keyring. It must not be open. Asks for --really.
restore  brings a removed one back, under its own name or that of --as. Its secrets have to be entered again.

A profile is opened with alphapanda --profile NAME.
exit code: 0 done, 1 refused, 2 wrong use.
"""


def run(rest: list[str], options: argparse.Namespace, hold: Hold) -> int:
    """Do what the arguments say; the exit code. `hold` takes a profile's folder, None where a window has it open."""
    given = _parser().parse_args(rest)
    root = root_dir(options.data_dir)
    acts: dict[str, Callable[[], str]] = {
        "list": lambda: _list(root, hold),
        "make": lambda: f"made in {make(root, given.name, given.label)}",
        "label": lambda: _label(root, given.name, " ".join(given.words)),
        "remove": lambda: _remove(root, given.name, hold, really=given.really),
        "restore": lambda: f"it is back in {restore(root, given.name, given.under or given.name.rsplit('-', 2)[0])}",
    }
    try:
        print(acts[given.what]())
    except AlphaPandaError as error:
        print(f"alphapanda profiles: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="alphapanda profiles",
        description="Profiles: settings, databases, secrets and a window for each account.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = made.add_subparsers(dest="what", required=True, metavar="list | make | label | remove | restore")
    kinds.add_parser("list")
    for what in ("make", "label", "remove", "restore"):
        kind = kinds.add_parser(what)
        kind.add_argument("name", metavar="NAME")
        if what == "make":
            kind.add_argument("--label", default="", help="what you call it")
        elif what == "label":
            kind.add_argument("words", nargs="*", metavar="WORD")
        elif what == "remove":
            kind.add_argument("--really", action="store_true", help="yes, move it away and delete its secrets")
        else:
            kind.add_argument("--as", dest="under", metavar="NAME", help="bring it back under this name")
    return made


def _list(root: Path, hold: Hold) -> str:
    lines = []
    for card in cards_of(root, hold):
        used = f"{card.used_at.astimezone(IST):%Y-%m-%d %H:%M}" if card.used_at else "never used"
        state, mode = "open" if card.open else "closed", card.mode or "no mode yet"
        lines.append(
            f"{card.name:<16} {state:<6}  {mode:<11} {card.size / 1e6:9.1f} MB  {used:<16}  {card.label}".rstrip()
        )
    lines += [f"{kept}  removed" for kept in removed_of(root)]
    return "\n".join(lines) or f"no profiles in {root}"


def _label(root: Path, name: str, label: str) -> str:
    set_label(root, name, label)
    return f"{name} is called {label!r} now" if label.strip() else f"{name} has no label now"


def _remove(root: Path, name: str, hold: Hold, *, really: bool) -> str:
    if not really:
        raise Refused(f"nothing is done without --really: it moves {name!r} away and deletes its secrets", "profiles")
    vaults = keyrings_of(root, name)
    where = remove(root, name, hold, datetime.now(UTC))
    return removed_words(name, where, asyncio.run(forget_secrets(vaults)))
