"""People's own files in the running program: listed, enabled, followed, made, and what became of a run's own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.authoring.describe import Spec
from alphapanda_desktop.authoring.probe import Probed
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.sources import Source
from alphapanda_desktop.authoring.templates import template
from alphapanda_desktop.domain.authored import FileNews, FileState, StrategyFile
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.strategyfiles import OwnFiles
from alphapanda_desktop.trading.scope import Scope


def told(source: Source, content: bytes) -> Probed:
    """Stands for the child process: "title NAME" is right, anything else is wrong in line 3."""
    words = content.decode().split()
    if words[0] != "title":
        return Probed(source, None, (Problem(3, "no strategy in it"),))
    return Probed(source, Spec(name=source.path.stem, title=words[1]))


@asynccontextmanager
async def own_files(
    folder: Path, ask: Callable[[Source, bytes], Probed] = told, notices: list[str] | None = None
) -> AsyncIterator[OwnFiles]:
    errors: list[str] = []
    heard = [] if notices is None else notices
    async with Scope("files", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        made = OwnFiles(folder / "own", folder / "enabled.json", SHIPPED, scope, heard.append, packages=list, ask=ask)
        scope.spawn("run", made.run())
        assert await made.known(60)
        yield made
    assert errors == []


def save(folder: Path, name: str, text: str) -> str:
    path = folder / "own" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


async def enabled(files: OwnFiles, path: str, *, follow: bool = False) -> None:
    await files.enable(path, (await files.first_look(path)).sha256, follow=follow)


def state_of(files: OwnFiles, path: str) -> FileState | None:
    return next((file.state for file in files.files() if file.path == path), None)


def test_a_file_is_listed_and_starts_nothing_before_a_person_enables_it(
    arun: Any, tmp_path: Path, eventually: Any
) -> None:
    path = save(tmp_path, "mine.py", "title Mine")

    async def story() -> None:
        async with own_files(tmp_path) as files:
            assert [(file.label, file.state, file.strategy) for file in files.files()] == [
                ("mine.py", FileState.OFF, "")
            ]
            assert "mine" not in files.available
            seen = await files.first_look(path)
            assert (seen.lines, seen.count) == (("title Mine",), 1)
            await enabled(files, path)
            await eventually(lambda: state_of(files, path) is FileState.READY)
            assert files.available["mine"].title == "Mine"
            await files.disable(path)
            await eventually(lambda: state_of(files, path) is FileState.OFF)
            assert "mine" not in files.available

    arun(story())


def test_what_was_saved_since_it_was_shown_is_not_enabled(arun: Any, tmp_path: Path) -> None:
    path = save(tmp_path, "mine.py", "title Mine")

    async def story() -> None:
        async with own_files(tmp_path) as files:
            seen = await files.first_look(path)
            save(tmp_path, "mine.py", "title Other")
            with pytest.raises(StrategyError, match="was saved since it was shown"):
                await files.enable(path, seen.sha256, follow=True)
            assert "mine" not in files.available

    arun(story())


def test_a_run_is_told_of_a_newer_version_of_a_fault_and_of_what_is_not_enabled(
    arun: Any, tmp_path: Path, eventually: Any
) -> None:
    path = save(tmp_path, "mine.py", "title One")

    async def story() -> None:
        async with own_files(tmp_path) as files:
            await enabled(files, path, follow=True)
            await eventually(lambda: "mine" in files.available)
            running = files.available["mine"]
            assert files.news_of(running) == FileNews()
            save(tmp_path, "mine.py", "broken")
            await eventually(lambda: files.news_of(running) == FileNews(problems=("mine.py:3: no strategy in it",)))
            assert files.available["mine"] is running
            assert files.files() == [
                StrategyFile(
                    path, "mine.py", files.files()[0].sha256, FileState.FAULTY, "mine",
                    ("mine.py:3: no strategy in it",), True,
                )
            ]  # fmt: skip
            save(tmp_path, "mine.py", "title Two")
            await eventually(lambda: files.news_of(running) == FileNews(newer=True))
            assert files.available["mine"].title == "Two"
            await files.disable(path)
            await eventually(lambda: files.news_of(running) == FileNews(off=True))
            assert files.news_of(SHIPPED["momentum"]) == FileNews()

    arun(story())


def test_a_file_that_is_followed_stays_enabled_through_a_restart_and_another_does_not(
    arun: Any, tmp_path: Path, eventually: Any
) -> None:
    followed, other = save(tmp_path, "a.py", "title A"), save(tmp_path, "b.py", "title B")

    async def first() -> None:
        async with own_files(tmp_path) as files:
            await enabled(files, followed, follow=True)
            await enabled(files, other)
            await eventually(lambda: {"a", "b"} <= set(files.available))

    async def second() -> None:
        save(tmp_path, "a.py", "title A2")
        save(tmp_path, "b.py", "title B2")
        async with own_files(tmp_path) as files:
            assert [state_of(files, followed), state_of(files, other)] == [FileState.READY, FileState.OFF]

    arun(first())
    arun(second())


def test_a_new_file_is_the_template_and_ready_at_once(arun: Any, tmp_path: Path, eventually: Any) -> None:
    from alphapanda_desktop.authoring.probe import probe_content

    async def story() -> None:
        async with own_files(tmp_path, probe_content) as files:
            path = await files.create("My idea")
            assert text_of(path) == template("my_idea")
            await eventually(lambda: state_of(files, path) is FileState.READY)
            assert files.available["my_idea"].Params.model_fields["bars"].default == 20
            with pytest.raises(StrategyError, match="a strategy named 'my_idea' already"):
                await files.create("my idea")
            with pytest.raises(StrategyError, match="cannot be a strategy's name"):
                await files.create("1st")

    arun(story())


def test_a_file_being_probed_is_shown_as_such_and_the_others_are_known_before_it(
    arun: Any, tmp_path: Path, eventually: Any
) -> None:
    quick, slow = save(tmp_path, "a.py", "title A"), save(tmp_path, "b.py", "title B")
    import threading

    go_on = threading.Event()

    def ask(source: Source, content: bytes) -> Probed:
        if str(source.path) == slow:
            go_on.wait(60)
        return told(source, content)

    async def story() -> None:
        async with own_files(tmp_path, ask) as files:
            changes: list[None] = []
            files.changed.connect(lambda: changes.append(None))
            await enabled(files, quick)
            await enabled(files, slow)
            await eventually(lambda: state_of(files, slow) is FileState.CHECKING)
            await eventually(lambda: state_of(files, quick) is FileState.READY)
            go_on.set()
            await eventually(lambda: state_of(files, slow) is FileState.READY)
            assert changes

    arun(story())


def test_a_damaged_list_enables_nothing_is_kept_and_is_told(arun: Any, tmp_path: Path) -> None:
    path = save(tmp_path, "mine.py", "title Mine")
    (tmp_path / "enabled.json").write_text("{", encoding="utf-8")
    notices: list[str] = []

    async def story() -> None:
        async with own_files(tmp_path, notices=notices) as files:
            assert state_of(files, path) is FileState.OFF
            assert "No strategy file is enabled" in notices[0]
            assert (tmp_path / "enabled.damaged").read_text(encoding="utf-8") == "{"

    arun(story())


def test_nobody_waits_for_an_answer_after_the_end(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with own_files(tmp_path) as files:
            pass
        with pytest.raises(StrategyError, match="not followed any more"):
            await files.create("late")
        await asyncio.sleep(0)

    arun(story())


RULED = '''"""Its two numbers must fit together."""

from pydantic import model_validator

from alphapanda_desktop.domain.strategy import Parameters, Strategy, number


class Params(Parameters):
    fast: int = number(1, "Fast", ge=1, le=9)
    slow: int = number(2, "Slow", ge=1, le=9)

    @model_validator(mode="after")
    def in_order(self):
        if self.fast >= self.slow:
            raise ValueError("fast must be below slow")
        return self


class Ruled(Strategy):
    name = "ruled"
    Params = Params
'''


def test_a_files_own_rules_are_asked_of_a_child(arun: Any, tmp_path: Path, eventually: Any) -> None:
    from alphapanda_desktop.authoring.probe import probe_content

    path = save(tmp_path, "ruled.py", RULED)

    async def story() -> None:
        async with own_files(tmp_path, probe_content) as files:
            await enabled(files, path)
            await eventually(lambda: "ruled" in files.available)
            kind = files.available["ruled"]
            assert await files.judge(kind, {"fast": 1, "slow": 5}) == []
            assert await files.judge(kind, {"fast": 5, "slow": 5}) == [("", "fast must be below slow")]
            assert await files.judge(SHIPPED["momentum"], {}) == ()
            save(tmp_path, "ruled.py", RULED + "# saved anew")
            with pytest.raises(StrategyError, match="was changed since it was loaded"):
                await files.judge(kind, {})

    arun(story())


@pytest.mark.skipif(os.name != "posix", reason="asks for the modes of files")
def test_a_file_that_others_may_write_is_told_as_such(arun: Any, tmp_path: Path) -> None:
    path = save(tmp_path, "mine.py", "title Mine")
    Path(path).chmod(0o644)
    Path(path).parent.chmod(0o755)

    async def story() -> None:
        async with own_files(tmp_path) as files:
            assert not (await files.first_look(path)).shared
            _allow(Path(path), 0o666)
            assert (await files.first_look(path)).shared
            _allow(Path(path), 0o644)
            _allow(tmp_path / "own", 0o777)
            assert (await files.first_look(path)).shared

    arun(story())


def _allow(path: Path, mode: int) -> None:
    path.chmod(mode)
