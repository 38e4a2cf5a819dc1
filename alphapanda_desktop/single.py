"""One copy per profile: a lock that dies with its holder, and a local socket through which a second launch calls it.

The lock is the kernel's: it goes with the process however that ends, so that there is nothing stale to recover. Who
does not get it asks its holder to come forward, and takes over where the holder ends meanwhile.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain.errors import Fatal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

LOCK: Final = "alphapanda.lock"
SOCKET: Final = "alphapanda.socket"
LONGEST_PATH: Final = 100
"""Bytes that a local socket's path may have everywhere.  Source: unix(7), 108 on Linux; 104 on macOS."""
CALL: Final = b"come forward\n"
ANSWER: Final = b"coming\n"
PATIENCE_S: Final = 10.0
LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process holds the profile. `came_forward` is whether it answered; `pid` is 0 where it is not known."""

    came_forward: bool
    pid: int


class Owner:
    """This process holds the profile until `release`, or until it ends."""

    def __init__(self, folder: Path, held: FileIO, killed_pid: int = 0) -> None:
        self._folder = folder
        self._held = held
        self.killed_pid = killed_pid
        """Who held it before and did not let it go itself; 0 where nobody was killed over it."""
        self._server: QLocalServer | None = None
        self._come_forward: Callable[[], None] | None = None

    def listen(self, come_forward: Callable[[], None]) -> str:
        """Call `come_forward` for each second launch, from the Qt loop; why it cannot, empty when it can."""
        from PySide6.QtNetwork import QLocalServer

        self._come_forward = come_forward
        self._server = server = QLocalServer()
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        name = socket_name(self._folder)
        QLocalServer.removeServer(name)  # left by a copy that was killed: we hold the lock, so it is nobody's
        server.newConnection.connect(self._take)
        return "" if server.listen(name) else f"{name}: {server.errorString()}"

    def _take(self) -> None:
        while self._server is not None and (caller := self._server.nextPendingConnection()) is not None:
            caller.readyRead.connect(lambda caller=caller: self._hear(caller))
            caller.disconnected.connect(caller.deleteLater)
            self._hear(caller)

    def _hear(self, caller: QLocalSocket) -> None:
        if not caller.canReadLine():
            return
        if bytes(caller.readLine().data()) == CALL and self._come_forward is not None:
            self._come_forward()
            caller.write(ANSWER)
            caller.flush()
        caller.disconnectFromServer()

    def release(self) -> None:
        """Let the next launch have the profile."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if not self._held.closed:
            self._held.seek(0)
            self._held.truncate()  # who finds a number here knows that its process was killed
            self._held.close()


def take(folder: Path, patience_s: float = PATIENCE_S) -> Owner | Elsewhere:
    """The profile in this folder, or who has it, after asking that one to come forward.

    Waits at most `patience_s` for an answer: a copy that is just starting answers once its window is there, and the
    profile of one that is just ending is taken over. Raises Fatal where the folder takes no lock.
    """
    deadline = time.monotonic() + patience_s
    while True:
        held = _lock(folder / LOCK)
        if held is not None:
            return Owner(folder, *held)
        if _call(folder, deadline):
            return Elsewhere(True, _holder(folder / LOCK))
        if time.monotonic() >= deadline:
            return Elsewhere(False, _holder(folder / LOCK))
        time.sleep(LOOK_EVERY_S)


def hold(folder: Path) -> Owner | None:
    """The profile in this folder, or None where another process has it, which is left alone. Raises Fatal as `take`."""
    held = _lock(folder / LOCK)
    return Owner(folder, *held) if held is not None else None


def socket_name(folder: Path) -> str:
    """Where the holder of this folder is called: a socket in it, or elsewhere under a name made of its path."""
    if sys.platform == "win32":
        return f"alphapanda-{_digest(folder)}"
    inside = folder.resolve() / SOCKET
    if len(os.fsencode(inside)) <= LONGEST_PATH:
        return str(inside)
    import tempfile

    return str(Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"alphapanda-{_digest(folder)}")


def _digest(folder: Path) -> str:
    import hashlib

    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]


def _lock(path: Path) -> tuple[FileIO, int] | None:
    """The file, locked and bearing this process's number, and whose it bore; None while another process has it."""
    try:
        file = path.open("r+b" if path.exists() else "x+b", buffering=0)
    except FileExistsError:
        return None  # made this very moment by another launch: look again
    except OSError as error:
        raise Fatal(f"{path} cannot be locked: {error.strerror or error}. Is the folder writable?") from error
    if not _try_lock(file):
        file.close()
        return None
    left = (file.read(20) or b"").strip()
    file.seek(0)
    file.truncate()
    with suppress(OSError):  # the lock is held without the number: a full disk keeps nobody from starting
        file.write(f"{os.getpid()}\n".encode())
    return file, int(left) if left.isdigit() else 0


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: FileIO) -> bool:
        file.seek(1 << 20)  # far behind what is written, so that the number stays readable
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: FileIO) -> bool:
        # flock, not lockf: that one is lost as soon as anybody in the process closes the file.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _holder(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return 0


def _call(folder: Path, deadline: float) -> bool:
    """Ask the holder to come forward; whether it answered."""
    import socket

    name, left_s = socket_name(folder), max(LOOK_EVERY_S, deadline - time.monotonic())
    try:
        if sys.platform == "win32":
            with Path(rf"\\.\pipe\{name}").open("r+b", buffering=0) as pipe:
                pipe.write(CALL)
                return pipe.readline() == ANSWER
        if Path(name).lstat().st_uid != os.geteuid():
            return False  # where all may write, somebody else can have put a socket of theirs under its name
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(left_s)
            line.connect(name)
            line.sendall(CALL)
            return line.makefile("rb").readline() == ANSWER
    except OSError:
        return False
