"""`alphapanda bench`: speed against rivals, measured by the benchmarks that lie beside the package in a checkout."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import alphapanda_desktop


def run(rest: list[str], _options: argparse.Namespace) -> int:
    """Measure and print; 1 where a figure could not be measured, 2 where there is nothing to measure with."""
    parser().parse_args(rest)
    script = Path(alphapanda_desktop.__file__).parents[1] / "tests" / "benchmarks" / "run.py"
    if not script.is_file():
        print(
            f"alphapanda bench: {script} is not there: benchmarks come with the sources, not with the program",
            file=sys.stderr,
        )
        return 2
    try:
        return subprocess.run([sys.executable, str(script), *rest], check=False).returncode
    except KeyboardInterrupt:
        return 130  # the child has had the same Ctrl+C and ended


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda bench",
        description="Measures the program against rivals in the same run. `make bench` installs the rivals first.",
    )
    made.add_argument("--json", action="store_true", help="one JSON list instead of the table")
    made.add_argument("--only", metavar="NAME", help="figures whose key or name holds NAME")
    made.add_argument("--quick", action="store_true", help="few rounds: shows that all runs, not what to quote")
    return made
