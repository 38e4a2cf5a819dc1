"""`alphapanda doctor`: the preflight in a terminal, before the program is opened or where it does not open."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from alphapanda_desktop.domain.preflight import Standing, worst
from alphapanda_desktop.preflight import Places, lines_of, preflight
from alphapanda_desktop.store.vault import KeyringVault, service_of

_ABOUT: Final = """\
It looks at the stored session, the keyring, the clock against Kite's, disk, journal, feed, instruments, the address by
which orders would leave, and the calendar. It changes nothing and sends no order.

Exit codes: 0 where all is well or needs only a look, 1 where something is wrong or could not be found out.
"""


def run(rest: list[str], places: Places, profile: str) -> int:
    """Print the checks of one profile and mode."""
    given = parser().parse_args(rest)
    vault, mode = KeyringVault(service_of(places.mode, profile, places.folder)), places.mode
    checks = asyncio.run(preflight(places, vault, lambda: datetime.now(UTC)))
    if given.json:
        print(json.dumps({"mode": mode, "checks": [asdict(check) for check in checks]}, ensure_ascii=False, indent=1))
    else:
        print("\n".join([f"AlphaPanda in {mode} mode, profile {profile}", *lines_of(checks)]))
    return 0 if worst(checks) in (Standing.GOOD, Standing.WARN) else 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="alphapanda doctor", description=__doc__, epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    return parser
