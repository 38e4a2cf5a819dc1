"""Wrong names are found by reading, with the line and the right name; what is right is left alone."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.authoring.names import problems_in, strategies_in
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.templates import template
from alphapanda_desktop.authoring.vocabulary import ELSEWHERE, KINDS, hooks, members
from alphapanda_desktop.domain.market import RENAMED

PACKAGE = Path(__file__).resolve().parents[2] / "alphapanda_desktop"
HEAD = "from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number\n"


def hook(name: str, arguments: str, *lines: str) -> str:
    """A strategy with one hook of these lines; the first stands in line 4."""
    body = "\n".join(f"        {line}" for line in lines)
    return f"{HEAD}class Mine(Strategy):\n    def {name}(self, {arguments}):\n{body}\n"


def said(source: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.right) for problem in problems_in(source)]


def on_tick(*lines: str) -> str:
    return hook("on_tick", "ctx, instrument, tick", *lines)


def on_bar(*lines: str) -> str:
    return hook("on_bar", "ctx, instrument, bar", *lines)


# --- ticks -------------------------------------------------------------------------------------------------------


def test_volume_is_told_to_be_volume_traded() -> None:
    (problem,) = problems_in(on_tick("if tick.volume > 1000:", "    ctx.log('busy')"))
    assert problem == Problem(4, "a tick has no 'volume': use 'volume_traded'", "volume_traded")
    assert problem.at("mine.py") == "mine.py:4: a tick has no 'volume': use 'volume_traded'"


@pytest.mark.parametrize(("wrong", "right"), RENAMED.items())
def test_every_name_of_other_systems_is_known(wrong: str, right: str) -> None:
    assert said(on_tick(f"x = tick.{wrong}")) == [(4, right)]


@pytest.mark.parametrize(
    "line",
    ["t = tick; x = t.volume", "x = getattr(tick, 'volume', 0)", "x = tick['volume']", "x = (y := tick).volume",
     "f = lambda: tick.volume", "x = [tick.volume for _ in range(3)]", "x = {1: tick.volume}",
     "self.seen = tick.volume", "x = f'{tick.volume}'", "tick.volume += 1", "x = tick if 0 else None; y = tick.volume"],
)  # fmt: skip
def test_a_tick_is_followed(line: str) -> None:
    assert (4, "volume_traded") in said(on_tick(line))


def test_a_hooks_arguments_are_known_by_place_not_by_name() -> None:
    source = hook("on_tick", "c, i, t", "c.log(t.volume)", "x = i.symbol", "c.bying(i, 1, reason='x')")
    assert said(source) == [(4, "volume_traded"), (5, "tradingsymbol"), (6, "")]


def test_own_methods_and_annotations_are_followed() -> None:
    source = f"{HEAD}class Mine(Strategy):\n    def look(self, tick):\n        return tick.ltp\n\n"
    source += "def free(thing: 'Tick', order: Order):\n    return thing.volume, order.side\n"
    assert said(source) == [(4, "last_price"), (7, "volume_traded"), (7, "transaction_type")]


@pytest.mark.parametrize(
    "line",
    ["tick = self.other; x = tick.volume", "for tick in self.rows: x = tick.volume", "x = bar.volume",
     "x = [tick.volume for tick in self.rows]", "(tick, y) = self.pair; x = tick.volume", "x = tick.volume_traded",
     "f = lambda tick: tick.volume", "x = tick.depth.buy[0].volume", "x = self.tick.volume"],
)  # fmt: skip
def test_what_is_no_tick_is_left_alone(line: str) -> None:
    assert said(hook("on_tick", "ctx, instrument, tick", "bar = self.last", line)) == []


# --- the rest of what a strategy is handed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "right"),
    [("x = bar.volume_traded", "volume"), ("x = bar.timestamp", "start_s"),
     ("x = ctx.position(instrument).qty", "quantity"),
     ("x = ctx.bars(instrument)[-1].ltp", "close"), ("x = [b.date for b in ctx.bars(instrument)]", "start_s"),
     ("for o in ctx.working(instrument): o.side", "transaction_type"),
     ("x = ctx.instruments[0].token", "instrument_token"),
     ("p = ctx.position(instrument); x = p.avg_price", "average_price"), ("x = ctx.candles(instrument)", "bars"),
     ("x = ctx.bars(instrument)[-3:][0].timestamp", "start_s"), ("ctx.close_position(instrument)", "exit"),
     ("x = ctx.closse(instrument)", "closes"), ("x = self.params.fsat", "")],
)  # fmt: skip
def test_bars_orders_positions_and_the_context_too(line: str, right: str) -> None:
    found = said(on_bar(line))
    assert found == ([(4, right)] if right else [])


def test_calls_are_bound_as_they_would_be() -> None:
    found = problems_in(on_bar("ctx.buy(instrument, 10)", "ctx.exit(instrument, why='x', reason='y')", "ctx.show(a=1)"))
    assert [problem.line for problem in found] == [4, 5]
    assert "missing a required argument: 'reason'" in found[0].text
    assert "buy(instrument: 'Instrument', quantity: 'int', *, reason: 'str'" in found[0].text
    assert said(on_bar("ctx.buy(*all, **more)", "ctx.buy(instrument, 10, reason='r', price=5.0)")) == []


def test_parameters_that_are_not_there() -> None:
    params = "class P(Parameters):\n    fast: int = number(9, 'bars')\n    def both(self): return 1\n"
    body = "class Mine(Strategy):\n    Params = P\n    def on_start(self, ctx):\n"
    body += "        x = self.params.fsat, self.params.both()\n"
    assert said(HEAD + params + body) == [(8, "fast")]
    assert said(HEAD + params.replace("(Parameters)", "(Other)") + body) == []


def test_hooks_that_nobody_calls_or_that_take_something_else() -> None:
    assert said(hook("on_tik", "ctx, instrument, tick", "pass")) == [(3, "on_tick")]
    assert said(hook("on_purpose", "anything", "pass")) == []
    (problem,) = problems_in(hook("on_bar", "ctx, bar", "pass"))
    assert problem.text == "on_bar is called with (self, ctx, instrument, bar)"
    assert said(hook("on_bar", "*all", "pass")) == []
    awaited = hook("on_bar", "ctx, instrument, bar", "pass").replace("    def on_bar", "    async def on_bar")
    assert [problem.text for problem in problems_in(awaited)] == ["on_bar must be a plain function: nobody awaits it"]


def test_the_computers_clock_is_a_warning() -> None:
    found = problems_in(on_bar("time.sleep(1)", "x = datetime.now()"))
    assert [(problem.line, problem.severe) for problem in found] == [(4, False), (5, False)]
    assert found[0].at("m.py").startswith("m.py:4: warning: a hook must return at once")


# --- whole files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((PACKAGE / "strategies").glob("*.py")), ids=lambda path: path.stem)
def test_shipped_strategies_are_right(path: Path) -> None:
    assert problems_in(path.read_bytes()) == []


def test_the_template_is_right_and_its_misspellings_are_not() -> None:
    text = template("my_idea")
    assert problems_in(text) == []
    for right, wrong in (
        ("ctx.bracket", "ctx.braket"),
        ("b.high", "b.hight"),
        ("self.params.lots", "self.params.lot"),
        ("order.quantity", "order.qty"),
        ("bar.close", "bar.ltp"),
        ("position(instrument).quantity", "position(instrument).qty"),
    ):
        assert right in text
        assert problems_in(text.replace(right, wrong)), wrong


@pytest.mark.parametrize(
    ("source", "words"),
    [(b"def (", "no Python"), (b"\x00", "no Python"), (b"\xff\xfe", "no Python"), (b"x = 1\n  y = 2", "no Python"),
     (b"(" * 5_000, "no Python"), (b"#" * 1_000_001, "1,000,000 allowed")],
)  # fmt: skip
def test_what_is_no_python_is_one_problem(source: bytes, words: str) -> None:
    (problem,) = problems_in(source)
    assert words in problem.text


def test_every_right_name_is_right() -> None:
    for kind, names in ELSEWHERE.items():
        for wrong, right in names.items():
            assert right in members(kind), (kind, right)
            assert wrong not in members(kind), (kind, wrong)
    assert set(ELSEWHERE) == set(KINDS)
    assert hooks()["on_bar"] == ("Context", "Instrument", "Bar")
    assert hooks()["on_timer"] == ("Context", "str")


# --- anything at all ---------------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_or_refused(source: bytes) -> None:
    assert all(isinstance(problem, Problem) for problem in problems_in(source))


@given(st.integers(0, 10_000))
def test_real_sources_with_pieces_exchanged_never_break_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    text = chance.choice([template("my_idea"), *(p.read_text("utf-8") for p in (PACKAGE / "strategies").glob("*.py"))])
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randrange(1, 12)):
        first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[first] = chance.choice([lines[second], lines[first][: chance.randrange(1, 40)], lines[first] * 2, "\n"])
    problems_in("".join(lines))


def test_a_deep_tree_is_refused_in_words() -> None:
    assert problems_in("x = " + "-" * 50 + "1\n") == []
    assert [problem.text for problem in problems_in("x = " + "-" * 900 + "1\n")] == [
        "it is nested too deeply to be read"
    ]
    deeper = "x = " + ".a".join(["tick"] + [""] * 3_000)[:-2] + "b\n"
    assert all(isinstance(problem, Problem) for problem in problems_in(deeper))


def test_strategies_of_strategies_are_strategies() -> None:
    tree = ast.parse("class A(Strategy): ...\nclass B(A): ...\nclass C: ...\nclass D(m.Strategy): ...\n")
    assert [node.name for node in strategies_in(tree)] == ["A", "B", "D"]
