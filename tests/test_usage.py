"""What the process takes is read from the system, and how memory grew is told once that can be known."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from alphapanda_desktop.usage import SAMPLE_S, SAMPLES, Chronicle, all_threads, children, memory_of, threads

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of all of this")


@on_linux
def test_memory_is_what_the_system_says_and_grows_with_what_is_held() -> None:
    before = memory_of()
    held = bytearray(os.urandom(1) * 40_000_000)
    assert memory_of() - before > 30_000_000 and len(held) == 40_000_000
    assert memory_of(2**22 + 1) == 0  # no such process


@on_linux
def test_a_child_and_its_child_are_told_by_what_they_do() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'timeit', '-h'] and ['sleep', '30'])"
    command = [sys.executable, "-c", f"print(1, flush=True); {code}"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    try:
        child.stdout.readline()
        for _ in range(2_000):
            ours = [one for one in children() if one.name == "sleep"]
            if ours:
                break
        assert child.pid in {one.pid for one in children()} and ours and ours[0].memory > 0
    finally:
        os.killpg(child.pid, 9)  # these two: other children of this process are none of ours, the web view's among them
        child.wait()
        child.stdout.close()


def test_threads_are_told_by_name_with_how_many_of_each() -> None:
    stop = threading.Event()
    workers = [threading.Thread(target=stop.wait, name=f"kite-lane-{n}") for n in range(3)]
    for worker in workers:
        worker.start()
    assert "kite-lane ×3" in threads()
    assert all_threads() >= 4
    stop.set()
    for worker in workers:
        worker.join()


def test_samples_are_due_each_twenty_seconds_and_growth_is_of_what_came_after_the_first_minutes() -> None:
    now = [0.0]
    chronicle = Chronicle(lambda: now[0])
    assert chronicle.due
    chronicle.add(1_000, 5.0)
    assert not chronicle.due and chronicle.growth_per_h() is None
    kept = []
    for _ in range(SAMPLES + 5):
        now[0] += SAMPLE_S
        assert chronicle.due
        chronicle.add(None, 0.0)
        if chronicle.growth_per_h() is None:
            kept.append(now[0])
    assert len(chronicle.samples) == SAMPLES and chronicle.most_memory == max(s.memory for s in chronicle.samples)
    assert kept[-1] < 1_000 and abs(chronicle.growth_per_h() or 0.0) < 1e9
