"""`alphapanda check-strategy`: what is wrong with a strategy, with the line; whether its backtest can be believed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.probe import DEADLINE_S, Probed, probe
from alphapanda_desktop.authoring.sources import read as read_source
from alphapanda_desktop.backtest.scrutiny import Finding
from alphapanda_desktop.commands.jobs import about, add_to, job_of, read
from alphapanda_desktop.domain.errors import AlphaPandaError, StrategyError
from alphapanda_desktop.domain.market import Interval, history_of
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.sweeps.examined import Examined, examine, fingerprint
from alphapanda_desktop.sweeps.job import Job
from alphapanda_desktop.sweeps.pool import Pool
from alphapanda_desktop.trading.liveseries import BACKFILL

LIMIT_S: Final = 300.0

SESSION_S: Final = 22_500
"""From 09:15 to 15:30."""

_MORE: Final = """
First the file is read: names that ticks, bars, orders and the context do not have, hooks that do not exist, calls that
leave out a reason. Then it is executed in a child process with limits of time and memory, which tells its parameters.

With --data it is played on that history, its last 20,000 bars, in child processes, more than twenty times:
  same twice    the same bars must give the same wishes, in another process too
  look-ahead    on bars cut at a moment it must do by then what it does on all of them
  warm-up       begun later, the numbers that it shows must become those of the run that began earlier: how soon?
  prices        on the same moves in another order its orders must be others
  reach         files and connections that its code opens: no check can cut them
What is not found on these bars may still be there on others.
Exit codes: 0, warnings included; 1 for a file that cannot be enabled or a backtest that cannot be believed; 2 for what
cannot be read or played.
"""


def run(arguments: list[str], options: argparse.Namespace | None = None) -> int:
    """Check the file; 0 when it can run, 1 when it cannot, 2 where it cannot be read."""
    given = _parser().parse_args(arguments)
    try:
        found = None if given.strategy in SHIPPED else _checked(given)
        ready = found is None or not any(problem.severe for problem in found.problems)
        examined = _examined(job_of(given, options), given) if given.data and ready else None
    except (AlphaPandaError, OSError, CancelledError) as error:
        print(f"alphapanda check-strategy: {str(error) or 'interrupted'}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(_plain(found) | _as_json(examined)))
    else:
        lines = [] if found is None else [*found.words(), *_depth(found), _verdict(found, executed=not given.read_only)]
        print("\n".join([*lines, *_lines(examined, given.strategy)]))
    return 0 if ready and not (examined and any(finding.severe for finding in examined.findings)) else 1


def _checked(given: argparse.Namespace) -> Probed:
    if not given.read_only:
        return probe(Path(given.strategy), deadline_s=given.seconds)
    if given.data:
        raise StrategyError("--read-only executes nothing, and --data has it played: one of them")
    source, content = read_source(Path(given.strategy))
    return Probed(source, None, tuple(problems_in(content)))


def _examined(job: Job, given: argparse.Namespace) -> Examined:
    """Every check in a worker, and the fingerprint of another one beside it."""
    pool = Pool(2, silence_s=given.limit)
    try:
        first, second = pool.submit(examine, job, given.tolerance), pool.submit(fingerprint, job)
        examined, other = first.result(given.limit), second.result(given.limit)
    except TimeoutError:
        raise StrategyError(f"the checks did not end within {given.limit:g} s (--limit)") from None
    finally:
        pool.kill()
    if other == examined.digest:
        return examined
    text = "in another process it does something else: does it go through a set, or ask for the time or chance?"
    return examined._replace(findings=(Finding("same twice", text, True), *examined.findings))


# --- telling ---------------------------------------------------------------------------------------------------------


def _verdict(found: Probed, *, executed: bool) -> str:
    severe = sum(problem.severe for problem in found.problems)
    if severe:
        return f"{found.source.label}: {severe} {'problem' if severe == 1 else 'problems'}"
    if found.spec is None:
        return f"{found.source.label}: nothing wrong can be seen" + ("" if executed else "; it was not executed")
    spec = found.spec
    bars = f"needs {spec.lookback} bars of {spec.interval.label}" if spec.lookback else f"bars of {spec.interval.label}"
    return f"{found.source.label}: {spec.title} ({spec.name}), {len(spec.fields)} parameters, {bars}: ready"


def _depth(found: Probed) -> Sequence[str]:
    """A warning where a live run begins with fewer bars than the look-back wants: it would wait, and say nothing."""
    spec = found.spec
    if spec is None:
        return ()
    days = BACKFILL[history_of(spec.interval) or Interval.MINUTE].days
    most = days * SESSION_S // max(60, spec.interval.seconds)
    if spec.lookback <= most:
        return ()
    words = f"a look-back of {spec.lookback:,} bars: a live run begins with {days} days, {most:,} bars at most"
    return (f"{found.source.label}: warning: {words}, and decides nothing before the rest has closed",)


def _lines(examined: Examined | None, name: str) -> Sequence[str]:
    if examined is None:
        return ()
    label = Path(name).name
    played = f"{label}: played {examined.bars:,} bars of {', '.join(examined.keys)}: {examined.orders:,} orders"
    found = [f"  {'WRONG ' if each.severe else ''}{each.check}: {each.text}" for each in examined.findings]
    return [played, *found]


def _plain(found: Probed | None) -> dict[str, Any]:
    if found is None:
        return {"problems": []}
    return {
        "file": str(found.source.path),
        "sha256": found.source.sha256,
        "problems": [problem._asdict() for problem in found.problems],
        "strategy": found.spec.model_dump(mode="json") if found.spec else None,
    }


def _as_json(examined: Examined | None) -> dict[str, Any]:
    if examined is None:
        return {}
    return {"played": examined._asdict() | {"findings": [finding._asdict() for finding in examined.findings]}}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda check-strategy",
        description="Say what is wrong with a strategy; with --data, whether its backtest can be believed.",
        epilog=about("check-strategy", _MORE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_to(parser, needs_data=False)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--read-only", action="store_true", help="read it, do not execute it")
    parser.add_argument(
        "--seconds", type=float, default=DEADLINE_S, help=f"how long it may take to load (default: {DEADLINE_S:g})"
    )
    parser.add_argument(
        "--limit", type=read(float), default=LIMIT_S, help=f"seconds that the checks may take (default: {LIMIT_S:g})"
    )
    parser.add_argument(
        "--tolerance", type=read(float), default=1e-9, help="by which values may differ when they agree (default: 1e-9)"
    )
    return parser
