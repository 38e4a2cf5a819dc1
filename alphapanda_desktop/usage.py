"""What this process takes of the computer: memory, processor, threads and child processes; and how that went."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

SAMPLE_S: Final = 20.0
SAMPLES: Final = 540
"""Three hours."""
SETTLED_S: Final = 300.0
"""Growth is told of what came after the first minutes, in which everything is made."""


class Child(NamedTuple):
    """A process that this one started, or one of those did; bytes."""

    pid: int
    name: str
    memory: int


class Sample(NamedTuple):
    """The program at one moment: seconds of a clock that only goes on, bytes, share of a core, ns, ticks a second."""

    at_s: float
    memory: int
    processor: float
    lag_ns: int
    ticks_per_s: float


def memory_of(pid: int | None = None) -> int:
    """Resident bytes of a process, of this one without a number; 0 where the system does not say."""
    if sys.platform == "win32":
        return _memory_on_windows() if pid is None else 0
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if pid is None else 0  # the most that it was
    try:
        statm = Path(f"/proc/{'self' if pid is None else pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


if sys.platform == "win32":
    import ctypes

    def _memory_on_windows() -> int:
        """Source: Win32 PROCESS_MEMORY_COUNTERS; WorkingSetSize is its fourth member."""
        counters = (ctypes.c_size_t * 10)()
        kernel = ctypes.windll.kernel32
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel.GetCurrentProcess())
        told = kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), ctypes.sizeof(counters))
        return int(counters[2]) if told else 0


def threads() -> list[str]:
    """Names of Python's threads, each once with its count."""
    names = [thread.name.rstrip("0123456789-_ ") or thread.name for thread in threading.enumerate()]
    return [name if (times := names.count(name)) == 1 else f"{name} ×{times}" for name in dict.fromkeys(names)]


def all_threads() -> int:
    """How many threads the process has, those of libraries too; Python's alone where the system does not say."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return threading.active_count()


def children() -> list[Child]:
    """Child processes and theirs, by number; empty where the system does not say."""
    return sorted(_below(os.getpid()))


def _below(pid: int) -> Iterator[Child]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            numbers = [int(word) for word in (task / "children").read_text(encoding="ascii").split()]
        except (OSError, ValueError):
            continue  # it ended this moment
        for number in numbers:
            yield Child(number, _name_of(number), memory_of(number))
            yield from _below(number)


def _name_of(pid: int) -> str:
    """What it was started as: the word of ours that says it, else its program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return "ended"
    kind = next((word.removeprefix("--type=") for word in words if word.startswith("--type=")), "")
    ours = next((word for word in words if word in ("host-strategy", "sweep-worker", "probe-strategy", "sim")), "")
    module = next((words[place + 1] for place, word in enumerate(words[:-1]) if word == "-m"), "")
    return " ".join(part for part in (Path(words[0]).name, ours or module or kind) if part)


class Chronicle:
    """How memory, processor, lag and ticks went over the last hours: a sample each twenty seconds, kept in a ring."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._began_s = self._last_s = monotonic_s()
        self._busy_s = time.process_time()
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.most_memory = 0

    @property
    def due(self) -> bool:
        """Whether it is time for another sample."""
        return not self.samples or self._monotonic_s() - self._last_s >= SAMPLE_S

    def add(self, lag_ns: int | None, ticks_per_s: float) -> None:
        """Take a sample now."""
        now_s, busy_s, memory = self._monotonic_s(), time.process_time(), memory_of()
        share = (busy_s - self._busy_s) / (now_s - self._last_s) if now_s > self._last_s else 0.0
        self._last_s, self._busy_s = now_s, busy_s
        self.most_memory = max(self.most_memory, memory)
        self.samples.append(Sample(now_s - self._began_s, memory, share, lag_ns or 0, ticks_per_s))

    def growth_per_h(self) -> float | None:
        """Bytes an hour by which memory grew since everything was made; None until ten minutes can tell."""
        settled = [sample for sample in self.samples if sample.at_s >= SETTLED_S]
        if len(settled) < 2 or settled[-1].at_s - settled[0].at_s < 2 * SETTLED_S:
            return None
        return (settled[-1].memory - settled[0].memory) / (settled[-1].at_s - settled[0].at_s) * 3600
