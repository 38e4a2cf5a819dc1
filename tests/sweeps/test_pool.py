"""Workers that can be ended, that die and that hang; what they answer is not trusted."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import suppress
from pathlib import Path

import pytest

from alphapanda_desktop.authoring import probe
from alphapanda_desktop.domain.errors import BadData, StrategyError
from alphapanda_desktop.sweeps.job import Job, play
from alphapanda_desktop.sweeps.narrow import TROUBLE, value_of
from alphapanda_desktop.sweeps.pool import Pool
from alphapanda_desktop.sweeps.process import SEEN, Died, Hung
from alphapanda_desktop.sweeps.worker import HEAD, READY
from tests.sweeps.searching import a_file, a_job, bars_in

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(1)
    yield made
    made.kill()


def until(claim: Callable[[], object]) -> None:
    """Wait for something that another process or thread does."""
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):  # it may be gone between the two looks
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return False


def test_a_worker_answers_with_the_value_the_error_and_the_outcome(pool: Pool, tmp_path: Path) -> None:
    job, told = a_job(tmp_path, 20_000), list[tuple[int, int]]()
    assert pool.submit(math.hypot, 3, 4).result() == 5.0
    with pytest.raises(ValueError, match="math domain error"):
        pool.submit(math.sqrt, -1).result()
    outcome = pool.play(job, lambda done, total: told.append((done, total))).result()
    assert outcome.statistics == play(job).statistics
    assert told[-1] == (20_000, 20_000) and len(told) > 1
    with pytest.raises(BadData, match="no strategy is called 'nobody'"):
        pool.play(Job(strategy="nobody", data=())).result()


def test_an_error_in_a_strategy_file_is_told_with_its_line(pool: Pool, tmp_path: Path) -> None:
    mine = a_file(tmp_path, "price = bar.close", "price / 0")
    job = Job(strategy=mine, data=(bars_in(tmp_path),))
    with pytest.raises(StrategyError, match=r"mine\.py:14: ZeroDivisionError: float division by zero"):
        pool.play(job).result()


def test_what_a_strategy_prints_exits_or_leaves_behind_does_not_reach_the_answer(pool: Pool, tmp_path: Path) -> None:
    data = (bars_in(tmp_path, 400),)
    mine = a_file(tmp_path, "print('x' * 1_000); os.write(1, b'y' * 1_000)")
    assert pool.play(Job(strategy=mine, data=data)).result().statistics.bars == 400
    gone = a_file(tmp_path, "sys.exit(5)", name="gone.py")
    with pytest.raises(StrategyError, match=r"gone\.py:13: SystemExit: 5"):
        pool.play(Job(strategy=gone, data=data)).result()
    assert pool.submit(math.sqrt, 9.0).result() == 3.0


def test_a_job_that_runs_is_ended_and_the_next_one_is_played(pool: Pool, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    endless = a_file(tmp_path, f"Path({str(marker)!r}).write_text(str(os.getpid()))", "while True: pass")
    work = pool.play(Job(strategy=endless, data=(bars_in(tmp_path),)))
    until(lambda: marker.exists() and marker.read_text(encoding="utf-8"))
    assert work.running() and not work.done()
    assert work.cancel() and work.cancelled() and not work.running()
    until(lambda: not lives(int(marker.read_text(encoding="utf-8"))))
    assert wait([work], PATIENCE_S).done == {work}
    with pytest.raises(CancelledError):
        work.result()
    assert pool.submit(math.sqrt, 9.0).result() == 3.0


def test_a_job_whose_worker_dies_is_given_to_another_one_once(pool: Pool, tmp_path: Path) -> None:
    marker = tmp_path / "died"
    once = a_file(tmp_path, f"died = Path({str(marker)!r})", "if not died.exists():", "    died.touch(); os._exit(3)")
    assert pool.play(Job(strategy=once, data=(bars_in(tmp_path),))).result().statistics.bars == 1_500
    assert marker.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_job_that_ends_two_workers_is_told_with_how_and_where(pool: Pool, tmp_path: Path) -> None:
    crash = a_file(tmp_path, "ctypes.string_at(0)")
    with pytest.raises(Died, match=r"ended with SIGSEGV, in on_bar, mine\.py line 13"):
        pool.play(Job(strategy=crash, data=(bars_in(tmp_path),))).result()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_job_that_tells_nothing_for_long_is_ended_with_where_it_was_stuck(tmp_path: Path) -> None:
    pool = Pool(1, silence_s=5.0)  # it has to come to its own line in this
    try:
        work = pool.play(Job(strategy=a_file(tmp_path, "while True:", "    pass"), data=(bars_in(tmp_path),)))
        with pytest.raises(Hung, match=r"told nothing for 5 s and was ended, stuck in on_bar, mine\.py line 1[34]"):
            work.result(PATIENCE_S)
    finally:
        pool.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux has")
def test_a_strategy_that_wants_all_memory_is_told_so_with_its_line(pool: Pool, tmp_path: Path) -> None:
    mine = a_file(tmp_path, "self.much = bytearray(8 << 30)")
    with pytest.raises(StrategyError, match=r"mine\.py:13: MemoryError"):
        pool.play(Job(strategy=mine, data=(bars_in(tmp_path),))).result()
    assert pool.submit(math.sqrt, 9.0).result() == 3.0


def test_garbage_in_place_of_an_answer_ends_the_worker_and_nothing_else(pool: Pool, tmp_path: Path) -> None:
    body = (
        "for fd in range(3, 30):",
        "    try: os.write(fd, b'\\x10' + bytes(7) + b'garbage, garbage')",
        "    except OSError: pass",
    )
    work = pool.play(Job(strategy=a_file(tmp_path, *body), data=(bars_in(tmp_path),)))
    with pytest.raises(Died, match="answered what cannot be read"):
        work.result(PATIENCE_S)
    assert pool.submit(math.sqrt, 9.0).result() == 3.0


def test_an_answer_can_hold_no_function_that_acts(tmp_path: Path) -> None:
    evil = [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1+1'\ntR.",
        b"calphapanda_desktop.sweeps.job\nplay\n.",
        b"calphapanda_desktop.sweeps.process\nsubprocess\n.",
        pickle.dumps(probe.probe),
        pickle.dumps(Path("x")),
    ]
    for answer in evil:
        with pytest.raises(TROUBLE):
            value_of(answer)
    outcome = play(a_job(tmp_path))
    assert value_of(pickle.dumps(outcome)).statistics == outcome.statistics


def test_a_worker_sees_nothing_of_the_environment_but_what_it_needs(pool: Pool) -> None:
    others = [name for name in os.environ if name not in (*SEEN, "OPENBLAS_NUM_THREADS")]
    assert "XDG_DATA_HOME" in others
    assert {name for name in others if pool.submit(os.getenv, name).result() is not None} <= {"LC_CTYPE"}


def test_workers_die_with_the_program_that_started_them(tmp_path: Path) -> None:
    mine = a_file(tmp_path, f"Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))", "while True: pass")
    job = Job(strategy=mine, data=(bars_in(tmp_path),))
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    text = (
        f"import pickle; from alphapanda_desktop.sweeps.pool import Pool\n"
        f"Pool(1).play(pickle.load(open({str(tmp_path / 'job')!r}, 'rb'))).result()"
    )
    parent = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(encoding="utf-8"))
    parent.kill()
    parent.wait()
    worker = int((tmp_path / "pid").read_text(encoding="utf-8"))
    until(lambda: not lives(worker))


def test_a_packaged_program_can_start_itself_as_a_worker_that_ends_with_its_input() -> None:
    words = [sys.executable, "-m", "alphapanda_desktop", "sweep-worker"]
    done = subprocess.run(words, input=b"", capture_output=True, cwd=ROOT, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0 and value_of(done.stdout[HEAD.size :]) == READY


def test_a_pool_that_is_shut_down_ends_what_it_took_and_takes_no_more() -> None:
    with Pool(2) as pool:
        works = [pool.submit(math.sqrt, float(number)) for number in range(5)]
    assert [work.result(0) for work in works] == [math.sqrt(number) for number in range(5)]
    with pytest.raises(RuntimeError, match="takes no more jobs"):
        pool.submit(math.sqrt, 1.0)


def test_a_pool_that_is_killed_cancels_what_runs_and_what_waits(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    pool = Pool(1)
    works = [pool.submit(time.sleep, 600.0) for _ in range(3)]
    until(works[0].running)
    pool.kill()
    assert all(work.cancelled() for work in works)
    assert set(threading.enumerate()) <= before


def test_an_error_of_whoever_is_told_reaches_whoever_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: seen.append(told.exc_value))
    pool = Pool(1)
    work = pool.play(a_job(tmp_path, 9_000), lambda done, total: done / 0)
    with pytest.raises(RuntimeError, match="what was to be told of its progress raised"):
        work.result(PATIENCE_S)
    pool.kill()
    assert [type(error) for error in seen] == [ZeroDivisionError]


def test_a_pool_has_no_more_threads_than_it_has_work() -> None:
    pool = Pool(10_000)
    try:
        assert pool.submit(math.hypot, 3, 4).result() == 5.0
        assert len([each for each in threading.enumerate() if each.name.startswith("pool-drive")]) <= 2
    finally:
        pool.kill()
