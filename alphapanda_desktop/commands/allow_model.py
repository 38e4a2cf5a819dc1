"""`alphapanda allow-model FILE`: puts a trained model on the list from which strategies may load it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from alphapanda_desktop.strategies.models import LARGEST, NoModel, allow

_ABOUT: Final = """\
The file must lie in the folder of models that the program uses. What is listed is the SHA-256 of its bytes as they are
now: a file that changes is a model that nobody allowed. A .joblib file is a pickle and runs whatever its maker wrote
into it, so allow only what you or somebody you trust has made.
"""


def run(arguments: list[str], _options: argparse.Namespace | None = None) -> int:
    """List the file; 1 where it cannot be, 2 for what is no model file."""
    given = _parser().parse_args(arguments)
    path: Path = given.file
    if path.suffix not in (".json", ".joblib"):
        print(f"alphapanda allow-model: models are .json or .joblib files, not {path.name}", file=sys.stderr)
        return 2
    try:
        if path.stat().st_size > LARGEST:
            raise NoModel(f"{path.name} has {path.stat().st_size:,} bytes, {LARGEST:,} allowed")
        digest = allow(path)
    except (OSError, NoModel) as error:
        print(f"alphapanda allow-model: {error}", file=sys.stderr)
        return 1
    print(f"{digest}  {path.name}")
    if path.suffix == ".joblib":
        print("it is a pickle: loading it runs what its maker wrote into it", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda allow-model",
        description="Let strategies load a trained model.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    return parser
