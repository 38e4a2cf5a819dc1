"""The board that benchmarks write on, printed when all have run. `make bench` runs them, `make test` never."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.race import FIGURES, Board

BOARD = pytest.StashKey[Board]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "figure(*names): the rows of race.FIGURES that this test measures")
    config.stash[BOARD] = Board()


def figures_of(item: pytest.Item) -> list[str]:
    """The rows that a test measures."""
    return [name for mark in item.iter_markers("figure") for name in mark.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep those that measure one of ALPHAPANDA_BENCH_ONLY, where that is set; a misspelt figure is an error."""
    for item in items:
        unknown = set(figures_of(item)) - set(FIGURES)
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: no such figure: {', '.join(sorted(unknown))}")
    only = set(os.environ.get("ALPHAPANDA_BENCH_ONLY", "").split())
    if only:
        dropped = [item for item in items if not only & set(figures_of(item))]
        items[:] = [item for item in items if only & set(figures_of(item))]
        config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    """A test that ended before it measured leaves a row that says why."""
    report = yield
    if call.excinfo is not None:
        board = item.config.stash[BOARD]
        words = str(call.excinfo.value).strip() or call.excinfo.typename
        for key in figures_of(item):
            if not board.has(key):
                board.cannot(key, " ".join(words.split())[:300])
    return report


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest) -> Board:
    """Where results go; printed as a table and as JSON lines at the end."""
    return request.config.stash[BOARD]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the rows to the file that ALPHAPANDA_BENCH_OUT names, or print them."""
    board = session.config.stash[BOARD]
    out = os.environ.get("ALPHAPANDA_BENCH_OUT")
    if out:
        with Path(out).open("a", encoding="utf-8") as file:
            file.write(board.json_lines() + "\n" if board.results else "")
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if board.results and capture is not None:
        with capture.global_and_fixture_disabled():
            print(f"\n\n{board.table()}\n\n{board.json_lines()}")
