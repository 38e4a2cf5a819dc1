"""A day with the mouse: the program on a screen of its own, pointed and clicked at through the X server."""

from __future__ import annotations

import pytest

from tests.e2e.walk_mouse import CHAPTERS
from tests.e2e.walked import came_true, walk

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return walk("mouse", tmp_path_factory.mktemp("walk"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_with_the_mouse_a_person(chapter: str, walked: dict[str, str]) -> None:
    came_true(chapter, walked)
