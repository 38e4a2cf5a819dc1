"""Writes docs/strategies-api.md: what a strategy's author may use, from the sources' own docstrings. Imports nothing.

.venv/bin/python .ci/api_reference.py           # writes the page
.venv/bin/python .ci/api_reference.py --check   # exit code 1 where the page is not what the sources say
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOMAIN: Final = ROOT / "alphapanda_desktop" / "domain"
PAGE: Final = ROOT / "docs" / "strategies-api.md"
LONGEST: Final = 100
"""Characters of a signature that stands on one line."""

INTRODUCTION: Final = """\
# The strategy author's reference

Made by `.ci/api_reference.py` from the docstrings of the program: change those, and run it again. A test fails while
this page says something else than they do. How the parts go together: [Writing a strategy](strategies.md).

A name is imported from the module that stands above it, and from nowhere else: what is not on this page may change.
`Floats` is a numpy array of float64, `Side` is "BUY" or "SELL", `Product` is "CNC", "NRML", "MIS" or "MTF".
"""

PARTS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("What you write", "strategy", ("Strategy", "Parameters", "number", "choice")),
    ("What its hooks are given", "strategy", ("Context", "Holding")),
    ("An instrument", "instruments", ("Instrument",)),
    ("Bars and ticks", "market", ("Bar", "Tick", "Ohlc", "Depth", "DepthLevel", "Mode", "Interval", "BarSize")),
    ("An order", "orders", ("Order",)),
    ("Indicators over a history", "indicators", ()),
    ("Indicators one bar at a time", "streams", ("Stream", "rolled")),
    ("Every function of TA-Lib", "anyindicator", ("indicator", "Indicator")),
)
"""Heading, module of the domain, and its names; without names all functions and classes that are not private."""

CALLED: Final = {"Context": "ctx.", "Stream": "stream."}
"""How the members of a class are written where they are used; others by the class's own name."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def page() -> str:
    """The whole page, as the sources stand now."""
    return INTRODUCTION + "".join(_part(*part) for part in PARTS)


def _part(heading: str, module: str, names: tuple[str, ...]) -> str:
    body = ast.parse((DOMAIN / f"{module}.py").read_text(encoding="utf-8")).body
    found = {name: node for name, node in _named(body) if isinstance(node, Function | ast.ClassDef)}
    wanted = names or tuple(found)
    lost = [name for name in wanted if name not in found]
    if lost:
        raise SystemExit(f"domain/{module}.py has no {', '.join(lost)}: correct PARTS in {Path(__file__).name}")
    entries = "".join(_entry(name, found[name]) for name in wanted)
    return f"\n## {heading}\n\n`from alphapanda_desktop.domain.{module} import …`\n{entries}"


def _named(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Everything public that a module or a class gives a name to."""
    for node in body:
        name = _name_of(node)
        if name and not name.startswith("_"):
            yield name, node


def _name_of(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def _entry(name: str, node: Function | ast.ClassDef) -> str:
    return _class(name, node) if isinstance(node, ast.ClassDef) else f"\n### {name}\n\n{_called(name, node)}"


def _class(name: str, node: ast.ClassDef) -> str:
    members = dict(_named(node.body))
    calls = {key: own for key, own in members.items() if isinstance(own, Function) and not _is_property(own)}
    prefix = CALLED.get(name, f"{name}.")
    methods = "".join(f"\n#### {prefix}{key}\n\n{_called(key, own)}" for key, own in calls.items())
    rows = [_row(key, own, node.body) for key, own in members.items() if key not in calls]
    return f"\n### {name}\n\n{_made(name, node)}{ast.get_docstring(node) or ''}\n{_table(rows)}{methods}"


def _made(name: str, node: ast.ClassDef) -> str:
    """How one is made, where the class says so itself."""
    made = [own for own in node.body if isinstance(own, ast.FunctionDef) and own.name == "__init__"]
    return f"```python\n{_signature(name, made[0])}\n```\n\n" if made else ""


def _is_property(node: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)


def _called(name: str, node: Function) -> str:
    """Signature and docstring of a function or method."""
    text = ast.get_docstring(node)
    return f"```python\n{_signature(name, node)}\n```\n" + (f"\n{text}\n" if text else "")


def _signature(name: str, node: Function) -> str:
    """As it is called, without `self`; one argument a line where it is long."""
    given = [text for text in _arguments(node.args) if text not in ("self", "cls")]
    ends = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    line = f"{name}({', '.join(given)}){ends}"
    if len(line) <= LONGEST:
        return line
    return f"{name}(\n" + "".join(f"    {text},\n" for text in given) + f"){ends}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    plain = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(given.defaults)), *given.defaults]
    yield from map(_argument, plain, defaults)
    if given.vararg:
        yield f"*{_argument(given.vararg, None)}"
    elif given.kwonlyargs:
        yield "*"
    yield from map(_argument, given.kwonlyargs, given.kw_defaults)
    if given.kwarg:
        yield f"**{_argument(given.kwarg, None)}"


def _argument(given: ast.arg, default: ast.expr | None) -> str:
    kind = f": {ast.unparse(given.annotation)}" if given.annotation else ""
    return given.arg + kind + (f"{' = ' if kind else '='}{ast.unparse(default)}" if default else "")


def _row(name: str, node: ast.stmt, around: list[ast.stmt]) -> tuple[str, str, str, str]:
    """Name, type, default and words of a field or property."""
    if isinstance(node, Function):
        return name, ast.unparse(node.returns) if node.returns else "", "", ast.get_docstring(node) or ""
    kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
    if kind.startswith("ClassVar["):
        kind = kind.removeprefix("ClassVar[").removesuffix("]")
    value = node.value if isinstance(node, ast.AnnAssign | ast.Assign) else None
    return name, kind, ast.unparse(value) if value else "", _after(node, around)


def _after(node: ast.stmt, around: list[ast.stmt]) -> str:
    """The docstring that stands below a field."""
    place = around.index(node) + 1
    match around[place : place + 1]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return text
    return ""


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    cells = [(_code(name), _code(kind), _code(value), _cell(text)) for name, kind, value, text in rows]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in cells if row[0] != "`model_config`")
    return f"\n| name | type | default | |\n|---|---|---|---|\n{lines}" if lines else ""


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page, or with --check compare it; 1 where it is stale."""
    parser = argparse.ArgumentParser(description="The strategy author's reference, from the docstrings.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where the page is stale")
    made = page()
    if not parser.parse_args().check:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        print(f"{PAGE.relative_to(ROOT)} is stale: run .venv/bin/python .ci/api_reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
