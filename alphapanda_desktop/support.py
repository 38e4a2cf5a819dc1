"""The support bundle: what helps to find a fault, in one zip, without secrets, accounts or addresses.

Everything in it is text and goes through the same redaction as an exported journal, the log as well: what was struck
out when it was written is not relied on.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select

from alphapanda_desktop import __version__
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.ports import Vault
from alphapanda_desktop.domain.preflight import Check
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.preflight import Places, preflight
from alphapanda_desktop.store.proof import open_to_read
from alphapanda_desktop.store.redact import STRUCK, Redactor
from alphapanda_desktop.store.schema import JOURNAL
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_from_text

LOG_TAIL: Final = 1_000_000
"""Characters of each log, from its end."""

API_SECRET: Final = "api_secret"
"""As the vault calls it."""
MODES: Final = ("practice", "paper", "live")
NAME: Final = "alphapanda-support"

LIBRARIES: Final = (
    "PySide6", "qasync", "kiteconnect", "pyqtgraph", "pydantic", "sqlalchemy", "alembic", "keyring", "aiohttp", "numpy",
    "TA-Lib",
)  # fmt: skip


async def looked(
    places: Places, vault_of: Callable[[str], Vault], now: Callable[[], datetime]
) -> tuple[list[Check], set[str]]:
    """The preflight, and every secret that the keyring has of this profile, to be struck out."""
    secrets = {places.api_key}
    for mode in MODES:
        vault = vault_of(mode)
        token = token_from_text(await vault.get(ACCESS_TOKEN) or "")
        secrets |= {await vault.get(API_SECRET) or "", *((token.access_token, token.user_id) if token else ())}
    return await preflight(places, vault_of(places.mode), now), secrets


def bundle(
    profile: Path,
    out: Path,
    now: datetime,
    checks: Sequence[Check],
    secrets: Iterable[str],
    *,
    more: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write the zip, whole or not at all; the names of what is in it. Runs on any thread.

    `secrets` are struck out wherever they stand, besides what looks like one; `more` is what only a running program
    knows. Raises Fatal where it cannot be written, Stopped where `progress` was.
    """
    progress = progress or Progress("support bundle")
    struck = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
    parts, redactor = _parts(profile, now, checks, more or {}), Redactor()
    texts = dict[str, str]()
    for count, (name, text) in enumerate(parts.items()):
        progress.at(count, 2 * len(parts), f"reading {name}")
        texts[name] = _struck(text(), struck)
        redactor.learn({"text": texts[name]})  # what one of them gives away of an account is struck out of all
    half: Path | None = None
    try:
        # Under a name that nobody can have put there before: in a folder of all it could lead elsewhere.
        handle, made = tempfile.mkstemp(prefix=f"{out.name}.", suffix=".part", dir=out.parent)
        os.close(handle)
        half = Path(made)
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as file:
            for name, words in texts.items():
                progress.step(f"writing {name}")
                file.writestr(name, str(redactor.told({"text": words})["text"]))
        half.replace(out)
    except OSError as error:
        raise Fatal(f"The support bundle could not be written to {out}: {error.strerror or error}") from error
    finally:
        if half is not None:
            half.unlink(missing_ok=True)
    return list(parts)


def _parts(
    profile: Path, now: datetime, checks: Sequence[Check], more: Mapping[str, object]
) -> dict[str, Callable[[], str]]:
    """What gives the text of each file in the bundle."""
    parts: dict[str, Callable[[], str]] = {
        "about.json": lambda: _json(_about(now)),
        "preflight.json": lambda: _json([asdict(check) for check in checks]),
        "settings.json": lambda: _json(_settings(profile / "settings.json")),
        "databases.json": lambda: _json({path.name: _counts(path) for path in sorted(profile.glob("*.sqlite"))}),
        "files.json": lambda: _json(_files(profile)),
    }
    for name, value in more.items():
        parts[name] = lambda value=value: _json(value)  # type: ignore[misc]
    for log in sorted((profile / "logs").glob("*.log*")):
        parts[f"logs/{log.name}"] = lambda log=log: _tail(log)  # type: ignore[misc]
    return parts


def _tail(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
    except OSError as error:  # it was turned over this moment
        return str(error)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _about(now: datetime) -> dict[str, object]:
    return {
        "program": __version__,
        "made": now.isoformat(),
        "python": sys.version,
        "system": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _settings(path: Path) -> object:
    """The settings with everything secret or personal struck out by its name."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return str(error)
    if not isinstance(raw, Mapping):
        return "no settings"
    redactor = Redactor()
    redactor.learn(raw)
    told = redactor.told(raw)
    if isinstance(told.get("account"), dict):
        told["account"] = {name: STRUCK if value else "" for name, value in told["account"].items()}
    return told


def _counts(path: Path) -> object:
    """Rows by table: how much there is, not what."""
    try:
        with closing(open_to_read(path)) as line:
            there = {str(name) for (name,) in line.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            counts = {name: select(func.count()).select_from(JOURNAL[name]) for name in JOURNAL if name in there}
            return {name: line.execute(str(query)).fetchone()[0] for name, query in counts.items()}
    except (Fatal, sqlite3.Error) as error:
        return str(error)


def _files(profile: Path) -> list[dict[str, object]]:
    found = [path for path in sorted(profile.rglob("*")) if path.is_file()]
    return [{"name": str(path.relative_to(profile)), "bytes": path.stat().st_size} for path in found[:2000]]


def _struck(text: str, struck: Sequence[str]) -> str:
    for secret in struck:
        text = text.replace(secret, STRUCK)
    return text.replace(str(Path.home()), "~")  # it has the person's name in it
