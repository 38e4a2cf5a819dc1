"""`alphapanda new-strategy NAME`: a strategy file that runs as it stands, to be changed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alphapanda_desktop.authoring.templates import name_of, template
from alphapanda_desktop.domain.errors import StrategyError


def run(arguments: list[str], _options: argparse.Namespace | None = None) -> int:
    """Write the file; 1 where there is one already or it cannot be written, 2 for a name that cannot be one."""
    given = _parser().parse_args(arguments)
    try:
        name = name_of(given.name)
    except StrategyError as error:
        print(f"alphapanda new-strategy: {error}", file=sys.stderr)
        return 2
    path = Path(given.folder) / f"{name}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(template(name))
    except FileExistsError:
        print(f"alphapanda new-strategy: {path} is there already; it was left as it is", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"alphapanda new-strategy: {path} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda new-strategy",
        description="Write a strategy file that runs as it stands: parameters, a rule, a stop, all of it documented.",
    )
    parser.add_argument("name", metavar="NAME", help="its name: letters, digits and _, for instance my_breakout")
    parser.add_argument("--folder", default=".", metavar="DIR", help="where to write it (default: here)")
    return parser
