"""What a person draws on a chart: lines, a rectangle, Fibonacci's levels, words, a measure; no Qt.

Drawings stand at times and prices, so that they stay with the market whatever interval is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Kind = Literal["line", "ray", "level", "box", "fibonacci", "text", "measure"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

TITLES: Final[dict[Kind, str]] = {
    "line": "Trend line",
    "ray": "Ray",
    "level": "Horizontal line",
    "box": "Rectangle",
    "fibonacci": "Fibonacci retracement",
    "text": "Text",
    "measure": "Measure",
}

RATIOS: Final = (0.0, 0.236, 0.382, 0.5, 0.618, 0.786, 1.0)
"""Where Fibonacci's levels stand between the second point and the first."""

Anchor = tuple[float, float]
"""Epoch second and price."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing; `points` are one or two anchors, as its kind has."""

    kind: Kind
    points: tuple[Anchor, ...]
    text: str = ""

    @classmethod
    def of(cls, row: dict[str, Any]) -> Drawing:
        """From what `asdict` made of it. Raises ValueError, TypeError or KeyError for anything else."""
        kind = row["kind"]
        points = tuple((float(at_s), float(price)) for at_s, price in row["points"])
        if kind not in KINDS or len(points) != points_of(kind):
            raise ValueError(f"{kind!r} with {len(points)} points is no drawing")
        if not all(math.isfinite(number) for point in points for number in point):
            raise ValueError(f"{kind} has a point that is nowhere")
        return cls(kind, points, str(row.get("text", "")))

    def moved(self, seconds: float, price: float) -> Drawing:
        """The same elsewhere."""
        return Drawing(self.kind, tuple((at_s + seconds, at + price) for at_s, at in self.points), self.text)

    def with_point(self, number: int, point: Anchor) -> Drawing:
        """The same with one anchor elsewhere."""
        points = tuple(point if k == number else kept for k, kept in enumerate(self.points))
        return Drawing(self.kind, points, self.text)


def points_of(kind: Kind) -> int:
    """How many anchors a drawing of this kind has."""
    return 1 if kind in ("level", "text") else 2


def levels(drawing: Drawing) -> list[tuple[float, float]]:
    """Ratio and price of each of Fibonacci's levels: 0 at the second point, 1 at the first."""
    (_, start), (_, end) = drawing.points
    return [(ratio, end + (start - end) * ratio) for ratio in RATIOS]
