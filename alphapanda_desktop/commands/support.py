"""`alphapanda support`: one zip that helps to find a fault, without secrets, accounts or addresses."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.preflight import Check
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.preflight import Places, preflight
from alphapanda_desktop.store.vault import KeyringVault, service_of
from alphapanda_desktop.support import bundle
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_from_text

API_SECRET: Final = "api_secret"

_ABOUT: Final = """\
In it: versions, the preflight, the settings, the log, how many rows each table of the databases has, and the names and
sizes of the profile's files. Not in it: tokens, secrets, account ids, addresses, orders and trades (for those see
`alphapanda journal export`). Look into it before you send it: it is text.
"""


def run(rest: list[str], places: Places, profile: str) -> int:
    """Write the bundle of a profile; 2 where that fails."""
    given = parser().parse_args(rest)
    out = given.out or Path(f"alphapanda-support-{datetime.now(IST):%Y%m%d-%H%M%S}.zip")
    try:
        checks, secrets = asyncio.run(_found(places, profile))
        names = bundle(places.folder, out, datetime.now(UTC), checks, secrets)
    except AlphaPandaError as error:
        print(f"alphapanda support: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {', '.join(names)}")
    return 0


async def _found(places: Places, profile: str) -> tuple[list[Check], Iterable[str]]:
    """The preflight, and every secret that the keyring has of this profile."""
    secrets = {places.api_key}
    for mode in ("practice", "paper", "live"):
        vault = KeyringVault(service_of(mode, profile, places.folder))
        token = token_from_text(await vault.get(ACCESS_TOKEN) or "")
        secrets |= {await vault.get(API_SECRET) or "", token.access_token if token else ""}
    vault = KeyringVault(service_of(places.mode, profile, places.folder))
    return await preflight(places, vault, lambda: datetime.now(UTC)), secrets


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="alphapanda support", description=__doc__, epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    made.add_argument("--out", type=Path, help="the zip; default: alphapanda-support-TIME.zip here")
    return made
