"""The child's side of a probe: executes one strategy file and tells in JSON what it is. Never imported by the program.

Its text comes on stdin, so that what is executed is what was hashed; the answer goes to what was stdout when it began.
Limits are set before the first line of the author's code runs.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import linecache
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

from pydantic import ValidationError

from alphapanda_desktop.authoring.describe import Told, spec_of
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.misfits import misfits_of
from alphapanda_desktop.domain.strategy import Parameters, Strategy

MODULE: Final = "alphapanda_user_strategy"
LARGEST_ANSWER: Final = 1_000_000


def execute(path: str, content: bytes) -> type[Strategy]:
    """The one strategy class of a file. Raises whatever its code raises, and StrategyError for none or several."""
    module = ModuleType(MODULE)
    module.__file__ = path
    sys.modules[MODULE] = module
    text = content.decode("utf-8", "replace")
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    exec(compile(content, path, "exec", dont_inherit=True), module.__dict__)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == MODULE
    ]
    leaves = [kind for kind in dict.fromkeys(own) if not any(o is not kind and issubclass(o, kind) for o in own)]
    if len(leaves) != 1:
        names = ", ".join(kind.__name__ for kind in leaves) or "none"
        raise StrategyError(f"a file holds one strategy, a subclass of Strategy; this one holds: {names}")
    return _sound(leaves[0])


def imported(entry: str, sha256: str) -> type[Strategy]:
    """The class of an installed package, "module:Class", if its file is the one that was enabled.

    Nothing of the package is executed otherwise; what else is in it is its installer's, and is not looked at.
    """
    module_name, _, class_name = (part.strip() for part in entry.partition(":"))
    path = _found(module_name)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise StrategyError(f"{path} is not the file that was enabled")
    module = importlib.import_module(module_name)
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise StrategyError(f"{entry} came from {module.__file__}, and {path} was enabled")
    kind = getattr(module, class_name, None)
    if not isinstance(kind, type) or not issubclass(kind, Strategy):
        raise StrategyError(f"{entry} is no strategy")
    return _sound(kind)


def _found(module_name: str) -> Path:
    """The file of a module, looked for without importing the packages that it is in."""
    parts, places, origin = module_name.split("."), None, None
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), places)
        if spec is None:
            raise StrategyError(f"there is no module {module_name}")
        places, origin = spec.submodule_search_locations, spec.origin
    if origin is None:
        raise StrategyError(f"{module_name} has no file")
    return Path(origin)


def _sound(kind: type[Strategy]) -> type[Strategy]:
    params: object = kind.Params
    if not isinstance(params, type) or not issubclass(params, Parameters):
        raise StrategyError(f"{kind.__name__}.Params must be a subclass of Parameters")
    if not kind.name:
        raise StrategyError(f'{kind.__name__} needs a name, by which its runs are stored: name = "..."')
    return kind


def told_of(kind: type[Strategy], values: Mapping[str, object] | None = None) -> Told:
    """What a class is; with `values` only what is wrong with them as its parameters."""
    if values is None:
        return Told(spec=spec_of(kind))
    try:
        kind.Params.model_validate(dict(values))
    except ValidationError as error:
        return Told(problems=tuple(Problem(0, what, where.partition(".")[0]) for where, what in misfits_of(error)))
    return Told()


def problem_of(error: BaseException, path: str) -> Problem:
    """What went wrong, and the last line of this file that was at work."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path and frame.lineno]
    line = lines[-1] if lines else 0
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno or 0
    if isinstance(error, ValidationError):
        return Problem(line, str(misfits_of(error)[0]))
    return Problem(line, "".join(traceback.format_exception_only(error)).strip()[:2_000])


def limit(memory: int, seconds: int) -> None:
    """Allow this process no more than so many bytes and seconds of work; where the system knows such limits."""
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's deadline alone ends it
    limits = {"RLIMIT_AS": memory, "RLIMIT_CPU": seconds, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 2 * LARGEST_ANSWER}
    for name, most in limits.items():
        which = getattr(resource, name, None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (allowed, allowed))


def main(arguments: Sequence[str]) -> int:
    """Probe what stands on stdin; one JSON line on stdout."""
    given = _parser().parse_args(arguments)
    content = sys.stdin.buffer.read()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the author prints must not be taken for the answer
    limit(given.memory, given.seconds)
    if hasattr(signal, "alarm"):
        signal.alarm(given.seconds + 1)  # one that sleeps ends even if the program that waits for it is gone
    told = _probe(given, content)
    answer.write(told.model_dump_json().encode())
    answer.flush()
    os._exit(0)  # threads and exit handlers of the author's are not waited for


def _probe(given: argparse.Namespace, content: bytes) -> Told:
    try:
        kind = imported(given.entry, given.sha256) if given.entry else execute(given.path, content)
        return told_of(kind, json.loads(given.values) if given.values else None)
    except BaseException as error:  # whatever the author's code raises, SystemExit too, is the answer
        return Told(problems=(problem_of(error, given.path),))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="probe-strategy", description="Tell in JSON what a strategy file holds.")
    parser.add_argument("path")
    parser.add_argument("--entry", default="")
    parser.add_argument("--sha256", default="")
    parser.add_argument("--values", default="")
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    return parser
