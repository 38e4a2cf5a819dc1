"""What README and docs/ say is true: links, pictures, command lines, names of code, and the strategy they show."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from alphapanda_desktop.__main__ import COMMANDS, parser, placed_behind
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.kite.decode import _parser as decode_parser
from alphapanda_desktop.sim.cli import _parser as sim_parser
from alphapanda_desktop.sim.scenarios import SCENARIOS, find
from alphapanda_desktop.sim.switches import VALUES, Switches
from alphapanda_desktop.tour import _arguments as tour_arguments
from tests.fakes import FakeContext, an_instrument

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "alphapanda_desktop"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGEST_PICTURE = 150_000

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_NAME = re.compile(r"`((?:\w+/)*\w+\.py):([\w.]+)`")
FILE_NAME = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|svg|toml|lock|md|sh))`")
ANY_CASE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _script(name: str) -> ModuleType:
    """A script of `.ci`, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _anchors(page: Path) -> set[str]:
    """What a heading can be linked by."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", _text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- links and pictures ------------------------------------------------------------------------------------------


@ANY_CASE
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(FENCE.sub("", _text(page))):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def test_pictures_come_from_the_tour_or_are_named_as_those_that_cannot() -> None:
    table = re.search(r'^table="\n(.*?)^"', _text(ROOT / ".ci" / "pictures.sh"), re.MULTILINE | re.DOTALL)
    assert table is not None
    toured = {line.split()[0] for line in table[1].splitlines()}
    by_hand = set(re.findall(r"^\| `([\w-]+)\.(?:png|svg)` \|", _text(ROOT / "docs" / "contributing.md"), re.MULTILINE))
    there = {path.stem for path in (ROOT / "docs" / "pictures").iterdir()}
    assert toured | by_hand == there and not toured & by_hand
    steps = {step for line in table[1].splitlines() for step in line.split()[1:]}
    taken = _text(PACKAGE / "player.py") + _text(PACKAGE / "playedorders.py")
    assert [step for step in sorted(steps) if f'"{step.replace("-", " ")}"' not in taken] == []


def test_every_picture_is_shown_and_small() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    shown = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(_text(page))}
    assert len(pictures) >= 2
    assert [picture.name for picture in pictures if picture not in shown] == []
    assert [picture.name for picture in pictures if picture.stat().st_size > LARGEST_PICTURE] == []


# --- command lines -----------------------------------------------------------------------------------------------


def _command_lines(page: Path) -> list[str]:
    """What a reader would type: shell blocks, and `alphapanda …` within a sentence."""
    text = _text(page)
    lines = [line for kind, block in FENCE.findall(text) if kind == "sh" for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`(alphapanda [^`\n]*)`", FENCE.sub("", text))
    found = (re.search(r"(?<![\w./-])(?:\.venv/bin/)?alphapanda\s.*?(?=\s*(?:#|&&|$))", line) for line in lines)
    return [match[0] for match in found if match]


def _parse(line: str) -> argparse.Namespace:
    """Parse as the program would; SystemExit for what it would not take."""
    _, *words = shlex.split(line)
    options = parser().parse_args(words)
    if not options.command:
        find(options.scenario or "calm")
        return options
    name, *rest = options.command
    assert name in COMMANDS, name
    if name == "sim":
        options = sim_parser().parse_args(rest)
        find(options.scenario)
        Switches.parse(options.switch)
        return options
    if name not in ("decode", "tour"):
        module = import_module(f"alphapanda_desktop.commands.{name.replace('-', '_')}")
        made = getattr(module, "_parser", None) or module.parser
        parsed: argparse.Namespace = made().parse_args(placed_behind(name, rest, options))
        return parsed
    return decode_parser().parse_args(rest) if name == "decode" else tour_arguments(rest)


COMMAND_LINES = [(page, line) for page in PAGES for line in _command_lines(page)]


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES, ids=[line for _, line in COMMAND_LINES])
def test_every_command_line_is_one_that_the_program_takes(page: Path, line: str) -> None:
    if line.split()[1:] in (["sim"], ["tour"], ["decode"]):
        return  # a command's bare name, in a sentence
    try:
        assert _parse(line) is not None
    except (SystemExit, ValueError) as error:
        pytest.fail(f"{page.name}: {line}: {error}")


def test_the_pages_show_each_command() -> None:
    shown = {word for _, line in COMMAND_LINES for word in line.split()[1:2]}
    assert set(COMMANDS) <= shown


def test_a_command_line_that_the_program_does_not_take_is_noticed() -> None:
    for line in ("alphapanda sim --no-such-thing", "alphapanda --mode demo", "alphapanda sim --scenario sunny"):
        with pytest.raises((SystemExit, ValueError)):
            _parse(line)


def test_make_targets_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    typed = [block for page in PAGES for kind, block in FENCE.findall(_text(page)) if kind == "sh"]
    named = {name for block in typed for name in re.findall(r"^make (\w+)", block, re.MULTILINE)}
    named |= {name for page in PAGES for name in re.findall(r"`make (\w+)`", _text(page))}
    assert {"run", "test"} <= named <= targets


# --- tables of what there is -------------------------------------------------------------------------------------


def test_the_practice_page_lists_every_scenario_and_every_switch() -> None:
    text = _text(ROOT / "docs" / "practice-exchange.md")
    assert [name for name, scenario in SCENARIOS.items() if name != "calm" and scenario.told not in text] == []
    assert [name for name in (*SCENARIOS, *VALUES) if f"| `{name}` |" not in text] == []
    assert [value for values in VALUES.values() for value in values if f"`{value}`" not in text] == []


def test_every_decision_has_its_number_once_and_says_what_was_given_up() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert [page.name for page in pages if not _text(page).startswith(f"# {page.name[:4]}: ")] == []
    wanted = ("**Problem.**", "**Choice", "**What we gave up.**")
    assert [page.name for page in pages if not all(word in _text(page) for word in wanted)] == []


# --- names of code -----------------------------------------------------------------------------------------------


@cache
def _names_in(path: Path) -> frozenset[str]:
    """Functions, classes and `Class.method`s that a module defines."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{n.name}" for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


@ANY_CASE
def test_every_function_that_a_page_names_is_there(page: Path) -> None:
    wrong = [
        f"{file}:{name}"
        for file, name in CODE_NAME.findall(_text(page))
        if not (PACKAGE / file).is_file() or name not in _names_in(PACKAGE / file)
    ]
    assert wrong == []


@ANY_CASE
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = {name for name in FILE_NAME.findall(_text(page)) if "breakout" not in name}
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


def test_the_authors_reference_is_what_the_docstrings_say() -> None:
    """Where it is not: `.venv/bin/python .ci/api_reference.py` writes it anew."""
    made = _script("api_reference")
    assert _text(made.PAGE) == made.page()


def test_the_map_names_every_part_of_the_package() -> None:
    text = _text(ROOT / "docs" / "architecture.md")
    here = [path for path in sorted(PACKAGE.iterdir()) if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = [path.name if path.suffix else f"{path.name}/" for path in here if path.name != "__init__.py"]
    assert [name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}", text)] == []


def test_both_walks_are_at_most_seven_hops() -> None:
    walks = re.findall(
        r"^## A (.+?)\n(.+?)(?=^## )", _text(ROOT / "docs" / "architecture.md"), re.MULTILINE | re.DOTALL
    )
    hops = [len(re.findall(r"^\| \d \|", body, re.MULTILINE)) for _, body in walks]
    assert hops == [7, 7]


# --- the strategy of the README ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def readme_strategy(tmp_path_factory: pytest.TempPathFactory) -> type[Strategy]:
    """The class, saved as a file and imported as the README says."""
    (block,) = [block for kind, block in FENCE.findall(_text(ROOT / "README.md")) if kind == "python"]
    path = tmp_path_factory.mktemp("strategies") / "breakout.py"
    path.write_text(block, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("breakout", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own: type[Strategy] = module.Breakout
    return own


def _closes(strategy_type: type[Strategy], closes: list[float], **params: object) -> FakeContext:
    """Feed closes as the host does: `on_bar` from the first bar on that has `lookback` bars behind it."""
    instrument = an_instrument(lot_size=1)
    strategy, ctx = strategy_type(strategy_type.Params.model_validate(params)), FakeContext([instrument])
    strategy.on_start(ctx)
    for number, close in enumerate(closes, 1):
        bar = ctx.add_bar(instrument, close)
        if number >= strategy.lookback:
            strategy.on_bar(ctx, instrument, bar)
    strategy.on_stop(ctx)
    return ctx


def test_the_strategy_in_the_readme_buys_a_breakout_and_leaves_a_breakdown(readme_strategy: type[Strategy]) -> None:
    ctx = _closes(readme_strategy, [100, 101, 102, 103, 103, 99], bars=3, lots=2)
    assert [(order.transaction_type, order.quantity) for order in ctx.orders] == [("BUY", 2), ("SELL", 2)]
    assert ctx.reasons == ["103.00 above 102.00", "99.00 below 102.00"]


def test_the_strategy_in_the_readme_does_nothing_in_a_quiet_market(readme_strategy: type[Strategy]) -> None:
    assert _closes(readme_strategy, [100.0] * 30).orders == []


def test_the_strategy_in_the_readme_has_a_form_with_bounds(readme_strategy: type[Strategy]) -> None:
    assert readme_strategy.name and readme_strategy.title and readme_strategy.description
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        readme_strategy.Params.model_validate({"bars": 1})
