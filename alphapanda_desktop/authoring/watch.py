"""The users' folder as it changes: what appeared, was saved or went away since the last look, probed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.probe import Probed, probe_content
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.sources import Enabled, Source, files_in, packaged, read
from alphapanda_desktop.domain.errors import StrategyError

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Changed:
    """News of one file. `probed` is None when it is gone; `enabled` False when a person has not said yes to it."""

    path: Path
    probed: Probed | None
    enabled: bool = True


class Watch:
    """Looks at one folder, and at installed packages once. It blocks and is used by one thread at a time."""

    def __init__(
        self,
        folder: Path,
        enabled: Enabled,
        *,
        packages: Callable[[], Iterable[tuple[Path, str, str]]] = packaged,
        ask: Callable[[Source, bytes], Probed] = probe_content,
    ) -> None:
        self._folder = folder
        self._enabled = enabled
        self._packages = packages
        self._ask = ask
        self._stamps: dict[Path, Stamp] = {}
        self._hashes: dict[Path, str] = {}
        self._entries: dict[Path, tuple[str, str]] | None = None

    def look(self) -> list[Changed]:
        """What is new since the last look; a file that was saved without a change of content is not."""
        gone, touched = self.glance()
        news = [self.news(path) for path in touched]
        return gone + [one for one in news if one is not None]

    def glance(self) -> tuple[list[Changed], list[Path]]:
        """Files that are gone, and those that were touched since `news` was last asked for them; nothing is probed."""
        if self._entries is None:
            self._entries = {path: (entry, package) for path, entry, package in self._packages()}
        there = [*files_in(self._folder), *self._entries]
        gone = [path for path in self._stamps if path not in there or not path.exists()]
        for path in gone:
            self.forget(path)
        return [Changed(path, None) for path in gone], [p for p in there if _stamp_of(p) != self._stamps.get(p)]

    def read(self, path: Path) -> tuple[Source, bytes]:
        """A file of the folder or of a package as it is now. Raises StrategyError where it cannot be read."""
        return read(path, *(self._entries or {}).get(path, ("", "")))

    def forget(self, path: Path) -> None:
        """Tell of this file again at the next look, as after a person has enabled it."""
        self._stamps.pop(path, None)
        self._hashes.pop(path, None)

    def news(self, path: Path) -> Changed | None:
        """What a touched file holds now, None where that is what it held; blocks while a child probes it."""
        stamp = _stamp_of(path)
        if stamp is None:
            return None  # went away between listing and looking; the next look tells
        self._stamps[path] = stamp
        try:
            return self._probe(path)
        except StrategyError as error:
            return Changed(path, Probed(Source(path, ""), None, (Problem(0, str(error)),)))

    def _probe(self, path: Path) -> Changed | None:
        source, content = self.read(path)
        if self._hashes.get(path) == source.sha256:
            return None
        self._hashes[path] = source.sha256
        if not self._enabled.has(source):
            return Changed(path, Probed(source, None, tuple(problems_in(content))), enabled=False)
        return Changed(path, self._ask(source, content))


def _stamp_of(path: Path) -> Stamp | None:
    """What changes with each save; None where there is no such file."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
