"""The preflight: session, clock, disk, keyring, feed, calendar, instruments, address. It changes nothing.

Every look at disk or network has a thread and a limit of its own: what does not answer is told as unknown.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from alphapanda_desktop.domain.ports import Vault
from alphapanda_desktop.domain.preflight import (
    Check,
    Standing,
    of_calendar,
    of_clock,
    of_disk,
    of_keyring,
)
from alphapanda_desktop.domain.session import IST, expiry_of
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_from_text

T = TypeVar("T")

LIMIT_S: Final = 6.0
STATIC_IP: Final = "Kite takes orders only from the address registered in the developer console (Profile › IP)."


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look. `rest` and `feed` are roots of Kite; both are empty for what has no Kite behind it."""

    folder: Path
    mode: str
    rest: str
    feed: str
    api_key: str = ""


async def preflight(places: Places, vault: Vault, now: Callable[[], datetime]) -> list[Check]:
    """All checks, in the order in which they are shown."""
    session = await _session(vault, now())  # first, for the keyring is asked for it
    looks = await asyncio.gather(
        _clock(places),
        _off(lambda: _disk(places.folder), "Disk"),
        _off(lambda: _journal(places.folder / f"{places.mode}.sqlite"), "Journal"),
        _off(lambda: _feed(places.feed), "Feed"),
        _off(lambda: _master(places, now()), "Instruments"),
        _off(lambda: _address(places), "Address"),
    )
    keyring = of_keyring(vault.where, lasting=vault.lasting)
    return [*_account(places), session, keyring, *looks, of_calendar(now().astimezone(IST).date())]


def _account(places: Places) -> list[Check]:
    if not places.rest:
        return []
    if places.api_key:
        return [Check("Kite app", Standing.GOOD, f"api_key {places.api_key[:4]}… is set")]
    return [Check("Kite app", Standing.BAD, "no api_key is set",
        "Open the program in paper mode and enter the key and the secret of your Kite Connect app.")]  # fmt: skip


async def _session(vault: Vault, now: datetime) -> Check:
    text = await vault.get(ACCESS_TOKEN)
    token = token_from_text(text) if text else None
    if token is None:
        return Check("Session", Standing.WARN, "nobody is logged in", "Log in to Kite in the program's window.")
    ends = expiry_of(token.login_time)
    if ends <= now:
        return Check("Session", Standing.WARN, "the last one ended at 06:00 IST", "Log in to Kite again.")
    return Check("Session", Standing.GOOD, f"{token.user_id} until {ends.astimezone(IST):%d %b %H:%M} IST")


async def _clock(places: Places) -> Check:
    if not places.rest:
        return Check("Clock", Standing.GOOD, f"{places.mode} keeps a time of its own")
    host = urlsplit(places.rest).hostname or ""
    try:
        ahead_s = await asyncio.wait_for(_off_loop("clock", lambda: _ahead_of(places.rest)), LIMIT_S)
    except (OSError, ValueError, HTTPException, TimeoutError):
        ahead_s = None
    return of_clock(ahead_s, host)


def _ahead_of(root: str) -> float:
    """Seconds that our clock is ahead of the server's; its own is told in whole seconds."""
    address = urlsplit(root)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    line = kind(address.hostname or "", address.port, timeout=LIMIT_S)
    try:
        line.request("HEAD", "/")
        sent = time.time()
        theirs = parsedate_to_datetime(line.getresponse().getheader("Date") or "")
        ours = (sent + time.time()) / 2
    finally:
        line.close()
    off = ours - theirs.timestamp()
    return 0.0 if 0.0 <= off <= 1.0 else off - (1.0 if off > 0 else 0.0)


def _disk(folder: Path) -> Check:
    return of_disk(shutil.disk_usage(folder).free, str(folder))


def _journal(path: Path) -> Check:
    if not path.exists():
        return Check("Journal", Standing.GOOD, f"{path.name} will be made at the first start")
    line = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=LIMIT_S)
    try:
        (answer,) = line.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        answer = str(error)
    finally:
        line.close()
    if answer == "ok":
        return Check("Journal", Standing.GOOD, f"{path.name} is sound, {path.stat().st_size / 1e6:.1f} MB")
    return Check("Journal", Standing.BAD, f"{path.name}: {answer}", "Move it aside or put a backup in its place.")


def _feed(root: str) -> Check:
    if not root:
        return Check("Feed", Standing.GOOD, "comes from this computer")
    address = urlsplit(root)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "wss" else 80)
    began = time.perf_counter()
    with socket.create_connection((host, port), LIMIT_S) as line:
        if address.scheme == "wss":
            with ssl.create_default_context().wrap_socket(line, server_hostname=host):
                pass
    return Check("Feed", Standing.GOOD, f"{host} answers in {(time.perf_counter() - began) * 1000:.0f} ms")


def _master(places: Places, now: datetime) -> Check:
    if not places.rest:
        return Check("Instruments", Standing.GOOD, "told anew at each start")
    today = now.astimezone(IST).date()
    kept = sorted((places.folder / "instruments").glob("instruments-*.master"))
    if not kept:
        return Check("Instruments", Standing.GOOD, "none are kept yet; they are read at the next start")
    newest = kept[-1].stem.removeprefix("instruments-")
    if newest == today.isoformat():
        return Check("Instruments", Standing.GOOD, f"today's, {kept[-1].stat().st_size / 1e6:.1f} MB")
    return Check("Instruments", Standing.GOOD, f"those of {newest}; today's are read at the next start")


def _address(places: Places) -> Check:
    """By which address orders would leave; behind a router only its family is known here."""
    address = urlsplit(places.rest)
    if not address.hostname:
        return Check("Address", Standing.GOOD, "orders do not leave this computer")
    with socket.create_connection((address.hostname, address.port or 443), LIMIT_S) as line:
        own, six = line.getsockname()[0], line.family == socket.AF_INET6
    if places.mode != "live":
        return Check("Address", Standing.GOOD, f"Kite is reached over IPv{6 if six else 4}; paper orders stay here")
    remedy = f"{STATIC_IP} Register the IPv6 address, or turn IPv6 off." if six else STATIC_IP
    return Check("Address", Standing.WARN, f"Kite is reached over IPv{6 if six else 4} from {own}", remedy)


async def _off(work: Callable[[], Check], name: str) -> Check:
    """A check of its own thread; what it could not find out is unknown, with the reason."""
    try:
        return await asyncio.wait_for(_off_loop(name, work), LIMIT_S + 2)
    except TimeoutError:
        return Check(name, Standing.UNKNOWN, f"no answer within {LIMIT_S + 2:g} s", "Look at the network or the disk.")
    except (OSError, sqlite3.Error, ssl.SSLError) as error:
        return Check(name, Standing.BAD, f"{error.strerror or error}" if isinstance(error, OSError) else str(error),
            "See that this computer is connected, and that no firewall or proxy stands between.")  # fmt: skip


def _off_loop(name: str, work: Callable[[], T]) -> asyncio.Future[T]:
    future: Future[T] = in_daemon_thread(f"preflight {name}", work)
    return asyncio.wrap_future(future)


def lines_of(checks: list[Check]) -> list[str]:
    """The checks for a terminal: standing, name, what was found, and the remedy beneath."""
    lines = []
    for check in checks:
        lines.append(f"{check.standing.value:<8} {check.name:<12} {check.found}")
        if check.remedy:
            lines.append(f"{'':<8} {'':<12} → {check.remedy}")
    return lines
