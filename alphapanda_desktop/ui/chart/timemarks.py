"""Marks of the time axis, worked out for a stretch twice as wide as the view and kept while it is panned over."""

from __future__ import annotations

import math

import numpy as np

from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.scales import Floats, TimeMark, stride_of, time_marks
from alphapanda_desktop.ui.chart.series import Source


class TimeMarks:
    """Gives the marks of what a pane shows; labels stay where they are while it is panned."""

    def __init__(self, pane: Pane) -> None:
        self.source: Source | None = None
        self._pane = pane
        self._made_for: tuple[object, ...] = ()
        self._marks: list[TimeMark] = []
        self._upright = (np.empty(0), np.empty(0))

    def marks(self) -> list[TimeMark]:
        """Marks of this stretch; some may be out of sight."""
        self._catch_up()
        return self._marks

    def upright(self) -> tuple[Floats, Floats]:
        """Places of lines in bar numbers: at hours, and where days begin."""
        self._catch_up()
        return self._upright

    def _catch_up(self) -> None:
        source, pane = self.source, self._pane
        if source is None:
            self._made_for, self._marks, self._upright = (), [], (np.empty(0), np.empty(0))
            return
        span = 1 << max(3, math.ceil(math.log2(pane.x1 - pane.x0)))
        stretch = math.floor(pane.x0 / span) * span
        first, end = max(source.first, stretch - 1), min(source.end, stretch + 2 * span + 1)
        made_for = (source, pane.bar_px, first, end, source.history_version)
        if made_for == self._made_for:
            return
        self._made_for = made_for
        stride = stride_of(end - first)
        first = -(-first // stride) * stride  # whole strides, so that the same rows are looked at wherever it begins
        self._marks = time_marks(source.times(first, max(first, end), stride), first, pane.bar_px, stride)
        minor = [mark.x for mark in self._marks if not mark.major]
        major = [mark.x - 0.5 for mark in self._marks if mark.major]
        self._upright = (np.array(minor, np.float64), np.array(major, np.float64))
