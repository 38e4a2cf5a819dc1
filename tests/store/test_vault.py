"""The vault trusts safe keyrings alone, never waits for one for long, and says honestly what it could not keep."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

from alphapanda_desktop.domain.ports import Vault
from alphapanda_desktop.store.vault import SAFE, KeyringVault

Arun = Callable[..., Any]
SECRET = "not-for-your-eyes-8472"
ACCEPT = {__name__: "a keyring of this test"}
PATIENT_S = 60.0
"""How long the keyring's thread may wait for its turn on this machine."""


def a_vault() -> KeyringVault:
    return KeyringVault("AlphaPanda test", ACCEPT, PATIENT_S)


class Ring(KeyringBackend):
    """A keyring in memory that can hang, be locked, or be short of room."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.error: Exception | None = None
        self.room = 1000

    def _wait(self) -> None:
        self.asked.set()
        assert self.open.wait(60)
        if self.error is not None:
            raise self.error

    def get_password(self, service: str, username: str) -> str | None:
        self._wait()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._wait()
        if len(password) > self.room:
            raise PasswordSetError(f"too long: {password}")
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._wait()
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture
def ring(no_real_keyring: object) -> Iterator[Ring]:
    ring = Ring()
    keyring.set_keyring(ring)
    yield ring
    ring.open.set()


def test_a_secret_is_kept_found_and_dropped(ring: Ring, arun: Arun) -> None:
    async def story() -> list[str | None]:
        vault: Vault = a_vault()
        told = [await vault.get("token")]
        await vault.put("token", SECRET)
        assert (vault.where, vault.lasting) == ("a keyring of this test", True)
        told.append(await a_vault().get("token"))
        await vault.drop("token")
        await vault.drop("token")
        return [*told, await vault.get("token")]

    assert arun(story()) == [None, SECRET, None]
    assert ring.entries == {}


def test_profiles_and_modes_do_not_see_each_other_s_secrets(ring: Ring, arun: Arun) -> None:
    async def story() -> list[str | None]:
        vaults = [
            KeyringVault(f"AlphaPanda {who}", ACCEPT, PATIENT_S) for who in ("mine paper", "mine live", "yours live")
        ]
        for number, vault in enumerate(vaults):
            await vault.put("token", str(number))
        await vaults[2].drop("token")
        return [await vault.get("token") for vault in vaults]

    assert arun(story()) == ["0", "1", None]


@pytest.mark.parametrize("unsafe", [fail.Keyring, null.Keyring, Ring], ids=["fail", "null", "unknown"])
def test_a_keyring_that_is_not_known_to_be_safe_gets_nothing(
    ring: Ring, arun: Arun, unsafe: type[KeyringBackend]
) -> None:
    backend = unsafe()
    keyring.set_keyring(backend)

    async def story() -> None:
        vault = KeyringVault("AlphaPanda test", limit_s=PATIENT_S)
        await vault.put("token", SECRET)
        assert await vault.get("token") == SECRET
        assert not vault.lasting
        assert vault.where == "in memory until the program ends: this computer has no keyring that keeps secrets safe"
        await vault.drop("token")
        assert await vault.get("token") is None

    arun(story())
    assert getattr(backend, "entries", {}) == {}


def test_the_trusted_ones_are_the_systems_own() -> None:
    assert {name.rsplit(".", 1)[1] for name in SAFE} == {"SecretService", "libsecret", "kwallet", "Windows", "macOS"}


def test_the_safe_one_in_a_chain_is_used(ring: Ring, arun: Arun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [null.Keyring(), ring])
    keyring.set_keyring(chainer.ChainerBackend())
    arun(a_vault().put("token", SECRET))
    assert ring.entries == {("AlphaPanda test", "token"): SECRET}


def test_a_keyring_that_hangs_holds_up_one_call_and_is_used_once_it_answers(
    ring: Ring, arun: Arun, eventually: Callable[..., Any]
) -> None:
    ring.open.clear()

    async def story() -> None:
        vault = KeyringVault("AlphaPanda test", ACCEPT, limit_s=0.05)
        await vault.put("token", SECRET)
        assert (vault.lasting, "did not answer within 0.05 s" in vault.where) == (False, True)
        threads = set(threading.enumerate())
        await vault.put("other", "x")
        assert await vault.get("token") == SECRET
        assert await vault.get("third") is None
        assert set(threading.enumerate()) <= threads, "nobody else was sent to wait"
        ring.open.set()
        await eventually(lambda: vault.lasting)

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): SECRET, ("AlphaPanda test", "other"): "x"}


def test_a_newer_secret_is_not_overwritten_by_one_that_hung(
    ring: Ring, arun: Arun, eventually: Callable[..., Any]
) -> None:
    ring.open.clear()

    async def story() -> None:
        vault = KeyringVault("AlphaPanda test", ACCEPT, limit_s=0.05)
        await vault.put("token", "old")
        await vault.put("token", "new")
        ring.open.set()
        await eventually(lambda: vault.lasting)
        vault._limit_s = PATIENT_S
        assert await vault.get("token") == "new"

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): "new"}


def test_what_is_dropped_while_it_hangs_is_gone_afterwards(
    ring: Ring, arun: Arun, eventually: Callable[..., Any]
) -> None:
    ring.entries["AlphaPanda test", "token"] = SECRET
    ring.open.clear()

    async def story() -> None:
        vault = KeyringVault("AlphaPanda test", ACCEPT, limit_s=0.05)
        await vault.drop("token")
        assert await vault.get("token") is None
        ring.open.set()
        await eventually(lambda: vault.lasting)

    arun(story())
    assert ring.entries == {}


def test_puts_at_the_same_time_end_with_the_last(ring: Ring, arun: Arun) -> None:
    async def story() -> None:
        vault = a_vault()
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(vault.put("token", str(number)))
        assert vault.lasting

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): "7"}


def test_a_cancelled_put_is_stored_all_the_same(ring: Ring, arun: Arun, eventually: Callable[..., Any]) -> None:
    ring.open.clear()

    async def story() -> None:
        vault = a_vault()
        asker = asyncio.create_task(vault.put("token", SECRET))
        await eventually(ring.asked.is_set)
        asker.cancel()
        await asyncio.wait([asker])
        ring.open.set()
        await eventually(lambda: vault.lasting)

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): SECRET}


def test_a_locked_keyring_is_named_and_used_once_it_is_unlocked(ring: Ring, arun: Arun) -> None:
    ring.error = KeyringLocked("Failed to unlock the collection!")

    async def story() -> None:
        vault = a_vault()
        await vault.put("token", SECRET)
        assert vault.where == "in memory until the program ends: the keyring is locked"
        ring.error = None
        assert await vault.get("something else") is None
        assert vault.lasting

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): SECRET}


def test_one_secret_that_is_too_long_does_not_keep_the_others_out(ring: Ring, arun: Arun) -> None:
    ring.room = 30

    async def story() -> None:
        vault = a_vault()
        await vault.put("long", "x" * 31)
        await vault.put("token", SECRET)
        assert (vault.lasting, "did not take a secret" in vault.where) == (False, True)
        assert await vault.get("long") == "x" * 31

    arun(story())
    assert ring.entries == {("AlphaPanda test", "token"): SECRET}


def test_no_secret_is_in_what_the_vault_says(ring: Ring, arun: Arun, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ring.room = 3
    said = []

    async def story() -> None:
        vault = a_vault()
        for error in (None, KeyringLocked(SECRET), OSError(SECRET)):
            ring.error = error
            await vault.put("token", SECRET)
            said.extend([repr(vault), vault.where])

    arun(story())
    assert "OSError" in said[-1]
    assert SECRET not in "".join(said) + caplog.text


# --- the real thing --------------------------------------------------------------------------------------------------

SESSION = """
echo -n a-password-of-the-test | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null
"$PYTHON" -c "$STORY" put && "$PYTHON" -c "$STORY" get
"""

STORY = """
import asyncio, sys
from alphapanda_desktop.store.vault import KeyringVault

async def main():
    vault = KeyringVault("AlphaPanda live test", limit_s=60)
    if sys.argv[1] == "put":
        await vault.put("token", "kept for the next process")
    else:
        sys.stdout.write(str(await vault.get("token")) + "\\n")
        await vault.drop("token")
        sys.stdout.write(str(await vault.get("token")) + "\\n")
    sys.stdout.write(f"{vault.lasting} {vault.where}\\n")

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is of Linux desktops")
@pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")),
    reason="dbus-run-session and gnome-keyring-daemon are not installed",
)
def test_a_real_secret_service_keeps_a_secret_for_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DBUS", "XDG"))}
    folders = {"HOME": tmp_path, "XDG_DATA_HOME": tmp_path / "data", "XDG_RUNTIME_DIR": tmp_path / "run"}
    script = {"PYTHON": sys.executable, "STORY": STORY, "PYTHONPATH": str(Path(__file__).parents[2])}
    env = {**keep, **{name: str(folder) for name, folder in folders.items()}, **script}
    words = ["dbus-run-session", "--", "sh", "-c", SESSION]
    done = subprocess.run(words, env=env, check=False, capture_output=True, text=True, timeout=110)
    where = "True the desktop's keyring (Secret Service)"
    assert done.stdout.splitlines() == [where, "kept for the next process", "None", where], done.stderr


def test_without_any_keyring_the_program_goes_on_in_memory(tmp_path: Path) -> None:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DBUS", "XDG"))}
    env = {**keep, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    if sys.platform != "linux":
        pytest.skip("this system always has a keyring")
    done = subprocess.run([sys.executable, "-c", STORY, "get"], env=env, check=False, capture_output=True, text=True)
    assert done.stdout.splitlines()[:2] == ["None", "None"], done.stderr
    assert "False in memory until the program ends: this computer has no keyring" in done.stdout
