"""A file is read in this process and executed only in a child, whatever it does there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphapanda_desktop.authoring.describe import Described, FieldSpec, Spec, Told, described, spec_of
from alphapanda_desktop.authoring.probe import command, judge, probe
from alphapanda_desktop.authoring.sources import Source, read
from alphapanda_desktop.authoring.templates import name_of, template
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.strategies import SHIPPED
from tests.fakes import FakeContext, an_instrument

HEAD = "import sys\nfrom alphapanda_desktop.domain.strategy import number, Parameters, Strategy\n"
GOOD = "class Mine(Strategy):\n    name = 'mine'\n    title = 'Mine'\n"


def a_file(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problem(folder: Path, text: str, **limits: Any) -> tuple[int, str]:
    """Line and text of the first problem; there must be one."""
    found = probe(a_file(folder, text), **limits)
    assert found.spec is None
    return found.problems[0].line, found.problems[0].text


# --- files that work ---------------------------------------------------------------------------------------------


def test_the_template_loads_shows_a_form_and_trades(tmp_path: Path) -> None:
    path = a_file(tmp_path, template("my_idea"), "my_idea.py")
    found = probe(path)
    assert (found.words(), found.spec and found.spec.name) == ([], "my_idea")
    assert found.spec is not None
    kind = described(found.spec, found.source)
    assert (kind.title, kind.interval, kind.source.sha256) == ("My idea", Interval.MINUTE, read(path)[0].sha256)
    assert kind.Params().model_dump() == {"bars": 20, "lots": 1, "stop_loss": 1.0, "profit": 3.0}
    assert kind.Params.model_fields["bars"].description == "Bars that are looked back on"
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        kind.Params.model_validate({"bars": 1})
    with pytest.raises(TypeError, match="runs in a child process"):
        kind(kind.Params())


def test_the_template_buys_guards_and_leaves(tmp_path: Path) -> None:
    from alphapanda_desktop.authoring.load import execute

    kind = execute(str(tmp_path / "my_idea.py"), template("my_idea").encode())  # our own text, so here is no danger
    infy = an_instrument()
    ctx, strategy = FakeContext([infy]), kind(kind.Params(bars=3))
    strategy.on_start(ctx)
    for close in (100, 101, 102, 103, 104, 99):
        bar = ctx.add_bar(infy, close)
        if len(ctx.bars(infy)) >= strategy.lookback:
            strategy.on_bar(ctx, infy, bar)
    assert [order.transaction_type for order in ctx.orders] == ["BUY", "SELL"]
    assert ctx.stops[infy.key] == pytest.approx(103 * 0.99)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_described_class_has_the_form_of_the_real_one(name: str) -> None:
    real = SHIPPED[name]
    told = Spec.model_validate_json(spec_of(real).model_dump_json())
    seen = described(told, Source(Path("x.py"), "0"))
    assert issubclass(seen, Described)
    assert (seen.name, seen.title, seen.presets) == (real.name, real.title, real.presets)
    assert seen.Params().model_dump() == real.Params().model_dump()
    assert list(seen.Params.model_fields) == list(real.Params.model_fields)
    for field, made in seen.Params.model_fields.items():
        own = real.Params.model_fields[field]
        assert (made.annotation, made.description) == (own.annotation, own.description)
        assert _bounds(made) == _bounds(own)
        assert made.json_schema_extra == own.json_schema_extra


def _bounds(field: Any) -> set[tuple[str, float]]:
    return {
        (kind, float(getattr(part, kind))) for part in field.metadata for kind in ("ge", "le") if hasattr(part, kind)
    }


def test_rules_between_fields_are_asked_of_the_file_itself(tmp_path: Path) -> None:
    text = HEAD + (
        "from pydantic import model_validator\nclass P(Parameters):\n    fast: int = number(3, 'fast', ge=1, le=9)\n"
        "    slow: int = number(5, 'slow')\n    @model_validator(mode='after')\n    def _order(self):\n"
        "        if self.fast >= self.slow: raise ValueError('fast must be the shorter')\n        return self\n"
    )
    found = probe(a_file(tmp_path, text + GOOD + "    Params = P\n"))
    assert judge(found.source, {"fast": 2}) == ()
    assert [(p.right, p.text) for p in judge(found.source, {"fast": 7})] == [("", "fast must be the shorter")]
    (wrong,) = judge(found.source, {"fast": 70})
    assert (wrong.right, wrong.text) == ("fast", "70 given, at most 9 can be")
    a_file(tmp_path, text + GOOD + "    Params = P\n# later\n")
    with pytest.raises(StrategyError, match="was changed since it was loaded"):
        judge(found.source, {})


# --- files that do not -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\ny = 1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("import no_such_module_anywhere\n", 1, "ModuleNotFoundError"),
        ("raise SystemExit(0)\n", 1, "SystemExit"),
        ("x = 5\n", 0, "this one holds: none"),
        (HEAD + GOOD + GOOD.replace("Mine", "Other"), 0, "this one holds: Mine, Other"),
        (HEAD + "class Mine(Strategy):\n    title = 'x'\n", 0, "needs a name"),
        (HEAD + GOOD + "    Params = 5\n", 0, "must be a subclass of Parameters"),
        (HEAD + "class P(Parameters):\n    n: int\n" + GOOD + "    Params = P\n", 0, "n: no value given"),
        (HEAD + GOOD + "    presets = {'a': {'speed': 1}}\n", 0, "preset 'a'"),
        (HEAD + GOOD + "    @property\n    def lookback(self):\n        return self.nothing\n", 8, "AttributeError"),
        (
            HEAD + GOOD + "    @property\n    def lookback(self):\n        return -1\n",
            0,
            "lookback: -1 given, at least",
        ),
        (HEAD + GOOD.replace("'mine'", "'../etc'"), 0, "name: String should match"),
        ("def (\n", 1, "this is no Python"),
        ("class E(Exception):\n    def __str__(self): raise E()\nraise E\n", 3, "E"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = problem(tmp_path, text)
    assert words in found[1]
    assert found[0] == line


def test_wrong_names_are_not_even_executed(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    text = (
        f"open({str(trace)!r}, 'w')\n{HEAD}{GOOD}    def on_tick(self, ctx, instrument, tick):\n        tick.volume\n"
    )
    assert problem(tmp_path, text) == (8, "a tick has no 'volume': use 'volume_traded'")
    assert not trace.exists()


def test_the_programs_own_process_executes_nothing_of_it(tmp_path: Path) -> None:
    text = HEAD + "import sys\nsys.alphapanda_was_here = True\n" + GOOD
    assert probe(a_file(tmp_path, text)).spec is not None
    assert not hasattr(sys, "alphapanda_was_here")


# --- files that fight --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("while True: pass\n", "did not load within 1.5 s"),
        ("import time; time.sleep(60)\n", "did not load within 1.5 s"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n", "SIGSEGV"),
        ("import ctypes; ctypes.string_at(0)\n", "SIGSEGV"),
        ("import os; os._exit(3)\n", "exit code 3"),
        ("import os; os._exit(0)\n", "exit code 0"),
        ("x = bytearray(8 << 30)\n", "MemoryError"),
        ("x = []\nwhile True: x.append(bytearray(50_000_000))\n", "MemoryError"),
        ("def f(): f()\nf()\n", "RecursionError"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory and signals are Unix's")
def test_one_that_fights_is_ended_and_named(tmp_path: Path, text: str, words: str) -> None:
    assert words in problem(tmp_path, text, deadline_s=1.5 if "1.5" in words else 60.0, memory=1 << 30)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are Unix's")
def test_what_it_started_dies_with_it(tmp_path: Path, eventually: Any, arun: Any) -> None:
    pid_file = tmp_path / "pid"
    text = f"import subprocess, sys, time\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)'])\nopen({str(pid_file)!r}, 'w').write(str(p.pid))\n"  # noqa: E501
    assert probe(a_file(tmp_path, text + HEAD + GOOD)).spec is not None
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _lives(pid):
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_it_prints_is_not_taken_for_its_answer(tmp_path: Path) -> None:
    text = "import sys, os\nprint('{\"spec\": null}')\nos.write(1, b'{}')\n" + HEAD + GOOD + "print('bye')\n"
    found = probe(a_file(tmp_path, text))
    assert found.spec is not None and found.spec.name == "mine"


def test_one_that_never_stops_talking_fills_no_disk(tmp_path: Path) -> None:
    text = "import os\nwhile True: os.write(2, b'x' * 65536)\n"
    assert problem(tmp_path, text)[1].startswith(("OSError", "the process that loaded it ended"))


def test_a_child_sees_neither_keys_nor_the_folder_it_was_started_in(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("KITE_API_SECRET", "x")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    text = HEAD + "import os\n" + GOOD + "    description = ' '.join(sorted(os.environ)) + os.getcwd()\n"
    found = probe(a_file(tmp_path, text))
    assert found.spec is not None
    assert "SECRET" not in found.spec.description and "PYTHONSTARTUP" not in found.spec.description
    assert str(Path.cwd()) not in found.spec.description


def test_a_packaged_program_starts_itself(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    words = command(Source(Path("a.py"), "0"), "", 5, 1 << 30)
    assert words[:3] == [sys.executable, "probe-strategy", "a.py"]


# --- answers of any kind -----------------------------------------------------------------------------------------


@given(st.binary(max_size=400) | st.text(max_size=300).map(str.encode))
def test_an_answer_of_any_bytes_is_told_or_refused(answer: bytes) -> None:
    try:
        Told.model_validate_json(answer)
    except ValidationError:
        return


Values = st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["a", "bars", "model_x", "copy", "1a", "B", "_x", ""]),
                "type": st.sampled_from(["int", "float", "bool", "str", "choice", "other"]),
                "default": Values,
                "choices": st.lists(Values, max_size=3),
                "ge": st.none() | st.floats(),
            }
        ),
        max_size=4,
    )
)
def test_any_fields_that_are_accepted_make_a_form(fields: list[dict[str, Any]]) -> None:
    try:
        spec = Spec.model_validate({"name": "x", "title": "X", "fields": fields})
    except ValidationError:
        return
    params = described(spec, Source(Path("x.py"), "0")).Params
    assert list(params.model_fields) == [field["name"] for field in fields]
    params.model_json_schema()


def test_two_fields_of_one_name_and_presets_of_none_are_refused() -> None:
    field = FieldSpec(name="a", type="int", default=1)
    with pytest.raises(ValidationError, match="bear one name"):
        Spec(name="x", title="X", fields=(field, field))
    with pytest.raises(ValidationError, match="'b', which is no parameter"):
        Spec(name="x", title="X", fields=(field,), presets={"p": {"b": 1}})


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "name"), [("My idea", "my_idea"), ("breakout.py", "breakout"), ("a-b  c", "a_b_c"), (" RSI2 ", "rsi2")]
)
def test_names_are_made_of_what_was_typed(typed: str, name: str) -> None:
    assert name_of(typed) == name


@pytest.mark.parametrize("typed", ["", "1st", "../x", "class", "ä", "a" * 61, "_a", "a/b"])
def test_what_cannot_be_a_name_is_refused(typed: str) -> None:
    with pytest.raises(StrategyError, match="cannot be a strategy's name"):
        name_of(typed)


@pytest.mark.parametrize("name", ["params", "strategy", "bar", "none", "true", "a_1"])
def test_a_template_of_an_awkward_name_still_loads(name: str, tmp_path: Path) -> None:
    found = probe(a_file(tmp_path, template(name), f"{name}.py"))
    assert (found.words(), found.spec and found.spec.name) == ([], name)


def test_a_strategy_without_a_description_is_described_by_its_own_docstring(tmp_path: Path) -> None:
    head, _, body = GOOD.partition("\n")
    found = probe(a_file(tmp_path, f"{HEAD}{head}\n    '''Buys on\n    the open.\n\n    More of it.'''\n{body}"))
    assert found.spec is not None and found.spec.description == "Buys on the open."
    plain = probe(a_file(tmp_path, HEAD + GOOD))
    assert plain.spec is not None and plain.spec.description == ""
