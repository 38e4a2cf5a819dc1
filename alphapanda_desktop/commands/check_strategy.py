"""`alphapanda check-strategy FILE`: what is wrong with a strategy file, with the line and the right name."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.probe import DEADLINE_S, Probed, probe
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.errors import StrategyError

_ABOUT: Final = """\
First the file is read: names that ticks, bars, orders and the context do not have, hooks that do not exist, calls that
leave out a reason. Then it is executed in a child process with limits of time and memory, which tells its parameters.
A file that cannot be enabled ends with 1; warnings alone end with 0.
"""


def run(arguments: list[str], _options: argparse.Namespace | None = None) -> int:
    """Check the file; 0 when it can run, 1 when it cannot, 2 where it cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        found = _read_only(given.file) if given.read_only else probe(given.file, deadline_s=given.seconds)
    except StrategyError as error:
        print(f"alphapanda check-strategy: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(_plain(found)))
    else:
        print("\n".join([*found.words(), _verdict(found, executed=not given.read_only)]))
    return 1 if any(problem.severe for problem in found.problems) else 0


def _read_only(path: Path) -> Probed:
    source, content = read(path)
    return Probed(source, None, tuple(problems_in(content)))


def _verdict(found: Probed, *, executed: bool) -> str:
    severe = sum(problem.severe for problem in found.problems)
    if severe:
        return f"{found.source.label}: {severe} {'problem' if severe == 1 else 'problems'}"
    if found.spec is None:
        return f"{found.source.label}: nothing wrong can be seen" + ("" if executed else "; it was not executed")
    spec = found.spec
    bars = f"needs {spec.lookback} bars of {spec.interval.label}" if spec.lookback else f"bars of {spec.interval.label}"
    return f"{found.source.label}: {spec.title} ({spec.name}), {len(spec.fields)} parameters, {bars}: ready"


def _plain(found: Probed) -> dict[str, Any]:
    return {
        "file": str(found.source.path),
        "sha256": found.source.sha256,
        "problems": [problem._asdict() for problem in found.problems],
        "strategy": found.spec.model_dump(mode="json") if found.spec else None,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda check-strategy",
        description="Say what is wrong with a strategy file.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--read-only", action="store_true", help="read it, do not execute it")
    parser.add_argument(
        "--seconds", type=float, default=DEADLINE_S, help=f"how long it may take to load (default: {DEADLINE_S:g})"
    )
    return parser
