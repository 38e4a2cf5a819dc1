"""People's own strategy files, as a test says they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from psygnal import Signal

from alphapanda_desktop.domain.authored import FileNews, FileState, FirstLook, StrategyFile
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.strategy import Strategy


def a_file(name: str, state: FileState = FileState.READY, *problems: str, strategy: str = "") -> StrategyFile:
    return StrategyFile(f"/own/{name}", name, f"hash of {name}", state, strategy, problems)


class FakeFiles:
    """Lists `rows`, answers `news`, and remembers what was asked."""

    changed = Signal()

    def __init__(self, *rows: StrategyFile) -> None:
        self.rows = list(rows)
        self.news = FileNews()
        self.against: list[tuple[str, str]] = []
        """What is said of thirteen bars."""
        self.asked: list[tuple[object, ...]] = []
        self.folder = Path("/own")

    def files(self) -> list[StrategyFile]:
        return self.rows

    def tell(self, *rows: StrategyFile) -> None:
        """The files are these now."""
        self.rows = list(rows)
        self.changed.emit()

    def news_of(self, _kind: type[Strategy]) -> FileNews:
        return self.news

    async def judge(self, _kind: type[Strategy], values: Mapping[str, object]) -> list[tuple[str, str]]:
        return self.against if values.get("bars") == 13 else []

    async def first_look(self, path: str) -> FirstLook:
        return FirstLook(path, _name(path), f"hash of {_name(path)}", ("import os", "os.system('ls')"), 40)

    async def enable(self, path: str, sha256: str, *, follow: bool = False) -> None:
        self.asked.append(("enable", _name(path), sha256, follow))

    async def disable(self, path: str) -> None:
        self.asked.append(("disable", _name(path)))

    async def create(self, name: str) -> str:
        if name == "1st":
            raise StrategyError("'1st' cannot be a strategy's name")
        self.asked.append(("create", name))
        return f"/own/{name}.py"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
