"""Whether there is a newer version, and how it is fetched: only when a person asks, and never installed by itself.

Nothing that comes over the network is believed before the owner's signature over the announcement was verified with a
key that came with this program; a file counts once its size and SHA-256 are those of the announcement. All calls here
block: they belong on a thread of their own (`store.threads`), where they have a loop for the network.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from alphapanda_desktop.announcement import Source, seen_as_json, seen_from, verified
from alphapanda_desktop.domain.errors import Fatal, Offline, Refused
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.domain.release import Known, Offer, Release, ReleaseFile, Seen, rank, stale, unfit
from alphapanda_desktop.domain.risk import Refusal
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.store.backup import back_up
from alphapanda_desktop.store.threads import in_daemon_thread

if TYPE_CHECKING:
    import aiohttp
    import aiohttp.abc

FOLDER: Final = "updates"
"""In the profile: what was seen last, and what was fetched."""
SEEN: Final = "seen.json"
MODES: Final = ("practice", "paper", "live")
MANIFEST_BYTES: Final = 64 * 1024
SIGNATURE_BYTES: Final = 4 * 1024
SPARE_BYTES: Final = 200_000_000
"""Room that a disk must have besides the file itself."""
HOPS: Final = 3
ANSWER_S: Final = 15.0
STALL_S: Final = 30.0
"""A transfer of which nothing comes for so long is given up."""
BEAT_S: Final = 0.25
"""How soon a person's stop is noticed where nothing comes."""
HALF: Final = ".part"
LEFT_S: Final = 600.0
"""A half file that nobody has written to for so long was left by a program that was killed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A verified file, what was backed up before it was shown, and how a person installs it."""

    path: Path
    backups: tuple[Path, ...]
    how: str


def here() -> tuple[str, str]:
    """This computer's system as announcements name it, and how the file ends that fits this installation."""
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    of_deb = sys.executable.startswith("/usr/lib/alphapanda")
    ending = {"windows": ".exe", "macos": ".zip"}.get(system, ".deb" if of_deb else ".tar.zst")
    return f"{system}-{machine}", ending


def how_to_install(name: str) -> str:
    """What a person does with the file, in words."""
    if name.endswith(".deb"):
        return f"Close AlphaPanda, and type in that folder: sudo apt install ./{name}"
    if name.endswith(".exe"):
        return f"Close AlphaPanda, and open {name}."
    if name.endswith((".zip", ".dmg")):
        return f"Close AlphaPanda, open {name}, and drag AlphaPanda into Applications."
    return f"Close AlphaPanda, unpack {name}, and put its folder in the place of the one that you start."


# -- asking and fetching ------------------------------------------------------------------------------------------


class Updates:
    """Looks and fetches for one profile. Every method blocks; one is used at a time."""

    def __init__(
        self,
        source: Source,
        profile: Path,
        running: str,
        now: Callable[[], datetime],
        at: tuple[str, str] | None = None,
        stall_s: float = STALL_S,
        head_s: float = ANSWER_S,
    ) -> None:
        self._source = source
        self._profile = profile
        self._running = running
        self._now = now
        self._system, self._ending = at or here()
        self._stall_s = stall_s
        self._head_s = head_s

    def look(self) -> Offer | None:
        """What is newer, None where nothing is. Raises Refused, BadData, Offline, Fatal."""
        self._tidy()
        release = asyncio.run(self._announced())
        known = Known(self._running, self._now(), self._seen(), tuple(_schemas(self.databases())))
        _raise(stale(release, known))
        self._remember(release)  # signed and of now: nobody shows an older one from here on
        _raise(unfit(release, known))
        if rank(release.version) == rank(self._running):
            return None
        return Offer(release, release.file_for(self._system, self._ending))

    def fetch(self, offer: Offer, progress: Progress, to: Path | None = None) -> Fetched:
        """Fetch its file, prove it, back up every journal, and only then give the file its name.

        Raises Refused for a file that is not the announced one, Offline, Fatal, and the progress's Stopped; then
        nothing of it is left.
        """
        file = offer.file
        if file is None:
            raise Refused(f"Version {offer.release.version} has no file for {self._system}.", "system")
        folder = to or self._profile / FOLDER / offer.release.version
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _see_that_it_is_ours_alone(folder)
            _sweep(folder, file.name)
            return self._into(folder, file, progress)

    def _into(self, folder: Path, file: ReleaseFile, progress: Progress) -> Fetched:
        path = folder / file.name
        if _is_that(path, file):
            return Fetched(path, self._backed_up(progress), how_to_install(file.name))
        free = shutil.disk_usage(folder).free
        if free < file.size + SPARE_BYTES:
            raise Fatal(f"{folder} has {free:,} bytes free, and {file.size + SPARE_BYTES:,} are needed.")
        handle, name = tempfile.mkstemp(prefix=f"{file.name}.", suffix=HALF, dir=folder)
        half = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:

                def keep(piece: bytes) -> None:
                    with _told(folder):  # here: outside, a full disk would pass for a broken line
                        target.write(piece)

                asyncio.run(self._transfer(file, keep, progress))
                target.flush()
                os.fsync(target.fileno())
            copies = self._backed_up(progress)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        return Fetched(path, copies, how_to_install(file.name))

    def _tidy(self) -> None:
        """Take away what a killed program left half done, and fetched versions that are not newer any more."""
        for folder in (self._profile / FOLDER).glob("*/"):
            if _is_version(folder.name) and rank(folder.name) <= rank(self._running):
                shutil.rmtree(folder, ignore_errors=True)
            else:
                _sweep(folder)

    def databases(self) -> list[Path]:
        """Every journal that the new program will open: those of all profiles beside this one too."""
        together = self._profile.parent if self._profile.parent.name == "profiles" else None
        folders = sorted(path for path in together.iterdir() if path.is_dir()) if together else [self._profile]
        every = [folder / f"{mode}.sqlite" for folder in folders for mode in MODES]
        return [path for path in every if path.is_file()]

    def _backed_up(self, progress: Progress) -> tuple[Path, ...]:
        day, copies = self._now().astimezone(IST).date(), list[Path]()
        for path in self.databases():
            progress.at(0, 0, f"backing up {path.parent.name}/{path.name}")
            try:
                copies.append(back_up(path, day, progress))
            except sqlite3.Error as error:
                raise Fatal(f"{path} could not be backed up, so nothing is offered for installing: {error}") from error
        return tuple(copies)

    # -- what was seen -------------------------------------------------------------------------------------------

    def _seen(self) -> Seen | None:
        """The newest announcement that was seen here, None for none. Raises Fatal where that cannot be read."""
        path = self._profile / FOLDER / SEEN
        if not path.exists():
            return None
        try:
            return seen_from(path.read_bytes())
        except (OSError, ValueError) as error:
            first = str(error).partition("\n")[0]
            raise Fatal(f"{path} cannot be read ({first}). Take it away to begin anew.") from error

    def _remember(self, release: Release) -> None:
        folder = self._profile / FOLDER
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, half = tempfile.mkstemp(prefix=f"{SEEN}.", suffix=HALF, dir=folder)
            try:
                with os.fdopen(handle, "wb") as target:
                    target.write(seen_as_json(Seen.of(release)))
                Path(half).replace(folder / SEEN)
            finally:
                Path(half).unlink(missing_ok=True)

    # -- the wire ------------------------------------------------------------------------------------------------

    async def _announced(self) -> Release:
        address = self._source.address
        async with self._session() as http, asyncio.timeout(2 * ANSWER_S):
            manifest = await self._small(http, address, MANIFEST_BYTES)
            signatures = await self._small(http, f"{address}.sig", SIGNATURE_BYTES)
        return verified(manifest, signatures, self._source.keys)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client without cookies; its failures become words."""
        import aiohttp

        host = urlsplit(self._source.address).hostname or ""
        limit = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S, sock_read=self._stall_s)
        plain = {"Accept-Encoding": "identity", "User-Agent": f"AlphaPanda/{self._running}"}
        try:
            async with aiohttp.ClientSession(
                timeout=limit, headers=plain, auto_decompress=False, proxy=_proxy_for(self._source.address),
                cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(resolver=_resolver()),
            ) as http:  # fmt: skip
                yield http
        except TimeoutError as error:
            raise Offline(f"{host} does not answer.") from error
        except (aiohttp.ClientError, OSError, UnicodeError) as error:  # the last is of a host that is no name
            raise Offline(f"{host} could not be asked: {str(error) or type(error).__name__}.") from error

    async def _small(self, http: aiohttp.ClientSession, address: str, most: int) -> bytes:
        found = bytearray()
        async with self._answer(http, address) as reply:
            async for piece in reply.content.iter_any():
                found += piece
                if len(found) > most:
                    raise Refused(f"{address} answers with more than {most:,} bytes.", "size")
        return bytes(found)

    async def _transfer(self, file: ReleaseFile, write: Callable[[bytes], object], progress: Progress) -> None:
        """Every byte of the file into `write`. Raises Refused where it is not the announced one."""
        done, digest = 0, hashlib.sha256()
        address = urljoin(self._source.address, file.name)
        async with self._session() as http, _until_stopped(progress), self._answer(http, address) as reply:
            if reply.content_length not in (None, file.size):
                raise Refused(f"{file.name} is announced with {file.size:,} bytes; {reply.content_length:,} come.",
                    "size")  # fmt: skip
            progress.at(0, file.size, file.name)
            async for piece in self._pieces(reply):
                done += len(piece)
                if done > file.size:
                    raise Refused(f"{file.name} is announced with {file.size:,} bytes; more come.", "size")
                digest.update(piece)
                write(piece)
                progress.at(done)
        if done != file.size:
            raise Refused(f"{file.name} is announced with {file.size:,} bytes; {done:,} came.", "size")
        if digest.hexdigest() != file.sha256:
            raise Refused(f"{file.name} is not the file that was announced: its SHA-256 is another.", "hash")

    async def _pieces(self, reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """What comes, as it comes; what has no bytes of the file in it counts as nothing."""
        while True:
            async with asyncio.timeout(self._stall_s):
                piece = await reply.content.readany()
            if not piece:
                return
            yield piece

    @asynccontextmanager
    async def _answer(self, http: aiohttp.ClientSession, address: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of that address or of one that the same host sends on to. Raises Refused, Offline."""
        for _hop in range(HOPS + 1):
            # A head that comes letter by letter is no answer either, and each letter would begin the wait anew.
            async with asyncio.timeout(self._head_s) as limit, http.get(address, allow_redirects=False) as reply:
                limit.reschedule(None)
                if reply.status == 200:
                    yield reply
                    return
                if reply.status not in (301, 302, 303, 307, 308):
                    raise Offline(f"{address} answers {reply.status}.")
                address = self._sent_on(address, reply.headers.get("Location", ""))
        raise Refused(f"{self._source.address} sends on more than {HOPS} times.", "redirect")

    def _sent_on(self, address: str, location: str) -> str:
        try:
            to = urljoin(address, location)
            same = urlsplit(to)[:2] == urlsplit(self._source.address)[:2]
        except ValueError:
            to, same = location, False
        if not same:
            raise Refused(f"{address} sends on to {to[:200]}, which is another host.", "redirect")
        return to


@asynccontextmanager
async def _until_stopped(progress: Progress) -> AsyncIterator[None]:
    """Ends the block with Stopped soon after a person asked for it, whatever it waits for."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            timer: asyncio.TimerHandle

            def look() -> None:
                nonlocal timer
                if progress.asked_to_stop:
                    limit.reschedule(loop.time())
                else:
                    timer = loop.call_later(BEAT_S, look)

            timer = loop.call_later(BEAT_S, look)
            try:
                yield
            finally:
                timer.cancel()
    except TimeoutError:
        progress.at(progress.done)
        raise


def _proxy_for(address: str) -> str | None:
    """The proxy that the environment names for it. Read here: aiohttp would take a password out of ~/.netrc as well."""
    to = urlsplit(address)
    if to.scheme != "https" or proxy_bypass(to.hostname or ""):
        return None
    return getproxies().get("https")


def _resolver() -> aiohttp.abc.AbstractResolver:
    """Looks names up on a daemon thread: Python waits at its end for those of an executor, and no name server."""
    import aiohttp.abc

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            def look_up() -> list[Any]:
                return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)

            found = await asyncio.wrap_future(in_daemon_thread(f"look up {host}", look_up))
            numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            return [
                aiohttp.abc.ResolveResult(
                    hostname=host, host=where[0], port=where[1], family=kind, proto=proto, flags=numeric
                )
                for kind, _type, proto, _name, where in found
            ]

        async def close(self) -> None:
            """Nothing is kept."""

    return Resolver()


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal.text, refusal.rule)


def _schemas(databases: list[Path]) -> Iterator[str]:
    """The schema of each journal; one that cannot be read has to be looked at before anything is installed."""
    for path in databases:
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as line:
                for (schema,) in line.execute("SELECT version_num FROM alembic_version"):
                    yield str(schema)
        except sqlite3.Error as error:
            raise Fatal(f"{path} cannot be read, so nothing is offered for installing: {error}") from error


def _is_version(name: str) -> bool:
    return all(part.isdecimal() for part in name.split("."))


def _is_that(path: Path, file: ReleaseFile) -> bool:
    """Whether the announced file lies there already, whole, and nobody else can make it another."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size != file.size or _others_write(path):
        return False
    with path.open("rb") as found:
        return hashlib.file_digest(found, "sha256").hexdigest() == file.sha256


def _others_write(path: Path) -> bool:
    """Whether somebody else owns it, or may write to it. Windows tells by other means, which are not looked at."""
    if os.name != "posix":
        return False
    found = path.stat()
    return found.st_uid != os.geteuid() or bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _see_that_it_is_ours_alone(folder: Path) -> None:
    """Raises Fatal for a folder where others could put a file of theirs in the place of the one that was proved."""
    if _others_write(folder):
        raise Fatal(f"{folder} is not yours alone: others could put another file in the place of the one that was "
            "proved. Name a folder that only you can write to.")  # fmt: skip


def _sweep(folder: Path, name: str = "") -> None:
    """Take away what a program that was killed left half done of that file, or of all in a folder of ours."""
    for half in folder.glob(f"{name}*{HALF}"):
        if time.time() - half.stat().st_mtime > LEFT_S:
            half.unlink(missing_ok=True)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turns what a disk says into words."""
    try:
        yield
    except OSError as error:
        raise Fatal(f"{folder} cannot be written to: {error.strerror or error}.") from error
