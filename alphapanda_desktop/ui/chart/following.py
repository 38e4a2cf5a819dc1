"""Bars made of the bars of another series: they are brought up to date when somebody asks for them; no Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod

from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.pyramid import Columns, Pyramid


class Following(ABC):
    """Follows its origin whenever it is asked; `_catch_up` is its subclass's, and cheap where nothing is new."""

    def __init__(self, origin: BarSeries) -> None:
        self.origin = origin
        self.interval = origin.interval
        self._columns = Columns()
        self._pyramid = Pyramid(self._columns)
        self._seen = (-1, -1)
        """Versions of the origin and of its history that the columns are made of."""

    @abstractmethod
    def _catch_up(self) -> None:
        """Make the columns anew from the first row that changed."""

    @property
    def columns(self) -> Columns:
        self._catch_up()
        return self._columns

    @property
    def pyramid(self) -> Pyramid:
        self._catch_up()
        return self._pyramid

    @property
    def version(self) -> int:
        return self.origin.version

    @property
    def history_version(self) -> int:
        return self.origin.history_version
