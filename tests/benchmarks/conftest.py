"""The board that benchmarks write on, printed when all have run. `make bench` runs them, `make test` never."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.benchmarks.race import Board


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    """Where results go; printed as a table and as JSON lines at the end."""
    board = Board()
    yield board
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n\n{board.table()}\n\n{board.json_lines()}")
