"""Stacks of all threads: as they are at one moment, whatever the threads do meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from alphapanda_desktop.stacks import Frame, Stacks, plain, read


@contextmanager
def looking() -> Iterator[Stacks]:
    stacks = Stacks()
    try:
        yield stacks
    finally:
        stacks.close()


def test_every_thread_is_told_of_innermost_first() -> None:
    inside, gate = threading.Event(), threading.Event()

    def waits_here() -> None:
        inside.set()
        gate.wait(60)

    thread = threading.Thread(target=waits_here)
    thread.start()
    inside.wait(60)
    try:
        with looking() as stacks:
            told = stacks.look()
    finally:
        gate.set()
        thread.join()
    assert thread.ident is not None
    names = [frame.function for frame in told[thread.ident]]
    assert "waits_here" in names and names.index("waits_here") < names.index("run")
    mine = told[threading.get_ident()]
    assert mine[1].function == "test_every_thread_is_told_of_innermost_first"
    assert mine[1].path == plain(__file__)


def _steps(depth: int) -> Generator[int, None, None]:
    if depth:
        yield from _steps(depth - 1)
    yield depth


def test_a_thread_that_runs_in_and_out_of_generators_can_be_looked_at_a_thousand_times() -> None:
    gate = threading.Event()

    def runs() -> None:
        while not gate.is_set():
            for _ in _steps(30):
                pass

    thread = threading.Thread(target=runs)
    thread.start()
    try:
        with looking() as stacks:
            looks = [stacks.look() for _ in range(1000)]
    finally:
        gate.set()
        thread.join()
    assert thread.ident is not None
    found = [{frame.function for frame in look[thread.ident]} for look in looks]
    assert all(names <= {"runs", "_steps", "run", "_bootstrap", "_bootstrap_inner", "is_set"} for names in found)
    assert any("_steps" in names for names in found)


def test_a_thread_without_a_line_of_python_has_no_frames_and_odd_letters_are_escaped() -> None:
    lines = [
        "Thread 0x00000000000000ff (most recent call first):",
        "  <no Python frame>",
        "",
        "Current thread 0x0000000000000001 (most recent call first):",
        f'  File "{plain("₹/a.py")}", line 7 in f',
        "  ...",
    ]
    assert read(lines) == {255: [], 1: [Frame("\\u20b9/a.py", 7, "f")]}
