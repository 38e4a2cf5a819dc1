"""Reads a strategy file without executing it, and finds the names that ticks, bars, orders and the context do not have.

It follows what the hooks hand in, by their place, by annotation, or in a strategy's own methods by the usual name, and
what is assigned from them. What it cannot follow it does not judge: a file without a problem here may still have one.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from typing import Final

from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.vocabulary import (
    CALLED,
    GIVES,
    KINDS,
    USUAL,
    hooks,
    meant,
    members,
    signature,
)

LARGEST: Final = 1_000_000
BASES: Final = frozenset({"Strategy", "OnePosition"})
ARGUMENTS: Final = {"Context": "ctx", "str": "name"}
HOOKS: Final = hooks()
MEMBERS: Final = {kind: members(kind) for kind in KINDS}

CLOCKS: Final = {
    ("time", "sleep"): "a hook must return at once: ask for a timer, or count bars",
    ("time", "time"): "market time is ctx.now; a replay has another day than the computer",
    ("datetime", "now"): "market time is ctx.now; a replay has another day than the computer",
    ("datetime", "today"): "market time is ctx.now; a replay has another day than the computer",
    ("date", "today"): "market time is ctx.now; a replay has another day than the computer",
}


def problems_in(source: bytes | str) -> list[Problem]:
    """What can be seen to be wrong in the text of a strategy file, by line."""
    tree = parsed(source)
    if isinstance(tree, Problem):
        return [tree]
    try:
        reader = _Reader(tree)
        reader.visit(tree)
    except RecursionError:
        return [Problem(0, "it is nested too deeply to be read")]
    return sorted(set(reader.found))


def parsed(source: bytes | str) -> ast.Module | Problem:
    """The file's tree, or why it has none."""
    if len(source) > LARGEST:
        return Problem(0, f"it has {len(source):,} bytes, {LARGEST:,} allowed")
    try:
        return ast.parse(source)
    except SyntaxError as error:
        return Problem(error.lineno or 0, f"this is no Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Problem(0, f"this is no Python: {str(error) or type(error).__name__}")


def strategies_in(tree: ast.Module) -> list[ast.ClassDef]:
    """The classes of a file that are strategies, those that inherit from another of them included."""
    found: list[ast.ClassDef] = []
    known = set(BASES)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and known & {_last(base) for base in node.bases}:
            found.append(node)
            known.add(node.name)
    return found


class _Reader(ast.NodeVisitor):
    """Walks one file; `known` says what each name in sight holds."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: list[Problem] = []
        self._known: dict[str, str] = {}
        self._params: frozenset[str] | None = None
        self._strategies = strategies_in(tree)
        self._classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        self._inside = False

    # -- what is in sight --------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before = self._inside, self._params
        self._inside = node in self._strategies
        if self._inside:
            self._params = self._fields_of(node)
            self.found += _misspelt_hooks(node)
        self.generic_visit(node)
        self._inside, self._params = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        before = dict(self._known)
        handed = HOOKS.get(node.name, ()) if self._inside else ()
        for place, argument in enumerate([*node.args.posonlyargs, *node.args.args]):
            kind = handed[place - 1] if 0 < place <= len(handed) else _annotated(argument.annotation)
            if not kind and self._inside and argument.annotation is None:
                kind = USUAL.get(argument.arg, "")
            self._hold(argument.arg, kind)
        self.generic_visit(node)
        self._known = before

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        before = dict(self._known)
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            self._hold(argument.arg, "")
        self.generic_visit(node)
        self._known = before

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for place in node.targets:
            self.visit(place)
            self._bind(place, self._kind(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._bind(node.target, _annotated(node.annotation) or (self._kind(node.value) if node.value else ""))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target, self._kind(node.value))

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._bind(node.target, _element(self._kind(node.iter)))
        for part in (*node.body, *node.orelse):
            self.visit(part)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        before = dict(self._known)
        for part in node.generators:
            self.visit(part.iter)
            self._bind(part.target, _element(self._kind(part.iter)))
            for condition in part.ifs:
                self.visit(condition)
        for value in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(value)
        self._known = before

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    def _bind(self, place: ast.expr, kind: str) -> None:
        """A name holds this from now on; names taken apart hold what nobody knows."""
        if isinstance(place, ast.Name):
            self._hold(place.id, kind)
        else:
            for part in ast.walk(place):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    self._hold(part.id, "")

    def _hold(self, name: str, kind: str) -> None:
        if kind:
            self._known[name] = kind
        else:
            self._known.pop(name, None)

    def _kind(self, node: ast.expr) -> str:
        """What an expression gives, empty where it cannot be told."""
        if isinstance(node, ast.Name):
            return self._known.get(node.id, "")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = self._kind(node.func.value)
            return GIVES.get(node.func.attr, "") if of == "Context" and node.func.attr != "instruments" else ""
        if isinstance(node, ast.Attribute):
            return GIVES["instruments"] if node.attr == "instruments" and self._kind(node.value) == "Context" else ""
        if isinstance(node, ast.NamedExpr):
            return self._kind(node.value)
        if isinstance(node, ast.Subscript):
            kind = self._kind(node.value)
            return kind if isinstance(node.slice, ast.Slice) else _element(kind)
        return ""

    # -- what is judged ----------------------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> None:
        kind = self._kind(node.value)
        if kind in MEMBERS:
            self._judge(node.lineno, kind, node.attr)
        elif self._params is not None and _is_params(node.value) and node.attr not in self._params:
            self._say(node.lineno, f"there is no parameter {node.attr!r}", _nearest(node.attr, self._params))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        kind = self._kind(node.value)
        wanted = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if kind in MEMBERS and isinstance(wanted, str):
            right = wanted if wanted in MEMBERS[kind] else meant(kind, wanted)
            self._say(node.lineno, f"{CALLED[kind]} is no dictionary, [{wanted!r}] cannot be asked for", right)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and function.id in ("getattr", "hasattr") and len(node.args) >= 2:
            self._judge_getattr(node)
        if isinstance(function, ast.Attribute):
            if self._kind(function.value) == "Context":
                self.found += _wrong_call(node, function.attr)
            hint = CLOCKS.get((_last(function.value), function.attr))
            if hint:
                self.found.append(Problem(node.lineno, hint, severe=False))
        self.generic_visit(node)

    def _judge_getattr(self, node: ast.Call) -> None:
        kind, wanted = self._kind(node.args[0]), node.args[1]
        if kind in MEMBERS and isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
            self._judge(node.lineno, kind, wanted.value)

    def _judge(self, line: int, kind: str, name: str) -> None:
        if name not in MEMBERS[kind] and not name.startswith("_"):
            self._say(line, f"{CALLED[kind]} has no {name!r}", meant(kind, name))

    def _say(self, line: int, text: str, right: str) -> None:
        self.found.append(Problem(line, f"{text}: use {right!r}" if right else text, right))

    def _fields_of(self, strategy: ast.ClassDef) -> frozenset[str] | None:
        """Names of the strategy's parameters; None where they cannot all be seen."""
        own = next((n for n in strategy.body if isinstance(n, ast.ClassDef) and n.name == "Params"), None)
        for node in strategy.body if own is None else ():
            if isinstance(node, ast.Assign | ast.AnnAssign) and "Params" in _assigned(node):
                own = self._classes.get(_last(node.value))
        if own is None or [_last(base) for base in own.bases] != ["Parameters"]:
            return None
        fields = {n.target.id for n in own.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
        methods = {n.name for n in own.body if isinstance(n, ast.FunctionDef)}
        return frozenset(fields | methods | {"model_dump", "model_copy", "model_fields", "model_dump_json"})


def _assigned(node: ast.Assign | ast.AnnAssign) -> set[str]:
    """Names that a statement assigns to."""
    places = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {place.id for place in places if isinstance(place, ast.Name)}


def _misspelt_hooks(strategy: ast.ClassDef) -> Iterator[Problem]:
    for node in strategy.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name in HOOKS:
            yield Problem(node.lineno, f"{node.name} must be a plain function: nobody awaits it")
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("on_"):
            continue
        wanted = HOOKS.get(node.name)
        if wanted is None:
            right = _nearest(node.name, frozenset(HOOKS))
            if right:
                yield Problem(node.lineno, f"there is no hook {node.name!r}: use {right!r}", right)
        elif not node.args.vararg and _places(node) != len(wanted) + 1:
            said = ", ".join(["self", *(ARGUMENTS.get(kind, kind.lower()) for kind in wanted)])
            yield Problem(node.lineno, f"{node.name} is called with ({said})")


def _places(node: ast.FunctionDef) -> int:
    return len(node.args.posonlyargs) + len(node.args.args)


def _wrong_call(node: ast.Call, method: str) -> Iterator[Problem]:
    """A call that the context's method would not take."""
    how = signature(method)
    if how is None or any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        return
    try:
        how.bind(*node.args, **{k.arg or "": k.value for k in node.keywords})
    except TypeError as error:
        yield Problem(node.lineno, f"ctx.{method}: {error}; it is called as {method}{_shown(how)}")


def _shown(how: object) -> str:
    return str(how).partition(" ->")[0]


def _annotated(annotation: ast.expr | None) -> str:
    name = annotation.value if isinstance(annotation, ast.Constant) else _last(annotation)
    return name if isinstance(name, str) and name in KINDS else ""


def _last(node: ast.expr | None) -> str:
    """The last word of a dotted name, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _element(kind: str) -> str:
    return kind[1:-1] if kind.startswith("[") else ""


def _is_params(node: ast.expr) -> bool:
    whole = isinstance(node, ast.Attribute) and node.attr == "params"
    return whole and isinstance(node, ast.Attribute) and _last(node.value) == "self"


def _nearest(name: str, among: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(among), 1, 0.72)
    return near[0] if near else ""
