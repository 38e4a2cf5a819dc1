"""A hop of the loop: our subclass against plain qasync, on the same QApplication."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import qasync

from alphapanda_desktop.loop import AppLoop, _LocalExec
from tests.benchmarks.race import Board

HOPS = 2_000
ROUNDS = 9


def _hops_us(loop: Any) -> float:
    """Microseconds of one `call_soon` hop, in a chain."""

    async def chain() -> int:
        done: asyncio.Future[int] = loop.create_future()

        def hop(left: int) -> None:
            if left:
                loop.call_soon(hop, left - 1)
            else:
                done.set_result(HOPS)

        loop.call_soon(hop, HOPS)
        return await done

    began = time.perf_counter()
    assert loop.run_until_complete(chain()) == HOPS
    return (time.perf_counter() - began) / HOPS * 1e6


def _earliest_ms(loop: Any) -> float:
    """How many milliseconds early the earliest of some timers fires; below nought is early."""

    async def wait() -> float:
        worst = 1e9
        for delay_s in (0.0033, 0.0057, 0.0101, 0.25):
            began = loop.time()
            await asyncio.sleep(delay_s)
            worst = min(worst, loop.time() - began - delay_s)
        return worst * 1000

    return float(loop.run_until_complete(wait()))


def test_a_hop_of_the_loop(board: Board, qapp: Any) -> None:
    ours, rival = AppLoop(qapp, reentrant=True), qasync.QEventLoop(_LocalExec(qapp))
    times: tuple[list[float], list[float]] = ([], [])
    early: tuple[list[float], list[float]] = ([], [])
    try:
        for _ in range(ROUNDS):
            for loop, noted, at in zip((ours, rival), times, early, strict=True):
                asyncio.set_event_loop(loop)
                noted.append(_hops_us(loop))
                at.append(_earliest_ms(loop))
    finally:
        asyncio.set_event_loop(None)
        ours.close()
        rival.close()
    assert min(early[0]) >= 0, "a timer of ours fired early"
    board.race("call_soon hop, qasync, µs", times[0][1:], times[1][1:], 0.5)
    board.note("earliest timer of ours against its due time, ms", min(early[0]))
    board.note("earliest timer of qasync against its due time, ms", min(early[1]))
