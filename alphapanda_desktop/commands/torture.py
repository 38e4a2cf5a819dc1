"""`alphapanda torture`: breaks the order path at seeded points, over real sockets, and counts the damage.

Each point is a story of orders, changes and cancellations in which one thing goes wrong: a request or an answer is
lost, late, spoilt or refused, updates are repeated, shuffled or missed, or the desk is killed. Afterwards what the
exchange holds is compared with the journal and with what the desk shows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from alphapanda_desktop.commands.torture_points import point
from alphapanda_desktop.commands.torture_track import Result, a_track
from alphapanda_desktop.trading.scope import Scope

COUNTS: Final = ("doubled", "lost", "unresolved", "mismatched")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda torture",
        description=__doc__.partition("\n\n")[2] if __doc__ else "",
        epilog='Prints {"points", "doubled", "lost", "unresolved", "mismatched", "ok"}; what went wrong goes to '
        "standard error with the story in which it did, and the exit code is then 1.",
    )
    parser.add_argument("--points", type=int, default=25, help="how many (default: 25)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another series (default: 1)")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="begin with point N of the series (default: 0)"
    )
    parser.add_argument(
        "--only", type=_numbers, metavar="N,N…", help="these points of the series, instead of --points and --first"
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="how many at a time")
    parser.add_argument("--verbose", action="store_true", help="tell every story, not only those that went wrong")
    return parser


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers like 3,14,15")
    return [int(part) for part in parts]


def run(arguments: Sequence[str], _options: argparse.Namespace) -> int:
    """The exit code: 0 when every promise was kept, 1 when one was broken."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.points < 1 or given.jobs < 1 or given.first < 0:
        parser.error("--points and --jobs are 1 or more, --first 0 or more")
    results = asyncio.run(_torture(given))
    summary = summary_of(results)
    print(json.dumps(summary))
    return 0 if summary["ok"] else 1


def summary_of(results: Sequence[Result]) -> dict[str, int | bool]:
    """What is printed."""
    counts: dict[str, int | bool] = {name: sum(len(getattr(r.verdict, name)) for r in results) for name in COUNTS}
    return {"points": len(results), **counts, "ok": bool(results) and not any(counts.values())}


async def _torture(given: argparse.Namespace) -> list[Result]:
    results: list[Result] = []
    errors: list[str] = []
    chosen = given.only or range(given.first, given.first + given.points)
    numbers = iter(chosen)
    async with Scope("torture", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        with tempfile.TemporaryDirectory(prefix="alphapanda-torture-") as folder:
            tracks = [
                scope.spawn(f"track {job}", _track(given, Path(folder) / str(job), job, numbers, results, scope))
                for job in range(min(given.jobs, len(chosen)))
            ]
            await asyncio.wait(tracks)
    if errors:
        sys.exit("alphapanda torture could not do its work: " + "; ".join(errors))
    return results


async def _track(
    given: argparse.Namespace, folder: Path, job: int, numbers: Iterator[int], results: list[Result], scope: Scope
) -> None:
    async with a_track(folder, given.seed * 1000 + job, scope) as track:
        for number in numbers:
            result = await track.run(point(given.seed, number))
            results.append(result)
            if given.verbose or result.verdict.words():
                print(story_of(result), file=sys.stderr)


def story_of(result: Result) -> str:
    """A point to be read by whoever looks for the fault, and how to play it again."""
    p = result.point
    again = f"alphapanda torture --seed {p.seed} --first {p.number} --points 1 --verbose"
    fault = f"{p.fault.trouble} on {p.fault.on} {p.fault.nth}{'' if result.struck else ', which did not come'}"
    lines = [f"point {p.number} of seed {p.seed}: {fault} ({again})"]
    lines += [f"  BROKEN {word}" for word in result.verdict.words()]
    lines += [f"  {json.dumps(p.told())}"]
    moments = [(int(said["at_ns"]), f"step {said['step']}: {said['what']} {said['text']}") for said in result.story]
    moments += [(h.at_ns, f"    line: {json.dumps(asdict(h))}") for h in result.heard if h.name != "/instruments"]
    return "\n".join(lines + [f"  {text}" for _, text in sorted(moments)])
