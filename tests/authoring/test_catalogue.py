"""What can be started: shipped ones and people's own, live, each name once."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphapanda_desktop.authoring.catalogue import Catalogue
from alphapanda_desktop.authoring.describe import Spec
from alphapanda_desktop.authoring.probe import Probed
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.sources import Source
from alphapanda_desktop.authoring.watch import Changed
from alphapanda_desktop.strategies import SHIPPED

A, B = Path("a.py"), Path("b.py")


def right(path: Path, name: str, title: str = "Mine") -> Changed:
    return Changed(path, Probed(Source(path, title), Spec(name=name, title=title)))


def wrong(path: Path, *, enabled: bool = True) -> Changed:
    return Changed(path, Probed(Source(path, "x"), None, (Problem(3, "no"),)), enabled)


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(SHIPPED)


def test_a_file_joins_the_shipped_ones_and_leaves(catalogue: Catalogue) -> None:
    assert catalogue.take([right(A, "mine")]) == [A]
    assert (len(catalogue), [*catalogue][-1], catalogue["mine"].title) == (len(SHIPPED) + 1, "mine", "Mine")
    assert catalogue["momentum"] is SHIPPED["momentum"]
    assert catalogue.take([Changed(A, None)]) == [A]
    assert "mine" not in catalogue
    assert catalogue.take([Changed(A, None)]) == []


def test_a_faulty_save_keeps_what_was_right_and_says_what_is_wrong(catalogue: Catalogue) -> None:
    catalogue.take([right(A, "mine")])
    catalogue.take([wrong(A)])
    assert catalogue["mine"].title == "Mine"
    assert catalogue.entries[0].words() == ["a.py:3: no"]
    catalogue.take([right(A, "mine", "Better")])
    assert (catalogue["mine"].title, catalogue.entries[0].words()) == ("Better", [])


def test_what_is_no_longer_enabled_cannot_be_started(catalogue: Catalogue) -> None:
    catalogue.take([right(A, "mine")])
    catalogue.take([wrong(A, enabled=False)])
    assert "mine" not in catalogue
    assert [entry.enabled for entry in catalogue.entries] == [False]


def test_a_name_means_one_strategy(catalogue: Catalogue) -> None:
    catalogue.take([right(A, "mine"), right(B, "mine", "Other"), right(Path("c.py"), "momentum")])
    assert catalogue["mine"].title == "Mine"
    assert catalogue["momentum"] is SHIPPED["momentum"]
    assert "is that of a.py already" in catalogue.entries[1].words()[0]
    assert "came with the program" in catalogue.entries[2].words()[0]
    catalogue.take([right(A, "renamed"), right(B, "mine", "Other")])
    assert catalogue["mine"].title == "Other"
