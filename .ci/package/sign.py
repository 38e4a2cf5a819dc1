#!/usr/bin/env python
"""Keys, announcements and signatures of releases. Private keys are the owner's, and never lie in the repository.

    sign.py key FILE                                         makes a private key; prints the line of its public half
    sign.py release --key FILE --notes TEXT.md --out FOLDER SYSTEM=FILE …
    sign.py renew --key FILE FOLDER                          the same announcement, issued anew

`--key` may be given twice, while one key takes over from another. SYSTEM is linux-x86_64, windows-x86_64, macos-arm64
and so on; a system may have several files. docs/decisions/0037 says what it is good for.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from alphapanda_desktop import __version__  # noqa: E402
from alphapanda_desktop.announcement import as_json, name_of_key, verified  # noqa: E402
from alphapanda_desktop.domain.errors import AlphaPandaError  # noqa: E402
from alphapanda_desktop.domain.release import Release, ReleaseFile  # noqa: E402

MANIFEST = "release.json"
PASSWORD = "ALPHAPANDA_KEY_PASSWORD"
"""Of the private key, where nobody sits there to type it; else it is asked for."""
HELD_DAYS = 90
FIRST_SCHEMA = "0001"


class Mistake(Exception):
    """What the owner asked for cannot be done; said in one line."""


def public_of(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes that the program is to know."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def make_key(path: Path, password: str) -> bytes:
    """Write a new private key, encrypted, readable by its owner alone; its public half."""
    _outside(path)
    if not password:
        raise Mistake("a private key without a password is anybody's who finds it")
    key = Ed25519PrivateKey.generate()
    locked = serialization.BestAvailableEncryption(password.encode())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    return public_of(key)


def read_key(path: Path, password: str) -> Ed25519PrivateKey:
    """A private key as `make_key` left it."""
    _outside(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Mistake(f"{path} can be read by others than its owner: chmod 600 {path}")
    key = serialization.load_pem_private_key(path.read_bytes(), password.encode())
    if not isinstance(key, Ed25519PrivateKey):
        raise Mistake(f"{path} holds no Ed25519 key")
    return key


def _outside(path: Path) -> None:
    if path.resolve().is_relative_to(ROOT):
        raise Mistake(f"{path} is within the repository; a private key is kept elsewhere")


def described(system: str, path: Path) -> ReleaseFile:
    """Name, size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ReleaseFile(system, path.name, path.stat().st_size, digest)


def write(release: Release, keys: Sequence[Ed25519PrivateKey], folder: Path) -> None:
    """Announcement and signatures, once the program's own code has read them back."""
    manifest = as_json(release)
    halves = [public_of(key) for key in keys]
    lines = [f"{name_of_key(half)} {base64.b64encode(key.sign(manifest)).decode()}\n"
        for key, half in zip(keys, halves, strict=True)]  # fmt: skip
    for half, line in zip(halves, lines, strict=True):
        if verified(manifest, line.encode(), {name_of_key(half): half}) != release:
            raise Mistake("what was signed does not say what was meant")
    folder.mkdir(parents=True, exist_ok=True)
    # Signature last: a host that copies file by file shows an old pair or a refused one, never a wrong one.
    (folder / MANIFEST).write_bytes(manifest)
    (folder / f"{MANIFEST}.sig").write_text("".join(lines), encoding="ascii")


def renewed(folder: Path, keys: Sequence[Ed25519PrivateKey], now: datetime) -> Release:
    """The announcement in that folder, signed by one of these keys, as of now and for as long as before."""
    ours = {name_of_key(public_of(key)): public_of(key) for key in keys}
    before = verified((folder / MANIFEST).read_bytes(), (folder / f"{MANIFEST}.sig").read_bytes(), ours)
    return replace(before, issued=now, expires=now + (before.expires - before.issued))


def _password(path: Path) -> str:
    return os.environ.get(PASSWORD) or getpass.getpass(f"Password of {path}: ")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="sign.py", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    jobs = made.add_subparsers(dest="job", required=True)
    key = jobs.add_parser("key", help="make a private key")
    key.add_argument("file", type=Path)
    release = jobs.add_parser("release", help="announce a release and sign it")
    release.add_argument("--key", type=Path, action="append", required=True)
    release.add_argument("--version", default=__version__)
    release.add_argument("--least-database", default=FIRST_SCHEMA, help="oldest schema that can be taken over")
    release.add_argument("--notes", type=Path, required=True, help="what is new, as plain text")
    release.add_argument("--days", type=int, default=HELD_DAYS, help="how long the announcement holds")
    release.add_argument("--out", type=Path, required=True)
    release.add_argument("files", nargs="+", metavar="SYSTEM=FILE")
    renew = jobs.add_parser("renew", help="issue an announcement anew before it runs out")
    renew.add_argument("--key", type=Path, action="append", required=True)
    renew.add_argument("folder", type=Path)
    return made


def run(arguments: Sequence[str], now: datetime) -> None:
    """Do one job; raises Mistake, AlphaPandaError, OSError or ValueError."""
    given = parser().parse_args(arguments)
    if given.job == "key":
        print(base64.b64encode(make_key(given.file, _password(given.file))).decode())
        return
    keys = [read_key(path, _password(path)) for path in given.key]
    if given.job == "renew":
        write(renewed(given.folder, keys, now), keys, given.folder)
        return
    files = tuple(described(system, Path(path)) for system, _, path in (one.partition("=") for one in given.files))
    notes = given.notes.read_text(encoding="utf-8").strip()
    ends = now + timedelta(days=given.days)
    write(Release(given.version, now, ends, given.least_database, notes, files), keys, given.out)


def main() -> int:
    try:
        run(sys.argv[1:], datetime.now(UTC).replace(microsecond=0))
    except (Mistake, AlphaPandaError, OSError, ValueError) as error:
        print(f"sign.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
