"""All benchmarks, each module in a process of its own, as a table or as one JSON list: what `alphapanda bench` starts.

Every figure has its row: one that nobody measured, or whose process died, says so.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from alphapanda_desktop.commands.bench import parser  # noqa: E402  # the checkout's
from tests.benchmarks.race import FIGURES, Board, Result  # noqa: E402

HERE = Path(__file__).parent
PATIENCE_S = 1_500
"""Longest that one module may take."""


def main(words: Sequence[str]) -> int:
    """Measure what is asked for and print it; 1 where a figure could not be measured."""
    asked = parser().parse_args(words)
    wanted = _wanted(asked.only)
    if not wanted:
        print(f"no figure is called {asked.only!r}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    extras = asked.only is None and not asked.json
    measured, troubles = _measured(wanted, asked.quick, extras)
    rows = _in_order(measured, wanted, troubles)
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
    else:
        print(_page(rows, [row for row in measured if not row.key] if extras else []))
    return 1 if any(row.ours is None for row in rows) else 0


def _wanted(only: str | None) -> list[str]:
    """Keys of the figures asked for: all, the one of that key, or those that hold the word."""
    if only is None:
        return list(FIGURES)
    if only in FIGURES:
        return [only]
    return [key for key, row in FIGURES.items() if only.lower() in key or only.lower() in row.name.lower()]


def _measured(wanted: list[str], quick: bool, extras: bool) -> tuple[list[Result], dict[str, str]]:
    """Rows of all modules, and for each module that ended badly its last words."""
    settings = {"QT_QPA_PLATFORM": "offscreen"} | os.environ | {"PYTHONPATH": str(ROOT)}
    for name, folder in (("ALPHAPANDA_REAL_DATA", "data"), ("ALPHAPANDA_KITE_SAMPLES", "kite")):
        if not settings.get(name) and (ROOT.parent / "shared" / folder).is_dir():
            settings[name] = str(ROOT.parent / "shared" / folder)
    settings["ALPHAPANDA_BENCH_QUICK"] = "1" if quick else ""
    settings["ALPHAPANDA_BENCH_ONLY"] = "" if extras else " ".join(wanted)
    rows: list[Result] = []
    troubles: dict[str, str] = {}
    for module in sorted(HERE.glob("test_bench_*.py")):
        found, trouble = _module(module, settings)
        rows += found
        if trouble:
            troubles[module.stem] = trouble
    return rows, troubles


def _module(module: Path, settings: dict[str, str]) -> tuple[list[Result], str]:
    """Rows of one module, and what it said if it ended badly."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows"
        command = [sys.executable, "-m", "pytest", "-q", "-o", f"timeout={PATIENCE_S}", "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(
                [*command, "-rfE", "--tb=line", str(module)],
                cwd=ROOT,
                env=settings | {"ALPHAPANDA_BENCH_OUT": str(out)},
                capture_output=True,
                text=True,
                timeout=PATIENCE_S + 30,
                check=False,
            )
            code, said = done.returncode, done.stdout[-2_000:] + done.stderr[-500:]
        except subprocess.TimeoutExpired:
            code, said = -1, f"it took more than {PATIENCE_S} s"
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    rows = [Result(**json.loads(line)) for line in lines if line]
    if rows or code not in (0, 5):
        head = f"{module.stem}: {len(rows)} rows, {time.monotonic() - began:.0f} s"
        print("\n".join([head, *(row.line() for row in rows if row.key)]), file=sys.stderr, flush=True)
    trouble = "" if code in (0, 5) else f"{module.stem} ended with {code}: {_last_words(said)}"
    if trouble:
        print(trouble, file=sys.stderr, flush=True)
    return rows, trouble


def _last_words(said: str) -> str:
    telling = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR", "E ", "Fatal"))]
    return " ".join((telling or said.strip().splitlines() or ["no word"])[-1].split())[:300]


def _in_order(measured: list[Result], wanted: list[str], troubles: dict[str, str]) -> list[Result]:
    """A row for each wanted figure, in the table's order."""
    by_key = {row.key: row for row in measured if row.key}
    lost = Board()
    for key in wanted:
        if key not in by_key:
            by_key[key] = lost.cannot(key, "; ".join(troubles.values()) or "no benchmark measures it")
    return [by_key[key] for key in wanted]


def _page(rows: list[Result], extras: list[Result]) -> str:
    missed = [row for row in rows if not row.ok]
    said = f"{len(rows) - len(missed)} of {len(rows)} figures reached; {len(missed)} missed or not measured"
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page = f"{Board(rows).table()}\n\n{said}\n{machine}; ratio is ours over the rival's, less is better"
    return f"{page}\n\nbeside the table\n{Board(extras).table()}" if extras else page


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
