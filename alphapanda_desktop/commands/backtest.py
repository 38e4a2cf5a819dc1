"""`alphapanda backtest`: a strategy over history from files, with the rules, fills and charges of paper trading."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from typing import Final

from alphapanda_desktop.backtest.report import lines_of
from alphapanda_desktop.backtest.series import ist
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.commands.exact import ABOUT as OF_REPLAY
from alphapanda_desktop.commands.exact import add_exact, judge_exact, replay_of, replayed
from alphapanda_desktop.commands.jobs import Progress, about, add_to, job_of, page_path, read
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.sweeps.job import Job, Outcome, play
from alphapanda_desktop.sweeps.pool import Pool

INTERRUPTED: Final = 130
LOG_LINES: Final = 5
"""Last lines of the strategy's log that are printed; --json has all that are kept."""

_MORE: Final = """
Orders asked for at a bar's close meet the next bar's open. Limits, exchange rules, charges, square-off of MIS: as in
paper trading. What is assumed stands in the report and under "assumptions" in --json.
Exit codes: 0, 2 for what cannot be read or played, 130 when it was interrupted.
"""


def run(rest: list[str], options: argparse.Namespace | None = None) -> int:
    """Play it and print what came of it; 2 with the reason on stderr for what cannot be played."""
    made = parser()
    given = made.parse_args(rest)
    judge_exact(made, given)
    try:
        outcome = (
            replayed(replay_of(given))
            if given.exact
            else _played(job_of(given, options), page=given.report is not None)
        )
        if given.report:
            given.report.write_text(outcome.page, encoding="utf-8")
    except (AlphaPandaError, OSError) as error:
        print(f"alphapanda backtest: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("alphapanda backtest: interrupted", file=sys.stderr)
        return INTERRUPTED
    if given.json:
        print(json.dumps(_as_json(outcome), ensure_ascii=False, indent=1, default=str))
    else:
        _print(outcome)
    return 0


def _played(job: Job, *, page: bool) -> Outcome:
    """What came of it: shipped strategies are played here, a file's code in a process of its own."""
    progress = Progress()

    def told(done: int, total: int) -> bool:
        progress(f"{done * 100 // total} %, {done:,} of {total:,} bars")
        return True

    job = replace(job, page=page)
    try:
        if isinstance(job.strategy, str):
            return play(job, told)
        pool = Pool(1)
        try:
            return pool.play(job, told).result()
        finally:
            pool.kill()
    finally:
        progress.end()


# --- telling ---------------------------------------------------------------------------------------------------------


def _print(outcome: Outcome) -> None:
    print(f"{outcome.strategy} on {', '.join(outcome.keys)}, {ist(outcome.first_s)} to {ist(outcome.last_s)} IST")
    print(", ".join(f"{name}={value}" for name, value in outcome.params.items()))
    for name, value in lines_of(outcome.statistics):
        print(f"  {name:<16}{value:>20}")
    for text in outcome.assumptions:
        print(f"- {text}")
    for at_s, text in outcome.lines[-LOG_LINES:]:
        print(f"log {ist(at_s)}: {text}")


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "strategy": outcome.strategy,
        "parameters": dict(outcome.params),
        "instruments": list(outcome.keys),
        "bar_seconds": outcome.bar_s,
        "from": ist(outcome.first_s),
        "to": ist(outcome.last_s),
        "product": outcome.product,
        "slippage": outcome.slippage,
        "complete": outcome.complete,
        "statistics": outcome.statistics.as_dict(),
        "assumptions": list(outcome.assumptions),
        "trades": [_trade(trade) for trade in outcome.trades],
        "log": [{"at": ist(at_s), "text": text} for at_s, text in outcome.lines],
        "refused": [refused._asdict() | {"at": ist(refused.at_s)} for refused in outcome.refused],
    }


def _trade(trade: Trade) -> dict[str, object]:
    row = {name: value for name, value in asdict(trade).items() if not name.startswith("_")}
    closed = None if trade.closed_s is None else ist(trade.closed_s)
    money = {name: getattr(trade, name) / RUPEE for name in ("gross", "charges", "net")}
    return row | money | {"opened": ist(trade.opened_s), "closed": closed}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda backtest",
        description="Play a strategy over history, with the rules, fills and charges of paper trading.",
        epilog=about("backtest", OF_REPLAY + _MORE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_to(made)
    add_exact(made)
    made.add_argument("--json", action="store_true", help="print one JSON object, trades included")
    made.add_argument("--report", type=read(page_path), metavar="FILE.html", help="write a page with curves and trades")
    return made
