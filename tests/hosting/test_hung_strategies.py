"""Strategies that do the worst: each ends alone and is called by its name, while all others go on as if nothing was."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.hosting.seat import process_seats
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.seat import Budgets
from tests.hosting.files import a_file
from tests.trading.desk_fakes import INFY, Stage, a_desk

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="processes are judged as Linux tells of them")

CALL_S = 4.0
"""A strategy that only leaks has to come so far in this, on a machine that others load."""
QUICK = Budgets(call_s=CALL_S, load_s=60.0, stop_s=0.8, memory=256 << 20)

WITNESS = """
    def on_bar(self, ctx, instrument, bar):
        self.seen = getattr(self, "seen", 0) + 1
        ctx.show(seen=self.seen)
"""

ENDS = {
    "loops": ("while True: pass", rf"hung in on_bar for {CALL_S} s, loops.py line \d+, and was killed"),
    "sleeps": ("time.sleep(60)", rf"hung in on_bar for {CALL_S} s, sleeps.py line \d+, and was killed"),
    "hides": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60)); time.sleep(60)",
        rf"hung in on_bar for {CALL_S} s, and was killed",
    ),
    "leaks": (
        "self.kept = [b'x' * (8 << 20) for _ in range(50)]\n        time.sleep(60)",
        r"used \d+ MB of memory, 256 MB allowed, and was killed",
    ),
    "swells": ("bytearray(8 << 30)", r"on_bar failed at swells.py line \d+: MemoryError"),
    "freezes": ("os.kill(os.getpid(), signal.SIGSTOP)", rf"hung in on_bar for {CALL_S} s, and was killed"),
    "raises": ("raise KeyError('no such')", r"on_bar failed at raises.py line \d+: KeyError: 'no such'"),
    "leaves": ("sys.exit(3)", r"on_bar failed at leaves.py line \d+: SystemExit: 3"),
    "vanishes": ("os._exit(7)", r"its process ended by itself in on_bar with exit code 7"),
    "crashes": ("ctypes.string_at(0)", r"its process ended by itself in on_bar with SIGSEGV, crashes.py line \d+"),
    "kills_itself": ("os.kill(os.getpid(), signal.SIGKILL)", r"its process ended by itself in on_bar with SIGKILL"),
    "orders": (
        "while True: ctx.buy(instrument, 1, reason='more', price=50.0)",
        rf"more than 20 orders were asked for within 1 s|hung in on_bar for {CALL_S} s",  # 20 a second are quick
    ),
    "babbles": (
        "for fd in range(3, 30):\n"
        "            try: os.write(fd, b'\\xff' * 5000)\n"
        "            except OSError: pass\n"
        "        time.sleep(60)",
        r"wrote into its pipe what is no message",
    ),
    "boasts": (
        "for fd in range(3, 30):\n"
        "            try: os.write(fd, b'AP' + b'\\xff' * 8)\n"
        "            except OSError: pass\n"
        "        time.sleep(60)",
        r"a message of 4,294,967,295 and 4,294,967,295 bytes",
    ),
    "forges": (
        'text = b\'{"say":"order","tag":"mine","side":"BUY","i":0,"quantity":5,"reason":""}\'\n'
        "        for fd in range(3, 30):\n"
        "            try: os.write(fd, b'AP' + len(text).to_bytes(4, 'little') + bytes(4) + text)\n"
        "            except OSError: pass\n"
        "        time.sleep(60)",
        r"an order under 'mine', which is no tag of its own",
    ),
    "forks": ("os.fork()", r"on_bar failed at forks.py line \d+: RuntimeError: a strategy starts no other process"),
    "splits": ("ctypes.CDLL(None).fork()", r"wrote into its pipe what is no message"),
    "prints": ("while True: print('x' * 1000)", rf"hung in on_bar for {CALL_S} s, prints.py line \d+"),
}

LIVES = {
    "logs": "for n in range(20_000): ctx.log('x' * 100)",
    "shows": "ctx.show(thing=object(), call=lambda: 0, many=10**400, nothing=float('nan'))",
    "spawns": "threading.Thread(target=time.sleep, args=(60,), name='mine').start()",
    "grips": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
}


def in_bar(act: str) -> str:
    """The body of a strategy that does this at its second bar."""
    return f"""
    def on_bar(self, ctx, instrument, bar):
        self.bars = getattr(self, "bars", 0) + 1
        if self.bars != 2: return
        {act}
"""


def alive(pid: int | None) -> bool:
    """Whether a process is there, a dead one that nobody has taken leave of included."""
    return Path(f"/proc/{pid}").exists()


async def bars(stage: Stage, witness: Run, count: int, eventually: Any) -> None:
    """So many bars close, and the witness sees each."""
    for _ in range(count):
        due = int(str(witness.variables.get("seen", 0))) + 1
        stage.tick(after_s=60)
        await eventually(lambda due=due: witness.variables.get("seen") == due)


async def beat(lags: list[float]) -> None:
    """Note how late the loop comes back each time."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + 0.005
        await asyncio.sleep(0.005)
        lags.append(loop.time() - due)


def told(lags: list[float]) -> str:
    """The lags in words."""
    rows = sorted(lags)
    half, most = rows[len(rows) // 2] * 1e3, rows[len(rows) * 99 // 100] * 1e3
    return f"{len(rows)} beats; late by {half:.1f} ms (p50), {most:.1f} ms (p99), {rows[-1] * 1e3:.1f} ms at most"


@pytest.mark.timeout(300)  # ten seconds alone, thirty beside six of its kind; what is waited for in vain says so itself
def test_whatever_a_strategy_does_it_ends_alone_and_the_kill_switch_still_works(run, eventually, tmp_path):
    kinds = {name: a_file(tmp_path, name, in_bar(act)) for name, (act, _) in ENDS.items()}
    kinds |= {name: a_file(tmp_path, name, in_bar(act)) for name, act in LIVES.items()}
    kinds["witness"] = a_file(tmp_path, "witness", WITNESS)

    async def story():
        async with a_desk(strategies=kinds, seats=process_seats(QUICK)) as s:
            lags: list[float] = []
            started = await asyncio.gather(*(s.runner.start(StartOrder(name, (INFY,))) for name in kinds))
            runs = dict(zip(kinds, started, strict=True))
            beating = s.scope.spawn("beat", beat(lags))
            assert {run.state for run in runs.values()} == {RunState.RUNNING}
            pids = [run.pulse.pid for run in runs.values()]
            s.tick()
            await bars(s, runs["witness"], 4, eventually)
            await eventually(lambda: all(runs[name].state is RunState.FAILED for name in ENDS))
            before = len(lags)
            await eventually(lambda: len(lags) > before + 5)
            await bars(s, runs["witness"], 3, eventually)
            for name, (_, words) in ENDS.items():
                assert re.search(words, runs[name].detail), (name, runs[name].detail)
            for name in LIVES:
                assert runs[name].state is RunState.RUNNING, (name, runs[name].detail)
            await s.desk.kill.press("enough", flatten=False)
            await eventually(lambda: not s.desk.kill.at_work)
            assert {run.state for run in runs.values()} <= {RunState.STOPPED, RunState.FAILED}
            await eventually(lambda: not any(map(alive, pids)))
            print("\n" + told(lags))
            beating.cancel()

    run(story())
