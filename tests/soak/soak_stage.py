"""What a soak plays on: a small disk of its own, a keyring behind a bus of its own, and a clock that can be set.

Each is there only where this machine allows it; `lacks` says what is missing and why.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

DISK_MB = 160
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""
"""Without the services that are started when asked for: a keyring that was killed stays dead."""


def ran(*command: str) -> bool:
    """Whether a command came to a good end."""
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


class Disk:
    """A file system of ext4 in a file (it can turn read-only under a program that writes), or a tmpfs, or none."""

    def __init__(self, scratch: Path) -> None:
        self.folder = scratch / "disk"
        self.folder.mkdir()
        self._image = scratch / "disk.image"
        self._ballast = self.folder / "ballast"
        self.kind = "none"

    def open(self) -> None:
        if os.geteuid() == 0 and shutil.which("mkfs.ext4"):
            with self._image.open("wb") as image:
                image.truncate(DISK_MB << 20)
            if ran("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image)) and self._mount():
                self.kind = "ext4"
                return
        size = f"size={DISK_MB}m"
        if os.geteuid() == 0 and ran("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.folder)):
            self.kind = "tmpfs"

    def close(self) -> None:
        if self.kind != "none":
            ran("umount", str(self.folder)) or ran("umount", "-l", str(self.folder))
        self._image.unlink(missing_ok=True)

    def _mount(self) -> bool:
        return ran("mount", "-o", "loop,noatime", str(self._image), str(self.folder))

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def fill(self) -> int:
        """Take every byte that is left; how many."""
        block, taken = b"\0" * 65_536, 0
        with self._ballast.open("ab", buffering=0) as ballast:
            while block:
                try:
                    taken += ballast.write(block)
                except OSError:
                    block = block[: len(block) // 2]  # down to the last byte
        return taken

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def turn_read_only(self) -> bool:
        """As a disk does that has failed: writers keep their files and may write no more. Only ext4 can."""
        return self.kind == "ext4" and ran("mount", "-o", "remount,abort", str(self.folder))

    def mend(self) -> bool:
        """Have it checked and mounted anew, to be written to; nobody may have a file open there."""
        deadline = time.monotonic() + 20
        while not ran("umount", str(self.folder)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.3)
        subprocess.run(["e2fsck", "-fy", str(self._image)], capture_output=True, check=False, timeout=60)
        return self._mount()

    def mount_read_only(self, *, on: bool) -> bool:
        """For a program that is yet to start."""
        return ran("mount", "-o", f"remount,{'ro' if on else 'rw'}", str(self.folder))


class Keyring:
    """gnome-keyring-daemon, unlocked, on a session bus that nobody else is on."""

    def __init__(self, scratch: Path) -> None:
        self._folder = scratch / "keyring"
        self._home = self._folder / "home"
        self._bus: subprocess.Popen[str] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    @property
    def there(self) -> bool:
        return bool(self.environment)

    def open(self) -> None:
        if not (shutil.which("dbus-daemon") and shutil.which("gnome-keyring-daemon")):
            return
        run = self._folder / "run"
        for folder in (self._home, run):
            folder.mkdir(parents=True, mode=0o700)
        config = self._folder / "bus.conf"
        config.write_text(BUS.format(folder=self._folder), encoding="utf-8")
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._bus.stdout is not None
        self.environment = {
            "DBUS_SESSION_BUS_ADDRESS": self._bus.stdout.readline().strip(),
            "HOME": str(self._home), "XDG_RUNTIME_DIR": str(run),
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        """A daemon that knows what the one before it knew."""
        self._daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--components=secrets", "--unlock", "--foreground"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | self.environment,
        )  # fmt: skip
        assert self._daemon.stdin is not None
        self._daemon.stdin.write(b"of this soak alone")
        self._daemon.stdin.close()

    def kill(self) -> None:
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGKILL)
            self._daemon.wait()

    def close(self) -> None:
        self.kill()
        if self._bus is not None:
            self._bus.kill()
            self._bus.communicate()


class Screen:
    """An X server of the soak's own, where there is Xvfb; else nothing is painted where anybody could look."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        self.environment = {"QT_QPA_PLATFORM": "offscreen"}

    def open(self) -> None:
        if not shutil.which("Xvfb"):
            return
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x900x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._server.stdout is not None
        number = self._server.stdout.readline().strip()
        self.environment = {"QT_QPA_PLATFORM": "xcb", "DISPLAY": f":{number}"}

    def close(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.communicate()


class SetClock:
    """The wall clock of every program that gets `environment`: the machine's, moved by `step` seconds."""

    def __init__(self, scratch: Path) -> None:
        self._file = scratch / "clock"
        self._library = scratch / "clockstep.so"
        self.step_s = 0.0
        self.environment: dict[str, str] = {}

    def open(self) -> None:
        compiler = shutil.which("cc")
        source = Path(__file__).with_name("clockstep.c")
        if compiler and ran(compiler, "-shared", "-fPIC", "-O2", "-o", str(self._library), str(source), "-ldl"):
            self.environment = {"LD_PRELOAD": str(self._library), "SOAK_CLOCK": str(self._file)}
            self._file.write_bytes(struct.pack("q", 0))

    def step(self, seconds: float) -> None:
        """Set the clock by so much from where it is, at once."""
        self.step_s += seconds
        with self._file.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("q", int(self.step_s * 1e9)))


class Stage:
    """All of it, and the folders: `scratch` outlives every fault, `data` is on the small disk."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.disk, self.keyring, self.clock = Disk(scratch), Keyring(scratch), SetClock(scratch)
        self.screen = Screen()
        self.data = self.disk.folder / "data"
        self.profile = self.data / "profiles" / "default"

    def open(self) -> None:
        for part in (self.disk, self.keyring, self.clock, self.screen):
            part.open()
        self.profile.mkdir(mode=0o700, parents=True)
        # The exchange is no part of this disk: what it knows must outlive the disk's troubles.
        (self.profile / "practice.state").symlink_to(self.scratch / "practice.state")

    def close(self) -> None:
        self.keyring.close()
        self.screen.close()
        self.disk.close()

    @property
    def lacks(self) -> list[str]:
        """What cannot be played here, and why."""
        return [
            why
            for there, why in (
                (self.disk.kind != "none", "no disk of its own (needs root): full and read-only disks are not played"),
                (self.disk.kind == "ext4", "no loop device or mkfs.ext4: no disk turns read-only under the program"),
                (self.keyring.there, "no dbus-daemon or gnome-keyring-daemon: the keyring is not killed"),
                ("DISPLAY" in self.screen.environment, "no Xvfb: nobody sees why a program could not start"),
                (bool(self.clock.environment), "no C compiler: the clock is not set"),
            )
            if not there
        ]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.screen.environment | self.keyring.environment | self.clock.environment
