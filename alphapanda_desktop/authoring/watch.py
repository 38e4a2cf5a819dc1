"""The users' folder as it changes: what appeared, was saved or went away since the last look, probed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.probe import Probed, probe
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
    """Looks at one folder, and at installed packages once. `look` blocks while children probe: call it in a thread."""

    def __init__(
        self,
        folder: Path,
        enabled: Enabled,
        *,
        packages: Callable[[], Iterable[tuple[Path, str, str]]] = packaged,
        ask: Callable[[Path, str, str], Probed] = probe,
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
        if self._entries is None:
            self._entries = {path: (entry, package) for path, entry, package in self._packages()}
        there = [*files_in(self._folder), *self._entries]
        gone = [path for path in self._stamps if path not in there or not path.exists()]
        for path in gone:
            del self._stamps[path]
            self._hashes.pop(path, None)
        news = [self._news(path) for path in there]
        return [Changed(path, None) for path in gone] + [one for one in news if one is not None]

    def forget(self, path: Path) -> None:
        """Tell of this file again at the next look, as after a person has enabled it."""
        self._stamps.pop(path, None)
        self._hashes.pop(path, None)

    def _news(self, path: Path) -> Changed | None:
        try:
            seen = path.stat()
        except OSError:
            return None  # went away between listing and looking; the next look tells
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if self._stamps.get(path) == stamp:
            return None
        self._stamps[path] = stamp
        try:
            return self._probe(path)
        except StrategyError as error:
            return Changed(path, Probed(Source(path, ""), None, (Problem(0, str(error)),)))

    def _probe(self, path: Path) -> Changed | None:
        entry, package = (self._entries or {}).get(path, ("", ""))
        source, content = read(path, entry, package)
        if self._hashes.get(path) == source.sha256:
            return None
        self._hashes[path] = source.sha256
        if not self._enabled.has(source):
            return Changed(path, Probed(source, None, tuple(problems_in(content))), enabled=False)
        return Changed(path, self._ask(path, entry, package))
