"""What a strategy's process knows of its run, kept beside it: only what is news travels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.runbook import Brought
from alphapanda_desktop.hosting.papers import order_told
from alphapanda_desktop.hosting.wire import KINDS, Columns, joined, no_rows
from alphapanda_desktop.trading.seat import Sitting

MOST_TAGS: Final = 64
FEW_TAGS: Final = 32


class Mirror:
    """The process's picture of one run. Bars and prices are taken as they are when something happens, for that is what
    the strategy is to decide on; orders when it is told, for no decision should stand on an older position than known.
    """

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self._run = sitting.run
        self._bars: list[Columns] = [no_rows() for _ in self._run.instruments]
        self._versions = [-1] * len(self._run.instruments)
        self._prices: dict[int, float] = {}
        self._orders: dict[str, Order] = {}
        self._brought: Brought | None = None
        self._tags: set[str] = set()
        self._places = {instrument.instrument_token: n for n, instrument in enumerate(self._run.instruments)}
        self.stale = True
        """Whether orders may be others than were told."""

    def moment(self, places: Sequence[int]) -> dict[str, Any]:
        """The time, and the prices of these instruments that are others than before."""
        told = {place: price for place in places if (price := self._price(place)) is not None}
        new = {place: price for place, price in told.items() if self._prices.get(place) != price}
        self._prices |= new
        state: dict[str, Any] = {"now": self._sitting.clock.now_ns()}
        return state | {"prices": new} if new else state

    def ticked(self, place: int, tick: Tick) -> dict[str, Any]:
        """The time, and the price of a tick."""
        self._prices[place] = tick.last_price
        return {"now": self._sitting.clock.now_ns(), "i": place, "prices": {place: tick.last_price}}

    def _price(self, place: int) -> float | None:
        tick = self._sitting.market.latest(self._run.instruments[place].instrument_token)
        return tick.last_price if tick is not None else None

    def bars(self, places: Sequence[int]) -> tuple[dict[str, Any], bytes]:
        """Closed bars of these instruments that are news: from which row on, how many, and their numbers."""
        news: list[tuple[int, int, int]] = []
        body = b""
        for place in places:
            series = self._sitting.market.live_series(self._run.instruments[place], self._run.interval)
            found = self._new_rows(place, series)
            if found is not None:
                first, rows = found
                news.append((place, first, len(rows.start_s)))
                body += rows.as_bytes()
        return ({"bars": news} if news else {}), body

    def _new_rows(self, place: int, series: BarSeries) -> tuple[int, Columns] | None:
        version = series.history_version
        if version == self._versions[place]:
            return None
        known, now = self._bars[place], closed_of(series)
        first = _same(known, now)  # history may have told other values of bars long closed, and more of them
        rows = now.rows(first, len(now.start_s))
        self._versions[place] = version
        self._bars[place] = joined(known, first, rows)
        return first, rows

    def orders(self) -> dict[str, Any]:
        """Orders, and what was brought, that are news; and tags for orders to come."""
        state: dict[str, Any] = {}
        if self._brought is not self._run.brought:
            self._brought = self._run.brought
            state["brought"] = [[*where, *lots] for where, lots in self._run.brought.items()]
        if self.stale or len(self._orders) != len(self._run.orders):
            self.stale = False
            state |= self._changed_orders()
        if len(self._tags) < FEW_TAGS:
            fresh = [self._sitting.context.new_tag() for _ in range(MOST_TAGS - len(self._tags))]
            self._tags.update(fresh)
            state["tags"] = fresh
        return state

    def _changed_orders(self) -> dict[str, Any]:
        now = self._run.orders
        new = [order for tag, order in now.items() if self._orders.get(tag) is not order]
        gone = [tag for tag in self._orders if tag not in now]
        self._orders = dict(now)
        return ({"orders": [order_told(order) for order in new]} if new else {}) | ({"gone": gone} if gone else {})

    def takes_tag(self, tag: str) -> bool:
        """Whether the process was given that tag and has not used it; it is used from now on."""
        known = tag in self._tags
        self._tags.discard(tag)
        return known

    def place_of(self, instrument: Instrument) -> int:
        """An instrument's place among the run's."""
        return self._places[instrument.instrument_token]


def closed_of(series: BarSeries) -> Columns:
    """The closed bars of a series, as copies."""
    end = series.closed_count
    columns = (series.start_s, series.open, series.high, series.low, series.close, series.volume, series.oi)
    return Columns._make(column[:end].astype(kind) for column, kind in zip(columns, KINDS, strict=True))


def _same(before: Columns, now: Columns) -> int:
    """How many rows from the first on are the same in both."""
    most = min(len(before.start_s), len(now.start_s))
    differs = np.zeros(most, np.bool_)
    for old, new in zip(before, now, strict=True):
        differs |= old[:most] != new[:most]
    return int(differs.argmax()) if differs.any() else most
