"""`make soak HOURS=…`: the real program under every fault in turn, until the time is over; a log, a table, a verdict.

Arguments: hours (0.34 is twenty minutes), and a folder for soak.json and the program's last words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.soak import referee
from tests.soak.actor import Actor, Gone
from tests.soak.director import Director, Result
from tests.soak.faults import FAULTS, Fault
from tests.soak.soak_stage import Stage

OWN_MOUNTS = "SOAK_OWN_MOUNTS"
WARM_UP_S = 240.0
LEAST_SAMPLES = 12
MOST_ORDERS = 2_400
"""Of a whole soak: Kite takes 3,000 a day."""
MB_PER_ORDER = 0.06
"""Its pictures for the timeline, and the caches of SQLite and Qt."""
MB_SPARE = 6.0
"""What a stretch may grow in all beside its orders, however long it is."""


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


async def play(director: Director, hours: float, only: list[str]) -> None:
    """Round after round until the time is over, the first in any case as far as it comes."""
    stage = director.stage
    has = {"": True, "clock": bool(stage.clock.environment), "keyring": stage.keyring.there,
           "disk": stage.disk.kind != "none", "ext4": stage.disk.kind == "ext4",
           "disk and screen": stage.disk.kind != "none" and "DISPLAY" in stage.screen.environment}  # fmt: skip
    chosen = [f for f in FAULTS if has[f.needs] and (not only or any(word in f.name for word in only))]
    deadline = director.began_s + hours * 3600
    first = await start(director)
    while chosen and (first.ok or director.actor.alive):
        for fault in chosen:
            if time.monotonic() > deadline:
                return
            await strike(director, fault)


async def start(director: Director) -> Result:
    result = Result("first start and login", 0.0)
    director.results.append(result)
    say("START an empty folder")
    try:
        await director.open()
        result.recovered_after_s = time.monotonic() - director.began_s
        await director.check(result)
    except Gone as error:
        result.wrong.append(f"it never traded: {error}")
    say(f"  trades after {result.recovered_after_s or 0:.1f} s; {result.checks}" + "".join(map(str, result.wrong)))
    return result


async def finish(director: Director) -> None:
    """Close the window as a person does, and look at what the program has left."""
    result = Result("closed at the end", time.monotonic() - director.began_s)
    director.results.append(result)
    code = await director.actor.close()
    if code != 0:
        result.wrong.append(f"the program did not close by itself within 40 s, or with exit code {code}")
    await director.check_the_dead(result)
    say(f"END closed with exit code {code}" + "".join(f"\n  WRONG {wrong}" for wrong in result.wrong))


async def strike(director: Director, fault: Fault) -> None:
    if not director.actor.alive:
        say("  (the program is not there: started anew)")
        await director.live()
    await director.strike(fault.name, fault.words, fault.story)


# -- what came of it -------------------------------------------------------------------------------------------------


def memory_of(life: Actor, orders_at: list[tuple[float, int]]) -> list[dict[str, Any]]:
    """How the memory of one life went, from each warm-up on; stretches that are too short to tell are left out."""
    return [
        _grown(life.number, samples, orders_at)
        for samples in life.weight.stretches(WARM_UP_S)
        if len(samples) >= LEAST_SAMPLES
    ]


def _grown(number: int, samples: list[tuple[float, float]], orders_at: list[tuple[float, int]]) -> dict[str, Any]:
    first, last = samples[0][0], samples[-1][0]
    orders = _at(orders_at, last) - _at(orders_at, first)
    growth = statistics.fmean(mb for _, mb in samples[-3:]) - statistics.fmean(mb for _, mb in samples[:3])
    return {
        "life": number, "seconds": round(last - first), "from_mb": round(samples[0][1], 1),
        "to_mb": round(samples[-1][1], 1), "growth_mb": round(growth, 1), "orders": orders,
        "mb_per_hour": round(referee.slope_mb_per_h(samples) or 0.0, 1),
        "curve_mb": [round(mb, 1) for _, mb in samples[::3]],
        "flat": growth <= MB_SPARE + MB_PER_ORDER * orders,
    }  # fmt: skip


def _at(counts: list[tuple[float, int]], when: float) -> int:
    return max((count for at, count in counts if at <= when), default=0)


def table(results: list[Result]) -> str:
    """The summary to be read."""
    lines = [f"{'at':>7}  {'fault':<38} {'named':>8} {'well':>8}  verdict"]
    for r in results:
        named = "" if r.named_after_s is None else f"{r.named_after_s:.1f} s"
        again = "" if r.recovered_after_s is None else f"{r.recovered_after_s:.1f} s"
        lines.append(f"{r.at_s:6.0f}s  {r.fault:<38} {named:>8} {again:>8}  {'ok' if r.ok else 'FAILED'}")
        lines += [f"{'':9}  {wrong[:300]}" for wrong in r.wrong]
    return "\n".join(lines)


def report(director: Director, out: Path, seconds: float) -> bool:
    """Print the table, write soak.json; whether nothing failed."""
    memory = [told for life in director.lives for told in memory_of(life, director.orders_at)]
    failed = sum(not result.ok for result in director.results) + sum(not told["flat"] for told in memory)
    summary = {
        "seconds": round(seconds), "lives": len(director.lives), "faults": len(director.results) - 2,
        "failed": failed, "orders": len(director.truth.orders), "trades": len(director.truth.trades),
        "clicks": director.clicks, "not_played": director.stage.lacks, "memory": memory,
        "results": director.as_json(),
    }  # fmt: skip
    (out / "soak.json").write_text(json.dumps(summary, indent=1, default=str), encoding="utf-8")
    print(f"\n{table(director.results)}\n\nMemory after {WARM_UP_S:.0f} s of warm-up, by life of the program:")
    for told in memory:
        print(
            f"  life {told['life']}: {told['from_mb']} → {told['to_mb']} MB in {told['seconds']} s with "
            f"{told['orders']} orders; {told['mb_per_hour']:+} MB/h by the slope; {'flat' if told['flat'] else 'GROWS'}"
        )
    for why in summary["not_played"]:
        print(f"NOT PLAYED: {why}")
    print(
        f"\n{summary['faults']} faults, {summary['lives']} lives, {summary['orders']} orders, "
        f"{summary['trades']} trades in {seconds / 60:.1f} min: {f'{failed} FAILED' if failed else 'nothing failed'}"
    )
    return failed == 0


async def soak(hours: float, out: Path, only: list[str]) -> bool:
    scratch = Path(tempfile.mkdtemp(prefix="soak-"))
    stage = Stage(scratch)
    stage.open()
    pace_s = max(6, round(hours * 3600 * 2 / MOST_ORDERS))
    director = Director(stage, pace_s, say)
    for why in stage.lacks:
        say(f"NOT PLAYED: {why}")
    try:
        await play(director, hours, only)
        await finish(director)
        return report(director, out, time.monotonic() - director.began_s)
    finally:
        await director.close()
        for file in (scratch / "program.out", *(stage.profile / "logs").glob("*")):
            if file.exists() and file.is_file():
                shutil.copy(file, out / file.name)
        stage.close()
        shutil.rmtree(scratch, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("hours", type=float)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="faults whose name has one of these words")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and OWN_MOUNTS not in os.environ and shutil.which("unshare"):
        # Else a program that copies the table of mounts meanwhile keeps the disk from being unmounted.
        os.environ[OWN_MOUNTS] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "tests.soak.soak", *sys.argv[1:]])
    return 0 if asyncio.run(soak(given.hours, given.out, given.only)) else 1


if __name__ == "__main__":
    sys.exit(main())
