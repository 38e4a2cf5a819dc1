"""Every strategy that can be started, by name: those that came along and people's own, as their files change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alphapanda_desktop.authoring.describe import Described, described
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.watch import Changed
from alphapanda_desktop.domain.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as the panel lists it. `strategy` is what would start: after a faulty save, what was right before."""

    path: Path
    label: str
    enabled: bool
    strategy: type[Described] | None
    problems: tuple[Problem, ...] = ()
    sha256: str = ""
    """Of what the file holds now, whatever would start."""

    @property
    def faulty(self) -> bool:
        """Whether what it holds now cannot be started for a reason other than not being enabled."""
        return any(problem.severe for problem in self.problems)

    def words(self) -> list[str]:
        """What is wrong, with file and line."""
        return [problem.at(self.label) for problem in self.problems]


class Catalogue(Mapping[str, type[Strategy]]):
    """Live: a lookup gives what a file holds now. Give it what `Watch.look` tells with `take`, on the loop."""

    def __init__(self, shipped: Mapping[str, type[Strategy]]) -> None:
        self._shipped = shipped
        self._entries: dict[Path, Entry] = {}

    def __getitem__(self, name: str) -> type[Strategy]:
        return self._shipped[name] if name in self._shipped else self._own()[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._shipped, *self._own()])

    def __len__(self) -> int:
        return len(self._shipped) + len(self._own())

    @property
    def entries(self) -> list[Entry]:
        """Every file, those that are not enabled or not right included, by path."""
        return [self._entries[path] for path in sorted(self._entries)]

    def take(self, news: Iterable[Changed]) -> list[Path]:
        """Take news of files; the paths whose entry is another one now."""
        changed = []
        for one in news:
            before = self._entries.get(one.path)
            if one.probed is None:
                self._entries.pop(one.path, None)
            else:
                self._entries[one.path] = self._entry(one, before)
            if self._entries.get(one.path) != before:
                changed.append(one.path)
        return changed

    def _entry(self, news: Changed, before: Entry | None) -> Entry:
        assert news.probed is not None
        probed = news.probed
        problems, strategy = probed.problems, before.strategy if before and news.enabled else None
        if probed.spec is not None:
            taken = self._taken(probed.spec.name, news.path)
            if taken:
                problems = (Problem(0, taken), *problems)
            else:
                strategy = described(probed.spec, probed.source)
        return Entry(news.path, probed.source.label, news.enabled, strategy, problems, probed.source.sha256)

    def _taken(self, name: str, path: Path) -> str:
        """Whose name it is already, in words; runs are stored by it, so it must mean one strategy."""
        if name in self._shipped:
            return f"the name {name!r} is that of a strategy that came with the program; choose another"
        others = [one for one in self._entries.values() if one.path != path and one.strategy is not None]
        owner = next((one.label for one in others if one.strategy is not None and one.strategy.name == name), "")
        return f"the name {name!r} is that of {owner} already; choose another" if owner else ""

    def _own(self) -> dict[str, type[Strategy]]:
        return {one.strategy.name: one.strategy for one in self.entries if one.strategy is not None}
