"""A strategy in its process from Load to its end: what it sees, what it may not, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.authoring.probe import ROOT
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.hosting.process import NICE, Process, use_of
from alphapanda_desktop.hosting.seat import process_seats
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.seat import Budgets
from tests.hosting.files import PATIENT, a_file
from tests.trading.desk_fakes import INFY, Stage, a_desk, yields

QUICK = replace(PATIENT, stop_s=0.5)


def there(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()


def texts(run: Run) -> list[str]:
    return [line.text for line in run.log]


@pytest.fixture
def played(arun: Any, tmp_path: Path) -> Any:
    """Plays `story(stage, run)` with the strategy of that body, started and idle."""

    def play(body: str, story: Any, budgets: Budgets = PATIENT, start: bool = True, **params: object) -> None:
        async def whole() -> None:
            kinds = {"mine": a_file(tmp_path, "mine", body)}
            async with a_desk(strategies=kinds, seats=process_seats(budgets, {"SHOWN": "yes"})) as s:
                up = s.runner.start if start else s.runner.load
                run = await up(StartOrder("mine", (INFY,), params))
                s.tick()
                await story(s, run)
                await s.runner.stop_all("the test is over")
                assert run.pulse.pid is None

        arun(whole())

    return play


async def idle(stage: Stage, run: Run, eventually: Any) -> None:
    host = stage.runner.host_of(run.run_id)
    assert host is not None
    await yields()
    await eventually(lambda: host.idle)


def test_load_brings_a_process_up_and_asks_nothing_before_start(played, eventually):
    async def story(s, run):
        assert run.state is RunState.LOADED and there(run.pulse.pid) and not texts(run)
        s.tick(after_s=60)
        s.tick(after_s=60)
        await yields()
        assert not texts(run)
        await s.runner.begin(run.run_id)
        assert run.state is RunState.RUNNING and "started with 2 bars" in texts(run)
        with pytest.raises(StrategyError, match="cannot be started: it is running"):
            await s.runner.begin(run.run_id)

    played("""
    def on_start(self, ctx):
        ctx.log(f"started with {len(ctx.closes(ctx.instruments[0]))} bars")
""", story, start=False)  # fmt: skip


def test_one_that_is_ready_before_the_loop_comes_back_to_its_start_comes_up(played, eventually, monkeypatch):
    start = Process.start

    async def late(process, memory, environment):
        await start(process, memory, environment)
        await eventually(lambda: process.ready or process._unwanted)

    monkeypatch.setattr(Process, "start", late)

    async def story(s, run):
        assert run.state is RunState.RUNNING, run.detail

    played("    pass\n", story)


def test_stop_of_a_loaded_run_never_calls_its_strategy(played):
    async def story(s, run):
        pid = run.pulse.pid
        await s.runner.stop(run.run_id)
        assert run.state is RunState.STOPPED and not there(pid) and "never" not in texts(run)

    played("""
    def on_start(self, ctx): ctx.log("never")
    def on_stop(self, ctx): ctx.log("never")
""", story, start=False)  # fmt: skip


def test_stop_while_it_loads_leaves_no_process(arun, eventually, tmp_path):
    async def story():
        slow = a_file(tmp_path, "slow", "    def __init__(self, params): time.sleep(30)\n")
        async with a_desk(strategies={"slow": slow}, seats=process_seats(QUICK)) as s:
            starting = s.scope.spawn("start", s.runner.start(StartOrder("slow", (INFY,))))
            await eventually(lambda: s.runner.runs and s.runner.runs[0].pulse.pid)
            run = s.runner.runs[0]
            pid = run.pulse.pid
            await s.runner.stop(run.run_id)
            await starting
            assert run.state is RunState.STOPPED and not there(pid)

    arun(story())


@pytest.mark.parametrize(
    ("body", "load_s", "words"),
    [
        # On a loaded machine it may not have come to its own line when its time is over.
        (
            "    def __init__(self, params): time.sleep(60)",
            5.0,
            r"hung in build for 5\.0 s(, mine\.py line 10)?, and",
        ),
        ("    def __init__(self, params): 1 / 0", 60.0, r"build failed at mine\.py line 10: ZeroDivisionError"),
        ("    def on_start(self, ctx): os._exit(0)", 60.0, "ended by itself in on_start with exit code 0"),
    ],
)
def test_one_that_does_not_come_up_says_why(arun, tmp_path, body, load_s, words):
    async def story():
        kind = a_file(tmp_path, "mine", body)
        async with a_desk(strategies={"mine": kind}, seats=process_seats(replace(PATIENT, load_s=load_s))) as s:
            run = await s.runner.start(StartOrder("mine", (INFY,)))
            assert run.state is RunState.FAILED and re.search(words, run.detail), run.detail
            assert s.journal.run_rows[run.run_id].how == f"failed: {run.detail}" and run.pulse.pid is None

    arun(story())


def test_a_file_that_was_changed_since_it_was_read_is_not_executed(arun, tmp_path):
    async def story():
        kind = a_file(tmp_path, "mine", "    pass")
        kind.source.path.write_text("raise SystemExit")
        async with a_desk(strategies={"mine": kind}, seats=process_seats(QUICK)) as s:
            run = await s.runner.start(StartOrder("mine", (INFY,)))
            assert run.state is RunState.FAILED and "mine.py was changed since it was read" in run.detail

    arun(story())


def test_what_refuses_to_stop_is_killed_at_the_deadline_and_that_is_told(played):
    async def story(s, run):
        pid = run.pulse.pid
        words = await s.runner.stop(run.run_id)
        assert words.startswith("refused to stop within 2.0 s, busy in on_stop, mine.py line 10, and was killed")
        assert run.state is RunState.STOPPED and not there(pid)

    budgets = replace(PATIENT, stop_s=2.0)  # it has to come to its own line in this
    played("    def on_stop(self, ctx): time.sleep(60)\n", story, budgets)


def test_stop_waits_for_no_call_that_hangs(played, eventually, tmp_path):
    inside = tmp_path / "inside"

    async def story(s, run):
        await eventually(inside.exists)
        words = await s.runner.stop(run.run_id)
        assert "refused to stop within 0.5 s, busy in on_tick, mine.py line 10" in words
        assert run.state is RunState.STOPPED

    body = f"    def on_tick(self, ctx, instrument, tick): open({str(inside)!r}, 'w').close(); time.sleep(60)\n"
    played(body, story, QUICK)


def test_a_stopped_strategy_can_still_say_goodbye_but_ask_for_nothing(played):
    async def story(s, run):
        await s.runner.stop(run.run_id)
        assert run.variables["left"] == "well" and any("after the run's end" in text for text in texts(run))
        assert not s.broker.placed

    played("""
    def on_stop(self, ctx):
        ctx.show(left="well")
        ctx.buy(ctx.instruments[0], 1, reason="too late")
""", story)  # fmt: skip


def test_ticks_that_a_busy_strategy_misses_are_counted_and_the_newest_is_told(played, eventually):
    async def story(s, run):
        s.tick(101.0)
        for price in range(102, 112):
            s.tick(float(price))
        await eventually(lambda: run.variables.get("last") == 111.0)
        assert run.pulse.dropped_ticks > 0
        assert run.variables["heard"] + run.pulse.dropped_ticks == 12

    played("""
    def on_tick(self, ctx, instrument, tick):
        self.heard = getattr(self, "heard", 0) + 1
        time.sleep(0.02)
        ctx.show(heard=self.heard, last=tick.last_price)
""", story)  # fmt: skip


def test_bars_wait_for_a_busy_strategy_and_none_is_lost(played, eventually):
    async def story(s, run):
        for _ in range(8):
            s.tick(after_s=60)
        await idle(s, run, eventually)
        assert run.variables["bars"] == "[1, 2, 3, 4, 5, 6, 7, 8]"

    played("""
    def on_bar(self, ctx, instrument, bar):
        self.seen = [*getattr(self, "seen", []), len(ctx.closes(instrument))]
        time.sleep(0.02)
        ctx.show(bars=self.seen)
""", story)  # fmt: skip


def test_history_that_is_mended_is_another_history_to_the_strategy_too(played, eventually):
    async def story(s, run):
        for price in (100.0, 101.0, 102.0):
            s.tick(price, after_s=60)
        await idle(s, run, eventually)
        before = json.loads(run.variables["closes"])
        series = s.market.live_series(INFY, Interval.MINUTE)
        first = series.closed()[0]
        series.backfill([first._replace(start_s=first.start_s - 60, close=76.0), first._replace(close=77.0)])
        s.tick(103.0, after_s=60)
        await idle(s, run, eventually)
        assert json.loads(run.variables["closes"]) == [76.0, 77.0, *before[1:], 102.0]
        assert run.variables["bars"] == len(before) + 2

    played("""
    def on_bar(self, ctx, instrument, bar):
        import json
        ctx.show(closes=json.dumps(ctx.closes(instrument).tolist()), bars=len(ctx.bars(instrument)))
""", story)  # fmt: skip


def test_a_tick_costs_nothing_where_no_hook_hears_it(played, eventually):
    async def story(s, run):
        calls = run.pulse.calls
        for _ in range(20):
            s.tick()
        await yields()
        assert run.pulse.calls == calls

    played("    pass\n", story)


def test_what_is_shown_again_and_again_is_told_now_and_then_and_its_last_always(played, eventually):
    async def story(s, run):
        s.tick(after_s=60)
        await idle(s, run, eventually)
        assert run.state is RunState.RUNNING, run.detail
        assert run.variables["n"] == 4_999
        (order,) = run.orders.values()
        await eventually(lambda: order.tag in s.journal.causes)
        assert s.journal.causes[order.tag].values["n"] == 2_000

    played("""
    def on_bar(self, ctx, instrument, bar):
        for n in range(5_000):
            ctx.show(n=n)
            if n == 2_000: ctx.buy(instrument, 1, reason="in the middle")
""", story)  # fmt: skip


def test_one_whose_look_back_is_not_there_says_so_and_how_many_bars_it_waits_for(played, eventually):
    async def story(s, run):
        assert run.lacks == {INFY.key: (0, 3)}
        assert "it looks back on 3 bars of NSE:INFY and 0 are there" in texts(run)[0]
        for expected in ({INFY.key: (1, 3)}, {INFY.key: (2, 3)}, {}):
            s.tick(after_s=60)
            await idle(s, run, eventually)
            assert run.lacks == expected and ("seen" in run.variables) is (not expected)
        await s.runner.change(run.run_id, {"lots": 50})
        s.tick(after_s=60)
        await idle(s, run, eventually)
        s.tick(after_s=60)
        assert run.lacks == {INFY.key: (5, 51)}

    played("""
    @property
    def lookback(self): return self.params.lots + 1
    def on_bar(self, ctx, instrument, bar): ctx.show(seen=True)
""", story, lots=2)  # fmt: skip


def test_parameters_that_change_are_journaled_and_taken_at_the_next_bar(played, eventually):
    async def story(s, run):
        s.tick(after_s=60)
        await idle(s, run, eventually)
        await s.runner.change(run.run_id, {"lots": 7})
        assert run.waiting_params is not None and run.params.lots == 2
        s.tick()
        await idle(s, run, eventually)
        assert run.variables["lots"] == 2
        s.tick(after_s=60)
        await idle(s, run, eventually)
        assert run.variables["lots"] == 7 and run.params.lots == 7 and run.waiting_params is None
        events = [event for event in s.journal.event_rows if event.kind == "run parameters"]
        assert [event.detail["parameters"] for event in events] == [{"lots": 7}]
        with pytest.raises(ValueError, match="less than or equal to 100"):
            await s.runner.change(run.run_id, {"lots": 101})
        with pytest.raises(StrategyError, match="thirteen brings no luck"):
            await s.runner.change(run.run_id, {"lots": 13})
        assert run.waiting_params is None

    played("""
        from pydantic import model_validator
        @model_validator(mode="after")
        def lucky(self):
            if self.lots == 13: raise ValueError("thirteen brings no luck")
            return self
    def on_bar(self, ctx, instrument, bar): ctx.show(lots=self.params.lots)
""", story, lots=2)  # fmt: skip


def test_one_that_dies_between_two_calls_is_shown_as_dead(played, eventually):
    async def story(s, run):
        await eventually(lambda: run.state is RunState.FAILED)
        assert "its process ended by itself between two calls with exit code 9" in run.detail

    played("""
    def on_start(self, ctx): threading.Timer(0.2, os._exit, (9,)).start()
""", story)  # fmt: skip


def test_a_wish_that_cannot_be_fails_its_run_alone(played, eventually):
    async def story(s, run):
        s.tick()
        await eventually(lambda: run.state is RunState.FAILED)
        assert "on_tick failed: what it asked for cannot be: OverflowError" in run.detail and len(s.errors) == 1
        assert not s.broker.placed
        s.errors.clear()

    played("""
    def on_tick(self, ctx, instrument, tick): ctx.buy(instrument, 1, reason="absurd", price=1e308)
""", story)  # fmt: skip


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("ctx.buy(instrument, 1, reason='entry'); ctx.protect(instrument, 90.0, reason='stop'); "
         "ctx.show(**{'stop NSE:INFY': 1})", "'stop NSE:INFY' is a stop of this run"),
        ("for n in range(5): ctx.show(**{f'{n}-{m}': m for m in range(99)})", "more than 300 values are shown"),
    ],
)  # fmt: skip
def test_what_is_shown_stands_in_no_stops_place_and_does_not_grow_for_ever(played, eventually, act, words):
    async def story(s, run):
        s.tick()
        await eventually(lambda: run.state is RunState.FAILED)
        assert words in run.detail and len(run.variables) <= 300
        s.errors.clear()

    played(f"    def on_tick(self, ctx, instrument, tick):\n        {act}\n", story)


def test_a_process_that_cannot_be_started_is_a_run_that_failed(arun, tmp_path, monkeypatch):
    async def story():
        kind = a_file(tmp_path, "mine", "    pass")
        async with a_desk(strategies={"mine": kind}, seats=process_seats(QUICK)) as s:
            monkeypatch.setattr(sys, "executable", str(tmp_path / "no such python"))
            run = await s.runner.start(StartOrder("mine", (INFY,)))
            assert run.state is RunState.FAILED and "its process could not be started: " in run.detail

    arun(story())


def test_what_is_handed_over_is_seen_by_the_strategy_that_takes_it(played, eventually):
    async def story(s, old):
        s.tick(after_s=60)
        await idle(s, old, eventually)
        await eventually(lambda: old.holding(INFY.key).quantity == 2)
        await s.runner.stop(old.run_id)
        new = await s.runner.start(StartOrder("mine", (INFY,), {"lots": 1}))
        await s.runner.hand_over(old.run_id, new.run_id)
        s.tick(after_s=60)
        await idle(s, new, eventually)
        await eventually(lambda: new.holding(INFY.key).quantity == 0)
        assert [(r.transaction_type, r.quantity) for r in s.broker.placed] == [("BUY", 2), ("SELL", 2)]
        assert new.variables["held"] == 2 and old.holding(INFY.key).quantity == 0

    played("""
    def on_bar(self, ctx, instrument, bar):
        held = ctx.position(instrument).quantity
        ctx.show(held=held)
        if held: ctx.exit(instrument, reason="enough")
        elif self.params.lots == 2: ctx.buy(instrument, self.params.lots, reason="first")
""", story, lots=2)  # fmt: skip


def test_numbers_of_numpy_are_numbers_and_nonsense_is_refused_where_it_is_said(played, eventually):
    async def story(s, run):
        s.tick(after_s=60)
        await idle(s, run, eventually)
        told = [text for text in texts(run) if text.startswith("no: ")]
        assert told == [
            "no: a quantity is a whole number, 1.5 given", "no: a price is a number, nan given",
            "no: NSE:SBIN is not of this run: NSE:INFY",
        ]  # fmt: skip
        await eventually(lambda: s.broker.placed)
        assert [(r.quantity, r.price) for r in s.broker.placed] == [(3, 50.0)]
        assert run.variables["n"] == 3 and run.variables["x"] == 1.5 and run.variables["much"] == str(10**400)

    played("""
    def on_bar(self, ctx, instrument, bar):
        import numpy as np
        from dataclasses import replace
        ctx.show(n=np.int64(3), x=np.float32(1.5), much=10**400)
        ctx.buy(instrument, np.int64(3), reason="numpy", price=np.float64(50.0))
        for act in (lambda: ctx.buy(instrument, 1.5, reason="half"),
                    lambda: ctx.buy(instrument, 1, reason="none", price=float("nan")),
                    lambda: ctx.last_price(replace(instrument, tradingsymbol="SBIN"))):
            try: act()
            except ValueError as error: ctx.log(f"no: {error}")
""", story)  # fmt: skip


def test_a_process_sees_no_secret_of_the_program_and_has_no_screen_and_no_input(played, monkeypatch):
    monkeypatch.setenv("ALPHAPANDA_API_SECRET", "s3cret")
    monkeypatch.setenv("DISPLAY", ":7")

    async def story(s, run):
        seen = json.loads(run.variables["seen"])
        assert seen["SHOWN"] == "yes" and not {"ALPHAPANDA_API_SECRET", "DISPLAY", "HOME"} & set(seen)
        assert run.variables["input"] == "''" and run.variables["group"] is True
        modules = set(run.variables["modules"].split())
        assert not modules & {"asyncio", "PySide6", "sqlalchemy", "keyring", "aiohttp", "kiteconnect", "psygnal"}
        assert not any(name.startswith(("alphapanda_desktop.trading", "alphapanda_desktop.kite")) for name in modules)

    played("""
    def on_start(self, ctx):
        import json
        ctx.show(seen=json.dumps(dict(os.environ)), input=repr(sys.stdin.read()), group=os.getpgid(0) == os.getpid())
        ctx.show(modules=" ".join(name for name in sys.modules
                                  if "." not in name or name.startswith("alphapanda_desktop.")))
""", story)  # fmt: skip


def test_what_it_prints_is_in_its_log_and_a_thread_that_it_leaves_is_named(played, eventually):
    async def story(s, run):
        await eventually(lambda: "printed: to the log" in texts(run) and "printed: and this" in texts(run))
        assert any("on_start left threads running" in text and "mine-7" in text for text in texts(run))
        assert not any("from a thread" in text for text in texts(run))

    played("""
    def on_start(self, ctx):
        print("to the log")
        print("and this", file=sys.stderr)
        def late():
            try: ctx.log("from a thread")
            except RuntimeError: pass
            time.sleep(60)
        threading.Thread(target=late, name="mine-7").start()
""", story)  # fmt: skip


def test_the_program_has_the_processor_first(played):
    async def story(s, run):
        assert os.getpriority(os.PRIO_PROCESS, run.pulse.pid) >= os.getpriority(os.PRIO_PROCESS, 0) + NICE

    played("    pass\n", story)


def test_memory_and_processor_are_those_of_the_process(played, eventually):
    async def story(s, run):
        used = use_of(run.pulse.pid)
        assert used is not None
        # What was measured while it was coming up is less than it uses since.
        await eventually(lambda: abs(used.memory - (run.pulse.memory_bytes or 0)) < 20 << 20)
        assert run.pulse.calls == 1 and run.pulse.p50_ms is not None and run.pulse.last_call_at is not None

    played("    pass\n", story)


def test_a_model_of_a_shipped_strategy_is_looked_for_where_the_program_says(arun):
    async def story():
        seats = process_seats(QUICK, {"ALPHAPANDA_MODELS": "/nowhere"})
        async with a_desk(strategies=SHIPPED, seats=seats) as s:
            run = await s.runner.start(StartOrder("ml_momentum", (INFY,)))
            assert run.state is RunState.RUNNING, run.detail
            await s.runner.stop_all("the test is over")

    arun(story())


PARENT = """
import asyncio, sys
from tests.trading.desk_fakes import INFY, a_desk
from tests.hosting.files import PATIENT, a_file
from alphapanda_desktop.hosting.seat import process_seats
from alphapanda_desktop.trading.runner import StartOrder
from pathlib import Path

async def main():
    kinds = {"loops": a_file(Path(sys.argv[1]), "loops", '''
    def on_tick(self, ctx, instrument, tick):
        while True: pass
'''), "waits": a_file(Path(sys.argv[1]), "waits", "    pass")}
    async with a_desk(strategies=kinds, seats=process_seats(PATIENT)) as s:
        runs = [await s.runner.start(StartOrder(name, (INFY,))) for name in kinds]
        s.tick()
        print(*[run.pulse.pid for run in runs], flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child in the middle of a call")
def test_children_end_with_a_program_that_is_killed(arun, eventually, tmp_path):
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path)]
    with subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        pids = [int(word) for word in program.stdout.readline().split()]
        assert len(pids) == 2 and all(map(there, pids))
        program.send_signal(signal.SIGKILL)

    async def story():
        await eventually(lambda: not any(map(there, pids)))

    arun(story())


def test_a_child_whose_program_is_gone_already_does_not_begin():
    text = "from alphapanda_desktop.hosting.child import main; main(['--memory=2000000000', '--parent=1'])"
    words = [sys.executable, "-c", text]
    done = subprocess.run(words, cwd=ROOT, input=b"", capture_output=True, check=False, timeout=100)
    assert (done.returncode, done.stdout) == (0, b"")
