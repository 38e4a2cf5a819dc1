"""A house in which every secret is known, and a watch over all that the program and its children leave and show.

Home, temporary folder and data folder lie in one folder, so that whatever is written anywhere can be read afterwards.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from alphapanda_desktop import settings
from alphapanda_desktop.noticing import MAIL_PASSWORD, TELEGRAM_TOKEN
from alphapanda_desktop.sim.session import Credentials
from alphapanda_desktop.tour import SEED

EVERY_S = 0.1
DEMO = Credentials.of_seed(SEED)
KEPT = {TELEGRAM_TOKEN: "7700112233:canaryTelegramTokenZq", MAIL_PASSWORD: "canaryMailPasswordZq"}
ALONE = (DEMO.password, DEMO.code)
"""Words that are part of others, looked for where they stand alone."""
REQUEST_TOKEN = re.compile(rb"request_token['\"=:\s]{1,4}[A-Za-z0-9]{16}")
"""Nobody but the exchange knows it beforehand: wherever one is named, one is left."""


@dataclass
class House:
    """Where a run lives, and what was seen of its processes while it ran."""

    root: Path
    shown: set[bytes] = field(default_factory=set)
    """Command lines, environments and write-ahead logs."""

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def profile(self) -> Path:
        return self.data / "profiles" / "tour"

    @property
    def vault(self) -> Path:
        return self.data / "tour-vault.json"

    @property
    def exchange_book(self) -> Path:
        """Of the practice exchange, which gave the token and must know it."""
        return self.profile / "practice.state"

    def furnish(self) -> dict[str, str]:
        """Make it, with the secrets of a person in its keyring; what the environment must say."""
        for place in ("home", "tmp", "data"):
            (self.root / place).mkdir(parents=True, mode=0o700)
        self.profile.mkdir(parents=True)
        self.profile.parent.chmod(0o777)  # as an older program may have left it
        self.vault.write_text(json.dumps(KEPT))
        mine = settings.Settings()
        mine.delivery.mail_to, mine.delivery.mail_user = "someone@example.com", "someone"
        mine.delivery.mail_host, mine.delivery.mail_security = "127.0.0.1", "none"
        settings.save(mine, self.profile / "settings.json")
        home = str(self.root / "home")
        own = {f"XDG_{name}_HOME": f"{home}/{name.lower()}" for name in ("DATA", "CONFIG", "CACHE", "STATE")}
        return {"HOME": home, "TMPDIR": str(self.root / "tmp"), "PYTHONDONTWRITEBYTECODE": "1", **own}

    def access_token(self) -> str:
        """The token of the run, from where alone it may be."""
        token: str = json.loads(json.loads(self.vault.read_text())["access_token"])[1]
        return token

    def leaks(self, *more: bytes) -> list[str]:
        """Every place but the vault that holds a secret, and which one; `more` is what the run said."""
        secrets = {"api_secret": DEMO.api_secret, "access token": self.access_token(), **KEPT}
        found = [f"shown or said: {name}" for seen in (*self.shown, *more) for name in names_in(seen, secrets)]
        for path in files_in(self.root):
            if path != self.vault and not path.name.startswith(self.exchange_book.name):
                found += [f"{path.relative_to(self.root)}: {name}" for name in names_in(path.read_bytes(), secrets)]
        return sorted(set(found))

    def open_to_others(self) -> list[str]:
        """What somebody else on this computer could read, write or enter."""
        everything = [path for path in self.root.rglob("*") if not path.is_symlink()]
        modes = [(path, stat.S_IMODE(path.stat().st_mode)) for path in everything]
        return [f"{path.relative_to(self.root)} {mode:o}" for path, mode in modes if mode & 0o077]

    @contextmanager
    def watched(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Look at what all see of this process and its children, until it ends."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(EVERY_S):
                for pid in family(process.pid):
                    self.shown |= seen_of(pid)
                for path in self.profile.glob("*.sqlite-wal"):
                    with suppress(FileNotFoundError):  # its database was closed this moment
                        self.shown |= {path.read_bytes()} if path != self.exchange_book else set()

        watching = threading.Thread(target=look, name="watch")
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()


def names_in(data: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Which of the secrets are in these bytes, as text of either kind."""
    found = [name for name, secret in secrets.items() if secret.encode() in data or secret.encode("utf-16-le") in data]
    found += [word for word in ALONE if re.search(rb"(?<![A-Za-z0-9.])%s(?![A-Za-z0-9])" % word.encode(), data)]
    return found + ["request token"] * (REQUEST_TOKEN.search(data) is not None)


def files_in(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def family(pid: int) -> set[int]:
    """A process and all that come from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended this moment
    found, more = set(), {pid}
    while more:
        found |= more
        more = {child for child, parent in parents.items() if parent in more} - found
    return found


def seen_of(pid: int) -> set[bytes]:
    try:
        return {Path(f"/proc/{pid}/{part}").read_bytes() for part in ("cmdline", "environ")}
    except OSError:
        return set()
