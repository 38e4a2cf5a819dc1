"""The indicators of one chart: those over the candles, and those in panes of their own beneath."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from PySide6.QtCore import QRect, Qt

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.axes import PriceAxis
from alphapanda_desktop.ui.chart.items import Floats, GridItem, Item
from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.overlay import Over, Touch, Word, Words
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import CandleSource, Source
from alphapanda_desktop.ui.chart.studies import GUIDES, Study
from alphapanda_desktop.ui.chart.studyitem import GuidesItem, StudyItem

SHARE: Final = 0.19
"""Of the chart's height, for one pane; several share `MOST`."""

MOST: Final = 0.55
HEAD_PX: Final = 20.0
"""Room for the words above the highest value."""

AIR: Final = 0.08

Upright = Callable[[], tuple[Floats, Floats]]


class Lower:
    """A pane with a scale and words of its own, for one indicator."""

    def __init__(self, item: StudyItem, touch: Touch, labels: Labels, words: Labels, upright: Upright) -> None:
        self.item = item
        self.pane = Pane()
        self.axis = PriceAxis(touch, self.pane, labels)
        self.axis.text_of, self.axis.finest, self.axis.count_limit = self.text_of, 1e-6, 3
        self.axis.has_prices, self.axis.count_least = True, 2
        self.words = Words(touch, words, Qt.AlignmentFlag.AlignLeft)
        self._guides = GUIDES.get(item.study.name, ())
        grid = GridItem(lambda: (*upright(), self.axis.marks()), topped=True)
        self.items: list[Item] = [grid, GuidesItem(self._guides), item]

    def text_of(self, value: float) -> str:
        """A value with as many decimals as the scale tells apart."""
        if abs(value) >= 1e7:
            return ("-" if value < 0 else "") + formats.volume(abs(value))
        decimals = min(6, max(0, 2 - math.floor(math.log10(self.pane.high - self.pane.low))))
        return formats.grouped(value, min(decimals, 2) if abs(value) >= 1 else decimals)

    def fit(self) -> bool:
        """Show the values in sight, with air; whether the scale moved."""
        found = self.item.extremes(self.pane)
        self.axis.has_prices = found is not None
        if found is None:
            return False
        low, high = min(found[0], *self._guides, found[0]), max(found[1], *self._guides, found[1])
        if "columns" in self.item.curve.shapes:
            low, high = min(low, 0.0), max(high, 0.0)
        spare = max((high - low) * AIR, abs(high) * 1e-6, 1e-9)
        above = (high - low + 2 * spare) * HEAD_PX / max(self.pane.height() - HEAD_PX, 1.0)
        return self.pane.set_prices(low - spare, high + spare + above)

    def place(self, place: QRect, wide: int) -> None:
        """Stand here, with a scale so wide at the right."""
        self.pane.place = place
        self.axis.place = QRect(place.left() + place.width(), place.top(), wide, place.height())
        self.words.set_room(place.adjusted(4, 1, -4, -1))

    @property
    def room(self) -> QRect:
        """All of it, with its scale."""
        return self.pane.place.united(self.axis.place)


class StudySet:
    """What a surface shows of indicators; empty where it draws no candles."""

    def __init__(self, touch: Touch, labels: Labels, words: Labels, upright: Upright) -> None:
        self.wanted: tuple[Study, ...] = ()
        self.over: list[StudyItem] = []
        self.lower: list[Lower] = []
        self._made_with = (touch, labels, words, upright)

    def bind(self, source: Source | None) -> None:
        """Show what is wanted over this source."""
        made = [StudyItem(study, source) for study in self.wanted] if isinstance(source, CandleSource) else []
        self.over = [item for item in made if item.study.over]
        self.lower = [Lower(item, *self._made_with) for item in made if not item.study.over]

    def parts(self) -> Iterable[Over]:
        """What lies over the sheet."""
        return (part for lower in self.lower for part in (lower.words, lower.axis))

    def heights(self, whole: int) -> list[int]:
        """Of the panes, from the top one."""
        share = min(SHARE, MOST / max(1, len(self.lower)))
        return [round(whole * share) for _ in self.lower]

    def show_rows(self, x0: float, x1: float) -> None:
        """The window moved."""
        for lower in self.lower:
            lower.pane.x0, lower.pane.x1 = x0, x1

    def fit(self) -> list[Lower]:
        """Fit all scales; those panes whose moved."""
        return [lower for lower in self.lower if lower.fit()]

    def places_of_last(self, prices: Pane) -> tuple[QRect, list[QRect]]:
        """All pixels that the newest bar moves over the candles, and in each pane beneath."""
        over = QRect()
        for item in self.over:
            over = over.united(item.place_of_last(prices))
        return over, [lower.item.place_of_last(lower.pane) for lower in self.lower]

    def say(self, row: int, text_of: Callable[[float], str]) -> Sequence[list[Word]]:
        """Lines of words about a bar for those over the candles; the others say theirs in their panes."""
        for lower in self.lower:
            lower.words.say(lower.item.words(row, lower.text_of))
        return [item.words(row, text_of) for item in self.over]
