"""People's own strategy files in the running program: followed as they are saved, enabled and made by a person.

Files are read, hashed and probed on a thread, one after the other, in the order that things were asked for; what is
known of them changes on the loop alone.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from psygnal import Signal

from alphapanda_desktop.authoring.catalogue import Catalogue, Entry
from alphapanda_desktop.authoring.describe import Described
from alphapanda_desktop.authoring.probe import Probed, judge, probe_content
from alphapanda_desktop.authoring.remembered import Remembered
from alphapanda_desktop.authoring.sources import Enabled, Source, packaged
from alphapanda_desktop.authoring.templates import name_of, template
from alphapanda_desktop.authoring.watch import Changed, Watch
from alphapanda_desktop.domain.authored import FileNews, FileState, FirstLook, StrategyFile
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.scope import Scope

LOOK_EVERY_S: Final = 1.0
PROBED: Final = "probed.json"
"""Beside the list of what is enabled: what files told when they were last probed."""
LINES_SHOWN: Final = 24
WIDEST: Final = 160

T = TypeVar("T")


class OwnFiles:
    """The users' folder and installed packages. Signal: `changed()` after anything that `files` tells has changed.

    `available` is live: what can be started now, shipped strategies included. `run` must be running.
    """

    changed = Signal()

    def __init__(
        self,
        folder: Path,
        enabled: Path,
        shipped: Mapping[str, type[Strategy]],
        scope: Scope,
        tell: Callable[[str], None],
        *,
        packages: Callable[[], Iterable[tuple[Path, str, str]]] = packaged,
        ask: Callable[[Source, bytes], Probed] = probe_content,
    ) -> None:
        self.folder = folder
        self.available = Catalogue(shipped)
        self._scope = scope
        self._enabled = _enabled(enabled, tell)
        remembered = Remembered(enabled.with_name(PROBED), ask)
        self._watch = Watch(folder, self._enabled, packages=packages, ask=remembered)
        self._checking: frozenset[Path] = frozenset()
        self._errands: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._wanted = asyncio.Event()
        self._known = asyncio.Event()
        self._over = False

    async def run(self) -> None:
        """Follow the files until cancelled."""
        try:
            while True:
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._wanted.wait()
        finally:
            self._over = True
            for _, answer in self._errands:
                answer.cancel()

    async def known(self, deadline_s: float) -> bool:
        """Wait until every file was looked at once; whether that was so by the deadline."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._known.wait()
        return self._known.is_set()

    # -- what is known ---------------------------------------------------------------------------------------

    def files(self) -> Sequence[StrategyFile]:
        """Every file, those that cannot be started included, by path."""
        return [self._file(entry) for entry in self.available.entries]

    def _file(self, entry: Entry) -> StrategyFile:
        name = entry.strategy.name if entry.strategy is not None else ""
        problems = tuple(entry.words())
        return StrategyFile(
            str(entry.path),
            entry.label,
            entry.sha256,
            self._state(entry),
            name,
            problems,
            self._enabled.follows(entry.path),
        )

    def _state(self, entry: Entry) -> FileState:
        if entry.path in self._checking:
            return FileState.CHECKING
        if not entry.enabled:
            return FileState.OFF
        return FileState.FAULTY if entry.faulty or entry.strategy is None else FileState.READY

    def news_of(self, kind: type[Strategy]) -> FileNews:
        """How a strategy that runs, or ran, stands to what its file holds now; nothing for one that was shipped."""
        if not issubclass(kind, Described):
            return FileNews()
        entry = next((entry for entry in self.available.entries if entry.path == kind.source.path), None)
        if entry is None or entry.sha256 == kind.source.sha256:
            return FileNews()
        if not entry.enabled:
            return FileNews(off=True)
        newer = entry.strategy is not None and entry.strategy.source.sha256 != kind.source.sha256
        return FileNews(newer=newer, problems=tuple(entry.words()) if entry.faulty else ())

    async def judge(self, kind: type[Strategy], values: Mapping[str, object]) -> Sequence[tuple[str, str]]:
        """What the file's own rules say against parameters: field, empty for the whole, and words; asked of a child.

        Raises StrategyError where the file is no longer what it was when it was loaded.
        """
        if not issubclass(kind, Described):
            return ()  # its rules are here, and were asked
        problems = await _on_thread(partial(judge, kind.source, values))
        return [(problem.right, problem.text) for problem in problems]

    # -- what a person asks for ------------------------------------------------------------------------------

    async def first_look(self, path: str) -> FirstLook:
        """What to show before a file is enabled. Raises StrategyError where it cannot be read."""
        return await self._do(lambda: _first_look(*self._watch.read(Path(path))))

    async def enable(self, path: str, sha256: str, *, follow: bool = False) -> None:
        """Allow what was shown to be executed in a child process; with `follow` whatever is saved there later, too.

        Raises StrategyError where the file holds something else by now.
        """
        await self._do(lambda: self._enable(Path(path), sha256, follow))

    def _enable(self, path: Path, sha256: str, follow: bool) -> None:
        source, _ = self._watch.read(path)
        if source.sha256 != sha256:
            raise StrategyError(f"{source.label} was saved since it was shown; look at it again, then enable it")
        self._enabled.enable(source, follow=follow)
        self._watch.forget(path)

    async def disable(self, path: str) -> None:
        """Allow it no more, whatever it holds; runs that it began go on."""
        await self._do(lambda: self._disable(Path(path)))

    def _disable(self, path: Path) -> None:
        self._enabled.disable(self._watch.read(path)[0])
        self._watch.forget(path)

    async def create(self, name: str) -> str:
        """A new file from the template, enabled and followed: it is the person's own from its first line.

        Raises StrategyError for a name that cannot be one, and where there is such a file already.
        """
        return str(await self._do(lambda: self._create(name_of(name))))

    def _create(self, name: str) -> Path:
        if name in self.available:
            raise StrategyError(f"there is a strategy named {name!r} already; choose another name")
        path = self.folder / f"{name}.py"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(template(name))
        except FileExistsError:
            raise StrategyError(f"{path.name} is there already; it was left as it is") from None
        except OSError as error:
            raise StrategyError(f"{path} cannot be written: {error.strerror}") from error
        self._enabled.enable(self._watch.read(path)[0], follow=True)
        return path

    # -- on the thread ---------------------------------------------------------------------------------------

    async def _do(self, work: Callable[[], T]) -> T:
        """What `work` gives, done on the thread when its turn comes."""
        if self._over:
            raise StrategyError("strategy files are not followed any more; start the program again")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._errands.append((work, answer))
        self._wanted.set()
        return cast(T, await answer)

    async def _run_errands(self) -> None:
        self._wanted.clear()
        while self._errands:
            work, answer = self._errands[0]
            done = _on_thread(work)
            await asyncio.wait({done})
            self._errands.pop(0)
            error = done.exception()  # asked for in any case: whoever waited may be gone
            if error is not None and not answer.done():
                answer.set_exception(error)
            elif not answer.done():
                answer.set_result(done.result())

    async def _look(self) -> None:
        await self._run_errands()
        gone, touched = await _on_thread(self._watch.glance)
        self._take(frozenset(touched), gone)
        for place, path in enumerate(touched):
            await self._run_errands()
            news = await _on_thread(partial(self._watch.news, path))
            self._take(frozenset(touched[place + 1 :]), [] if news is None else [news])
        self._known.set()

    def _take(self, checking: frozenset[Path], news: Sequence[Changed]) -> None:
        before, self._checking = self._checking, checking
        if self.available.take(news) or before != checking:
            self._scope.call("strategy files changed", self.changed.emit)


def _enabled(file: Path, tell: Callable[[str], None]) -> Enabled:
    """What was enabled; from a list that cannot be read nothing, and it is put aside for a person to look at."""
    try:
        return Enabled(file)
    except StrategyError as error:
        aside = file.with_suffix(".damaged")
        with suppress(OSError):
            file.replace(aside)
        tell(f"No strategy file is enabled, for {error}. The list is kept as {aside}; enable what you trust again.")
    try:
        return Enabled(file)
    except StrategyError:
        return Enabled(file.with_suffix(".fresh"))  # the damaged one could not even be moved


def _on_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.wrap_future(in_daemon_thread("strategy files", work))


def _first_look(source: Source, content: bytes) -> FirstLook:
    lines = content.decode("utf-8", "replace").splitlines()
    shown = tuple(line[:WIDEST] for line in lines[:LINES_SHOWN])
    shared = os.name == "posix" and any(_others_write(path) for path in (source.path, source.path.parent))
    return FirstLook(str(source.path), source.label, source.sha256, shown, len(lines), shared)


def _others_write(path: Path) -> bool:
    mode = path.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX
