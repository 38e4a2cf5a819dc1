"""Where the time goes, as a picture: a sampling profile of one thread, drawn as flames in an SVG that needs nothing.

A timer of CPU time interrupts the program and its stack is counted. What runs in C belongs to the line that called
it; a call too short to be met leaves no trace, and the program is not slowed as a tracing profiler slows it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from colorsys import hls_to_rgb
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

EVERY_S: Final = 0.001
WIDTH: Final = 1180
ROW: Final = 17
LEAST_PX: Final = 1.0
"""Narrower flames are left out."""
DEEPEST: Final = 14

Stack = tuple[str, ...]
"""Functions from the outermost to the innermost."""


class Sampler:
    """Counts stacks of the main thread while it is entered; Unix only, where `setitimer` is."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self.stacks: Counter[Stack] = Counter()
        self._every_s = every_s

    def __enter__(self) -> Sampler:
        self._before = signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, self._every_s, self._every_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._before)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None:
            stack.append(_named(frame))
            frame = frame.f_back
        self.stacks[tuple(reversed(stack))] += 1


def _named(frame: FrameType) -> str:
    code = frame.f_code
    return f"{Path(code.co_filename).stem}.{code.co_qualname}"


def within(stacks: Counter[Stack], function: str) -> Counter[Stack]:
    """What was counted under a function whose name ends so, as if it were the outermost."""
    found: Counter[Stack] = Counter()
    for stack, count in stacks.items():
        at = next((place for place, name in enumerate(stack) if name.endswith(function)), None)
        if at is not None:
            found[stack[at:]] += count
    return found


def own(stacks: Counter[Stack]) -> list[tuple[str, float]]:
    """Functions by the share of samples in which they were innermost, the largest first."""
    total = sum(stacks.values()) or 1
    inner: Counter[str] = Counter()
    for stack, count in stacks.items():
        inner[stack[-1]] += count
    return [(name, count / total) for name, count in inner.most_common()]


@dataclass
class _Flame:
    count: int = 0
    above: dict[str, _Flame] = field(default_factory=dict)


def svg(pictures: Sequence[tuple[str, Counter[Stack]]]) -> str:
    """One picture below the other, each under its title."""
    parts: list[str] = []
    top = 0
    for title, stacks in pictures:
        drawn, depth = _drawn(title, stacks, top)
        parts += drawn
        top += (depth + 2) * ROW + 24
    style = "text{font:11px sans-serif;fill:#222}.t{font-size:14px;font-weight:bold}rect{stroke:#fff;stroke-width:.5}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 20} {top}" width="{WIDTH + 20}">'
    return "\n".join(
        [head, f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"]
    )


def _drawn(title: str, stacks: Counter[Stack], top: int) -> tuple[list[str], int]:
    root = _Flame()
    for stack, count in stacks.items():
        node = root
        node.count += count
        for name in stack:
            node = node.above.setdefault(name, _Flame())
            node.count += count
    total = root.count or 1
    parts = [f'<text class="t" x="10" y="{top + 18}">{escape(title)}: {total:,} samples</text>']
    rows: list[tuple[_Flame, float, int]] = [(root, 0.0, 0)]
    deepest = 0
    while rows:
        node, left, depth = rows.pop()
        for name, flame in sorted(node.above.items()):
            wide = flame.count / total * WIDTH
            if wide >= LEAST_PX and depth < DEEPEST:
                parts.append(_rect(name, flame.count / total, left, wide, top + 26 + depth * ROW))
                rows.append((flame, left, depth + 1))
                deepest = max(deepest, depth + 1)
            left += wide
    return parts, deepest


def _hue(name: str) -> float:
    """Functions of one module have one colour."""
    return sum(name.split(".", maxsplit=1)[0].encode()) * 37 % 360 / 360


def _rect(name: str, share: float, left: float, wide: float, top: int) -> str:
    colour = "#" + "".join(f"{round(part * 255):02x}" for part in hls_to_rgb(_hue(name), 0.74, 0.7))
    fits = int(wide / 6.2)
    words = name.split(".", 1)[-1]
    shown = words if len(words) <= fits else words[: fits - 1] + "…" if fits > 4 else ""
    label = f'<text x="{left + 13:.1f}" y="{top + 12}">{escape(shown)}</text>' if shown else ""
    return (
        f'<g><title>{escape(name)}: {share:.1%}</title><rect x="{left + 10:.1f}" y="{top}" width="{wide:.1f}" '
        f'height="{ROW - 1}" fill="{colour}"/>{label}</g>'
    )
