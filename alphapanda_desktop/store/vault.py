"""Secrets in the operating system's keyring, or, where there is no safe one, in memory for this run and said so.

A keyring may hang for a minute (no home folder) or ask a person for a password: every call has a thread and a
limit of its own, and what could not be stored in time is stored by the first later call that gets through.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from alphapanda_desktop.store.threads import in_daemon_thread

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

SAFE: Final = {
    "keyring.backends.SecretService": "the desktop's keyring (Secret Service)",
    "keyring.backends.libsecret": "the desktop's keyring (libsecret)",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.Windows": "Windows Credential Manager",
    "keyring.backends.macOS": "the macOS keychain",
}
"""Back ends that keep secrets encrypted, by module; no other one is used, least of all a plain-text file."""

_TROUBLES: Final = {
    "KeyringLocked": "the keyring is locked",
    "InitError": "the keyring could not be opened",
    "NoKeyringError": "this computer has no keyring",
    "PasswordSetError": "the keyring did not take a secret",
    "PasswordDeleteError": "the keyring did not delete a secret",
}


class _NoSafeKeyring(Exception):
    """Nothing here may be trusted with a secret."""


def service_of(mode: str, profile: str, folder: Path) -> str:
    """Under which name a profile's secrets of one mode stand in the keyring; `folder` is the profile's."""
    return f"AlphaPanda {mode} {profile} {hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


@dataclass(slots=True)
class _Answer:
    """What came of one visit to the keyring. Secrets stay out of its words."""

    where: str
    value: str | None = field(repr=False)
    stored: dict[str, str | None] = field(default_factory=dict, repr=False)
    trouble: str = ""


@final
class KeyringVault:
    """domain.ports.Vault over the system's keyring; used from one loop.

    `service` sets profiles and modes apart. `accept` is the back ends to trust, by module name, with their words.
    """

    def __init__(self, service: str, accept: dict[str, str] | None = None, limit_s: float = 3.0) -> None:
        self._service = service
        self._accept = SAFE if accept is None else accept
        self._limit_s = limit_s
        self._one_at_a_time = threading.Lock()
        self._hanging = 0
        self._kept: dict[str, str | None] = {}
        self._where = ""
        self._why_not = "the keyring has not been asked yet"

    def __repr__(self) -> str:
        return f"KeyringVault({self._service!r}, {self.where!r})"

    @property
    def where(self) -> str:
        if self.lasting:
            return self._where
        return f"in memory until the program ends: {self._why_not or 'the keyring is being asked'}"

    @property
    def lasting(self) -> bool:
        return not self._why_not and not self._kept

    async def open(self) -> None:
        """Ask the keyring once, so that `where` and `lasting` can be shown."""
        await self._visit(_nothing)

    async def get(self, name: str) -> str | None:
        """The secret, or None where there is none or the keyring does not answer in time."""
        if name in self._kept:
            return self._kept[name]
        answer = await self._visit(lambda ring: ring.get_password(self._service, name))
        return answer.value if answer else None

    async def put(self, name: str, secret: str) -> None:
        """Kept at least for this run; `lasting` then tells whether for longer."""
        self._kept[name] = secret
        await self._visit(_nothing)

    async def drop(self, name: str) -> None:
        """Gone for this run at least; deleted from the keyring by this call or the first that gets through."""
        self._kept[name] = None
        await self._visit(_nothing)

    async def _visit(self, ask: Callable[[KeyringBackend], str | None]) -> _Answer | None:
        """Take what is kept to the keyring and ask it; None where it did not answer, and `where` says why."""
        if self._hanging:
            return None
        waiter = asyncio.wrap_future(in_daemon_thread("keyring", lambda: self._on_thread(ask)))
        try:
            await asyncio.wait([waiter], timeout=self._limit_s)
        except asyncio.CancelledError:
            waiter.add_done_callback(self._take)
            raise
        if waiter.done():
            return self._take(waiter)
        self._let_hang(waiter)
        return None

    def _on_thread(self, ask: Callable[[KeyringBackend], str | None]) -> _Answer:
        with self._one_at_a_time:
            ring, where = _safe_keyring(self._accept)
            answer = _Answer(where, ask(ring))
            # Read here and not before the lock: two visits that overtake each other then store the same latest value.
            _store_all(ring, self._service, dict(self._kept), answer)
            return answer

    def _let_hang(self, waiter: asyncio.Future[_Answer]) -> None:
        self._hanging += 1
        self._say_why_not(f"the keyring did not answer within {self._limit_s:g} s")
        waiter.add_done_callback(self._came_late)

    def _came_late(self, waiter: asyncio.Future[_Answer]) -> None:
        self._hanging -= 1
        if self._take(waiter) and self._kept:  # put while it hung
            again = asyncio.wrap_future(in_daemon_thread("keyring", lambda: self._on_thread(_nothing)))
            again.add_done_callback(self._take)

    def _say_why_not(self, why_not: str) -> None:
        if why_not and why_not != self._why_not:
            log.warning("secrets are kept in memory until the program ends: %s", why_not)
        self._why_not = why_not

    def _take(self, waiter: asyncio.Future[_Answer]) -> _Answer | None:
        error = waiter.exception()
        if error is not None:
            self._say_why_not(_words(error))
            return None
        answer = waiter.result()
        self._where = answer.where
        self._say_why_not(answer.trouble)
        for name, secret in answer.stored.items():
            if name in self._kept and self._kept[name] == secret:
                del self._kept[name]
        return answer


def _nothing(_ring: KeyringBackend) -> None:
    return None


def _store_all(ring: KeyringBackend, service: str, kept: dict[str, str | None], answer: _Answer) -> None:
    """Bring the keyring up to date, as far as it lets us: one refused secret does not keep the others out."""
    from keyring.errors import KeyringError

    for name, secret in kept.items():
        try:
            _store(ring, service, name, secret)
            answer.stored[name] = secret
        except KeyringError as error:
            answer.trouble = _words(error)


def _store(ring: KeyringBackend, service: str, name: str, secret: str | None) -> None:
    if secret is not None:
        ring.set_password(service, name, secret)
    elif ring.get_password(service, name) is not None:
        ring.delete_password(service, name)


def _safe_keyring(accept: dict[str, str]) -> tuple[KeyringBackend, str]:
    """The first back end that may be trusted, and what it is called."""
    import keyring  # late and off the loop: it looks for back ends, and on a bus that may hang

    ring = keyring.get_keyring()
    chained = type(ring).__module__ == "keyring.backends.chainer"
    offered = getattr(ring, "backends", []) if chained else [ring]
    for candidate in offered:
        where = accept.get(type(candidate).__module__)
        if where is not None:
            return candidate, where
    raise _NoSafeKeyring("this computer has no keyring that keeps secrets safe")


def _words(error: BaseException) -> str:
    """Why, without a word of the back end's own, which might quote the secret."""
    if isinstance(error, _NoSafeKeyring):
        return str(error)
    return _TROUBLES.get(type(error).__name__, f"the keyring failed ({type(error).__name__})")
