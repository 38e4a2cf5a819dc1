"""A day without a mouse: the program on a screen of its own, driven through the X server by keys alone."""

from __future__ import annotations

import pytest

from tests.e2e.walk_keyboard import CHAPTERS
from tests.e2e.walked import came_true, walk

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return walk("keyboard", tmp_path_factory.mktemp("walk"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_by_keys_alone_a_person(chapter: str, walked: dict[str, str]) -> None:
    came_true(chapter, walked)
