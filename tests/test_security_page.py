"""Each line of the threat model names a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "security.md"
NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(\w+)`")


def threats() -> list[list[str]]:
    """Rows of the table of threats: threat, what is done, what holds it."""
    table = PAGE.read_text(encoding="utf-8").split("\n## Threats\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    return rows[2:]


@cache
def functions_of(file: str) -> frozenset[str]:
    if not (TESTS / file).exists():
        return frozenset()
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_threat_is_held_by_a_test_that_exists() -> None:
    lost = []
    for threat, done, held in threats():
        named = NAMED.findall(held)
        assert threat and done and named, threat
        lost += [f"{file}::{test}" for file, test in named if test not in functions_of(file)]
    assert lost == []
    assert len(threats()) >= 60


@pytest.mark.parametrize("word", ["no prisoner", "Root", "debugger", "stolen unlocked", "Dask workers"])
def test_what_is_not_defended_is_said(word: str) -> None:
    assert word in PAGE.read_text(encoding="utf-8").split("## What is not defended")[1]
