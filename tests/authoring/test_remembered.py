"""What probes told is kept between starts, by content; what may be executed is not decided by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphapanda_desktop.authoring import remembered
from alphapanda_desktop.authoring.describe import Spec
from alphapanda_desktop.authoring.probe import Probed
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.remembered import Remembered
from alphapanda_desktop.authoring.sources import Source


class Child:
    """Counts how often it was asked."""

    def __init__(self, *problems: Problem) -> None:
        self.asked: list[str] = []
        self._problems = problems

    def __call__(self, source: Source, content: bytes) -> Probed:
        self.asked.append(source.sha256)
        spec = None if self._problems else Spec(name="mine", title=content.decode() or "Mine")
        return Probed(source, spec, self._problems)


def a_source(sha256: str, entry: str = "") -> Source:
    return Source(Path("mine.py"), sha256, entry)


def test_a_content_is_asked_once_even_over_a_restart(tmp_path: Path) -> None:
    child = Child()
    for _ in range(2):
        ask = Remembered(tmp_path / "probed.json", child)
        told = [ask(a_source(sha256), b"x = 1").spec for sha256 in ("a", "b", "a")]
        assert [spec and spec.title for spec in told] == ["x = 1"] * 3
    assert child.asked == ["a", "b"]


def test_a_faulty_file_is_asked_every_time(tmp_path: Path) -> None:
    child = Child(Problem(3, "no"))
    ask = Remembered(tmp_path / "probed.json", child)
    assert [ask(a_source("a"), b"").spec for _ in range(2)] == [None, None]
    assert child.asked == ["a", "a"]


def test_what_a_package_offers_is_asked_every_time(tmp_path: Path) -> None:
    child = Child()
    ask = Remembered(tmp_path / "probed.json", child)
    for _ in range(2):
        assert ask(a_source("a", "ideas:X"), b"").spec is not None
    assert child.asked == ["a", "a"]


@pytest.mark.parametrize("kept", ["{", "[]", '{"version": "0", "told": {"a": {}}}', None, '{"told": 3}'])
def test_a_list_that_cannot_be_read_is_remade(tmp_path: Path, kept: str | None) -> None:
    file = tmp_path / "probed.json"
    file.write_text(kept or json.dumps({"version": remembered.__version__, "told": {"a": {"name": 7}}}))
    child = Child()
    assert Remembered(file, child)(a_source("a"), b"").spec is not None
    assert Remembered(file, child)(a_source("a"), b"").spec is not None
    assert child.asked == ["a"]


def test_a_disk_that_takes_nothing_costs_no_more_than_a_probe(tmp_path: Path) -> None:
    child = Child()
    ask = Remembered(tmp_path / "gone" / "probed.json", child)
    assert ask(a_source("a"), b"").spec is not None
    assert ask(a_source("a"), b"").spec is not None
    assert child.asked == ["a"]


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    child = Child()
    ask = Remembered(tmp_path / "probed.json", child)
    for sha256 in ("a", "b", "c", "b", "a"):
        ask(a_source(sha256), b"")
    assert child.asked == ["a", "b", "c", "a"]


def test_names_that_are_wrong_now_are_found_though_the_content_was_probed_before(tmp_path: Path) -> None:
    wrong = b"class A(Strategy):\n    def on_tick(self, ctx, instrument, tick):\n        tick.volume\n"
    child = Child()
    ask = Remembered(tmp_path / "probed.json", child)
    ask(a_source("a"), wrong)
    ask(a_source("a"), wrong)
    assert child.asked == ["a", "a"]
