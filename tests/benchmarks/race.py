"""Ours against a rival in the same run: alternating rounds, medians, a ratio.

Ratios travel between machines, times do not; so nothing here fails for a time, and a missed target is said, not raised.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Result:
    """Medians of both sides in the unit that `name` ends with; `ratio` is ours over the rival's, less is better.

    `target` is the highest ratio we are content with. Where nobody does the same, rival, ratio, target and ok are None.
    """

    name: str
    ours: float
    rival: float | None = None
    ratio: float | None = None
    target: float | None = None
    ok: bool | None = None

    def line(self) -> str:
        rival = f"{self.rival:>12,.2f}" if self.rival is not None else f"{'–':>12}"
        ratio = f"{self.ratio:>8.3f}" if self.ratio is not None else f"{'–':>8}"
        target = f"{self.target:>7.3f}" if self.target is not None else f"{'–':>7}"
        said = {True: "ok", False: "MISSED", None: ""}[self.ok]
        return f"{self.name:<58}{self.ours:>12,.2f}{rival}{ratio}{target}  {said}"


@dataclass
class Board:
    """Results in the order in which they came."""

    results: list[Result] = field(default_factory=list)

    def race(self, name: str, ours: Sequence[float], rival: Sequence[float], target: float) -> Result:
        """Note medians of both sides."""
        a, b = statistics.median(ours), statistics.median(rival)
        result = Result(name, round(a, 3), round(b, 3), round(a / b, 4), target, a / b <= target)
        self.results.append(result)
        return result

    def note(self, name: str, ours: float) -> None:
        """Note a number that has no rival."""
        self.results.append(Result(name, round(ours, 3)))

    def table(self) -> str:
        head = f"{'':<58}{'ours':>12}{'rival':>12}{'ratio':>8}{'target':>7}"
        return "\n".join([head, *(result.line() for result in self.results)])

    def json_lines(self) -> str:
        return "\n".join(json.dumps(asdict(result), ensure_ascii=False) for result in self.results)


def alternating(
    ours: Callable[[], object], rival: Callable[[], object], rounds: int, calls: int = 1
) -> tuple[list[float], list[float]]:
    """Microseconds of one call of each, one figure a round; the first round warms up and is left out."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for work, noted in zip((ours, rival), times, strict=True):
            began = time.perf_counter()
            for _ in range(calls):
                work()
            if number:
                noted.append((time.perf_counter() - began) / calls * 1e6)
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
