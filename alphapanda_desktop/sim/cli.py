"""`alphapanda sim`: arguments, one JSON line when it listens, then serving until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.sim.switches import VALUES, Switches
from alphapanda_desktop.sim.venue import LocalKite, Options

FASTEST: Final = 1_000_000
"""Highest `--speed`, a day in less than a tenth of a second: a clock soon leaves the years that a date can name."""


def _parser() -> argparse.ArgumentParser:
    from alphapanda_desktop.sim.scenarios import SCENARIOS
    from alphapanda_desktop.sim.session import REDIRECT_URL

    scenarios = "\n".join(f"  {name:<14}{scenario.told}" for name, scenario in SCENARIOS.items())
    switches = "\n".join(f"  {name}={'|'.join(values)}" for name, values in VALUES.items())
    parser = argparse.ArgumentParser(
        prog="alphapanda sim",
        description="A local Kite on 127.0.0.1: REST, websocket and login page, with a living market and no money.",
        epilog=f"scenarios:\n{scenarios}\n\nswitches, the first value is the default:\n{switches}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another market (default: 7)")
    parser.add_argument("--scenario", default="calm", metavar="NAME", help="what goes wrong (default: calm, nothing)")
    parser.add_argument("--count", type=int, help="how many instruments are listed")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the exchange per second (default: 1)")
    parser.add_argument("--ticks", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
                        help="replay recordings (CSV, may be .gz) instead of the made-up market")  # fmt: skip
    parser.add_argument("--instruments", type=Path, metavar="FILE", help="an instrument master in Kite's CSV format")
    parser.add_argument("--switch", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="see below")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep session, orders and positions across restarts")
    parser.add_argument("--redirect", default=REDIRECT_URL, metavar="URL", help="the demo app's redirect URL")
    parser.add_argument("--parent", action="store_true", help="stop when standard input ends")
    return parser


def _options(argv: Sequence[str]) -> Options:
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        from alphapanda_desktop.sim.scenarios import find

        if given.ticks and find(given.scenario).volatility != 1:
            raise ValueError(f"a recording's prices are what they were: --scenario {given.scenario} cannot change them")
        find(given.scenario)
        switches = Switches.parse(given.switch)
    except ValueError as error:
        parser.error(str(error))
    for path in [*given.ticks, *([given.instruments] if given.instruments else [])]:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    _check_numbers(parser, given)
    return Options(
        port=given.port,
        seed=given.seed,
        scenario=given.scenario,
        count=given.count,
        speed=given.speed,
        ticks=tuple(given.ticks),
        instruments=given.instruments,
        switches=switches,
        state=given.state,
        redirect=given.redirect,
        with_parent=given.parent,
    )


def _check_numbers(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    if not 0 < given.speed <= FASTEST:
        parser.error(f"--speed is above 0, and {FASTEST} at most")
    if not 0 <= given.port <= 65_535:
        parser.error("--port is 0 to 65535")
    if given.count is not None and given.count < 1:
        parser.error("--count is 1 or more")


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM, SIGINT or the end of the parent; the exit code."""
    options = _options(argv)
    try:
        asyncio.run(serve(options))
    except (OSError, AlphaPandaError) as error:
        sys.stderr.write(f"alphapanda sim: {error}\n")
        return 1
    return 0


async def serve(options: Options) -> None:
    """Listen, print the JSON line, and run until told to stop."""
    from alphapanda_desktop.sim.server import serving

    stop = asyncio.Event()
    kite = LocalKite(options)
    try:
        async with serving(kite) as announced:
            _stop_on_signals(stop)
            if options.with_parent:
                _stop_with_parent(asyncio.get_running_loop(), stop.set)
            sys.stdout.write(json.dumps(announced) + "\n")
            sys.stdout.flush()
            gc.freeze()  # the master is for good: nothing to look for in it at every collection
            await _until(stop, kite)
    finally:
        kite.memory.close()


async def _until(stop: asyncio.Event, kite: LocalKite) -> None:
    from alphapanda_desktop.sim.server import run_parts

    async with asyncio.TaskGroup() as group:
        running = group.create_task(run_parts(kite), name="parts")
        await stop.wait()
        running.cancel()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)


def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """A parent that dies in any way closes our standard input; only a thread can wait for that on every system."""

    descriptor = sys.stdin.fileno()

    def wait() -> None:
        while os.read(descriptor, 4096):  # not through sys.stdin: its lock, held here, kills an interpreter that ends
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, name="parent", daemon=True).start()
