"""`alphapanda support`: one zip that helps to find a fault, without secrets, accounts or addresses."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.preflight import Places
from alphapanda_desktop.store.vault import KeyringVault, service_of
from alphapanda_desktop.support import NAME, bundle, looked

_ABOUT: Final = """\
In it: versions, the preflight, the settings, the log, how many rows each table of the databases has, and the names and
sizes of the profile's files. Not in it: tokens, secrets, account ids, addresses, orders and trades (for those see
`alphapanda journal export`). Look into it before you send it: it is text.
"""


def run(rest: list[str], places: Places, profile: str) -> int:
    """Write the bundle of a profile; 2 where that fails."""
    given = parser().parse_args(rest)
    out = given.out or Path(f"{NAME}-{datetime.now(IST):%Y%m%d-%H%M%S}.zip")
    try:
        now = partial(datetime.now, UTC)
        checks, secrets = asyncio.run(
            looked(places, lambda mode: KeyringVault(service_of(mode, profile, places.folder)), now)
        )
        names = bundle(places.folder, out, datetime.now(UTC), checks, secrets)
    except AlphaPandaError as error:
        print(f"alphapanda support: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {', '.join(names)}")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="alphapanda support", description=__doc__, epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    made.add_argument("--out", type=Path, help="the zip; default: alphapanda-support-TIME.zip here")
    return made
