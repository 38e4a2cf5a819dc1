"""The program's own options mean the same before and behind a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from alphapanda_desktop.__main__ import main


def _told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(words)
    return code, capsys.readouterr().out


def test_where_to_look_may_stand_behind_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    assert main(["--data-dir", folder, "profiles", "make", "huf", "--label", "Family"]) == 0
    capsys.readouterr()
    before = _told(capsys, "--data-dir", folder, "profiles", "list")
    assert before[0] == 0 and "Family" in before[1]
    assert _told(capsys, "profiles", "list", "--data-dir", folder) == before
    assert _told(capsys, "profiles", f"--data-dir={folder}", "list") == before


def test_what_stands_behind_wins_over_what_stands_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, other = tmp_path / "made", tmp_path / "other"
    assert main(["profiles", "make", "huf", "--data-dir", str(made)]) == 0
    capsys.readouterr()
    code, said = _told(capsys, "--data-dir", str(other), "profiles", "list", "--data-dir", str(made))
    assert code == 0 and said.startswith("huf")


def test_a_mode_that_is_none_is_named_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backups", "--mode", "pretend"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "alphapanda backups" in said and "pretend" in said


def test_a_command_keeps_its_own_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["profiles", "--no-such-thing", "list", "--data-dir", str(tmp_path)])
    assert "--no-such-thing" in capsys.readouterr().err
