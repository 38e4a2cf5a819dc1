"""`new-strategy` writes a file that `check-strategy` finds ready; what is wrong is printed with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alphapanda_desktop.commands import allow_model, check_strategy, new_strategy
from alphapanda_desktop.strategies.models import NoModel, allowed, load
from tests.strategies.trained import write_model


def test_a_new_strategy_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_strategy.run(["My idea", "--folder", str(tmp_path)]) == 0
    path = tmp_path / "my_idea.py"
    assert capsys.readouterr().out.strip() == str(path)
    assert check_strategy.run([str(path)]) == 0
    assert capsys.readouterr().out == "my_idea.py: My idea (my_idea), 4 parameters, needs 21 bars of 1m: ready\n"


def test_a_look_back_that_no_live_run_begins_with_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_strategy.run(["mine", "--folder", str(tmp_path)])
    path = tmp_path / "mine.py"
    text = path.read_text(encoding="utf-8").replace("self.params.bars + 1", "self.params.bars + 1_481")
    path.write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert check_strategy.run([str(path)]) == 0
    warning, ready = capsys.readouterr().out.splitlines()
    assert "warning: a look-back of 1,501 bars: a live run begins with 4 days, 1,500 bars at most" in warning
    assert ready.endswith("needs 1501 bars of 1m: ready")


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("precious", encoding="utf-8")
    assert new_strategy.run(["mine", "--folder", str(tmp_path)]) == 1
    assert (tmp_path / "mine.py").read_text(encoding="utf-8") == "precious"
    assert "is there already" in capsys.readouterr().err
    assert new_strategy.run(["2nd", "--folder", str(tmp_path)]) == 2


def test_a_wrong_name_is_printed_with_line_and_right_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_strategy.run(["mine", "--folder", str(tmp_path)])
    path = tmp_path / "mine.py"
    path.write_text(path.read_text(encoding="utf-8").replace("b.low for", "b.volume_traded for"), encoding="utf-8")
    capsys.readouterr()
    assert check_strategy.run([str(path), "--read-only"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out == ["mine.py:47: a bar has no 'volume_traded': use 'volume'", "mine.py: 1 problem"]


def test_the_answer_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_strategy.run(["mine", "--folder", str(tmp_path)])
    capsys.readouterr()
    assert check_strategy.run([str(tmp_path / "mine.py"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["problems"], told["strategy"]["name"], len(told["sha256"])) == ([], "mine", 64)


def test_reading_alone_executes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n", encoding="utf-8")
    assert check_strategy.run([str(path), "--read-only"]) == 0
    assert "it was not executed" in capsys.readouterr().out
    assert not (tmp_path / "trace").exists()
    assert check_strategy.run([str(path)]) == 1
    assert check_strategy.run([str(tmp_path / "gone.py")]) == 2


def test_a_model_is_allowed_as_it_is_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_model(tmp_path / "m.json", 4)
    with pytest.raises(NoModel, match="not on the list"):
        load("m.json", 4, tmp_path)
    assert allow_model.run([str(path)]) == 0
    digest = capsys.readouterr().out.split()[0]
    assert allowed(tmp_path) == {digest: "m.json"}
    assert load("m.json", 4, tmp_path).features == 4
    assert allow_model.run([str(tmp_path / "gone.json")]) == 1
    assert allow_model.run([str(tmp_path / "m.py")]) == 2
    (tmp_path / "p.joblib").write_bytes(b"x")
    assert allow_model.run([str(tmp_path / "p.joblib")]) == 0
    assert "it is a pickle" in capsys.readouterr().err
