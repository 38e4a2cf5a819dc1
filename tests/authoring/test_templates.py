"""A new strategy file is as clean as the program itself: an editor that knows types completes everything in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import alphapanda_desktop
from alphapanda_desktop.authoring.templates import template

ROOT = Path(__file__).resolve().parents[2]


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    """As `make lint` types the program, with what it has in its cache."""
    words = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), str(path)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_package_tells_its_types() -> None:
    assert (Path(alphapanda_desktop.__file__).parent / "py.typed").is_file()


def test_the_template_has_no_error_under_strict_types_and_a_misspelling_has(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed: bring .venv up to requirements.lock")
    path = tmp_path / "my_idea.py"
    path.write_text(template("my_idea"), encoding="utf-8")
    assert checked(path).stdout.startswith("Success"), checked(path).stdout
    wrong = template("my_idea").replace("self.params.lots", "self.params.lot").replace("stop=price", "stop=reason")
    other = tmp_path / "misspelt.py"  # not the same file: what is known of it might be taken for still true
    other.write_text(wrong, encoding="utf-8")
    told = checked(other).stdout
    assert 'has no attribute "lot"' in told and "Unsupported operand types" in told
