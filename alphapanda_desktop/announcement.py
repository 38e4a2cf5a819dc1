"""Announcements of new versions: where they are asked for, whose signature counts, and what stands in them.

Keys are those that came with this program, in `resources/release`; without one nobody is asked for anything.
docs/decisions/0037 says why it is done so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from alphapanda_desktop.domain.errors import BadData, Fatal, Refused
from alphapanda_desktop.domain.release import KIND, Release, ReleaseFile, Seen
from alphapanda_desktop.folders import resources

KEYS: Final = "release"
"""Folder of the resources with `*.pub`, one public key each, and `address`."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
FILE_BYTES: Final = 1024**3
KEY_BYTES: Final = 32
"""Of a public key of Ed25519.  Source: RFC 8032."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where announcements are asked for, and whose signature counts: public keys by their short names."""

    address: str
    keys: dict[str, bytes]


# -- from where, and whose ----------------------------------------------------------------------------------------


def name_of_key(key: bytes) -> str:
    """The short name of a public key, as it stands before its signatures."""
    return hashlib.sha256(key).hexdigest()[:16]


def shipped_keys(folder: Path | None = None) -> dict[str, bytes]:
    """The public keys that came with this program. Raises Fatal for a file that holds none."""
    found = {}
    for path in sorted((folder or resources() / KEYS).glob("*.pub")):
        try:
            key = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
        except (OSError, ValueError) as error:
            raise Fatal(f"{path} holds no public key: {error}") from error
        if len(key) != KEY_BYTES:
            raise Fatal(f"{path} holds a key of {len(key)} bytes, {KEY_BYTES} are wanted.")
        found[name_of_key(key)] = key
    return found


def shipped_address(folder: Path | None = None) -> str:
    """The address that came with this program, empty where none did."""
    path = (folder or resources() / KEYS) / "address"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def source_of(asked: str, folder: Path | None = None) -> Source | str:
    """Where to ask, by a person's setting or as shipped; else why nobody is asked. Raises nothing."""
    try:
        address, keys = asked.strip() or shipped_address(folder), shipped_keys(folder)
        if not keys and not address:
            return "nobody is asked for new versions: this program came without an address and without a key to trust"
        if not keys:
            return "nobody is asked for new versions: this program came without a key to trust"
        if not address:
            return "nobody is asked for new versions: no address is set"
        return Source(checked_address(address), keys)
    except (Refused, Fatal, OSError) as error:
        return f"nobody is asked for new versions: {error}"


def checked_address(address: str) -> str:
    """The address, if announcements may be asked for there. Raises Refused."""
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"{address!r} is no address: {error}.", "address") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise Refused(f"{address!r} is no plain https:// address of an announcement.", "address")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise Refused(f"{address!r} is not https: only this computer itself is asked without encryption.", "address")
    return address


# -- the announcement ---------------------------------------------------------------------------------------------


class _File(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    system: Annotated[str, Field(pattern=r"^[a-z0-9]+-[a-z0-9_]+$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,119}$")]
    size: Annotated[int, Field(gt=0, le=FILE_BYTES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


Version = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){1,3}$")]


class _Manifest(BaseModel):
    """The wire: `release.json`. What a later program adds is left unread."""

    model_config = ConfigDict(extra="ignore")
    kind: Annotated[str, Field(pattern=f"^{KIND}$")]
    version: Version
    issued: AwareDatetime
    expires: AwareDatetime
    least_database: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    notes: Annotated[str, Field(max_length=20_000)]
    files: Annotated[tuple[_File, ...], Field(min_length=1, max_length=50)]


def verified(manifest: bytes, signatures: bytes, keys: dict[str, bytes]) -> Release:
    """The announcement, once one of its signatures is by one of the keys. Raises Refused, BadData."""
    if not any(_signs(key, signature, manifest) for key, signature in _signatures(signatures, keys)):
        raise Refused("The announcement is not signed by a key that came with this program.", "signature")
    try:
        read = _Manifest.model_validate_json(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadData(f"The announcement's field {where} is not as it must be: {first['msg']}.") from error
    files = tuple(ReleaseFile(**file.model_dump()) for file in read.files)
    return Release(read.version, read.issued, read.expires, read.least_database, read.notes, files)


def _signatures(text: bytes, keys: dict[str, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Key and signature of each line `NAME BASE64` whose key is ours."""
    for line in text.decode("ascii", "replace").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name in keys:
            try:
                yield keys[name], base64.b64decode(rest, validate=True)
            except ValueError:
                continue  # another line may hold one that is whole


def _signs(key: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def as_json(release: Release) -> bytes:
    """The bytes that are signed: what `verified` reads."""
    told = {"kind": KIND, **asdict(release)}
    told["issued"], told["expires"] = release.issued.isoformat(), release.expires.isoformat()
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


# -- what was seen ------------------------------------------------------------------------------------------------


class _Seen(BaseModel):
    """The file: what was believed last, so that nobody goes back behind it."""

    issued: AwareDatetime
    version: Version
    files: dict[str, str] = {}


def seen_from(kept: bytes) -> Seen:
    """What `seen_as_json` kept. Raises ValueError."""
    read = _Seen.model_validate_json(kept)
    return Seen(read.issued, read.version, read.files)


def seen_as_json(seen: Seen) -> bytes:
    """The newest announcement that was believed, to be kept in a profile."""
    return _Seen(issued=seen.issued, version=seen.version, files=dict(seen.files)).model_dump_json().encode()
