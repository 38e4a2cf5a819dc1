"""Messages of Kite's websocket to who listens: frames into the sink's table or as ticks, orders, notices.

What cannot be read is left out, counted, and told once of each kind.  Source: CONTRACT 4.3, 4.8.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Clock, FeedSink
from alphapanda_desktop.domain.quotes import TableSink
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.packets import decode_frame

log = logging.getLogger(__name__)

SAID_ON_CONNECT: Final = frozenset({"instruments_meta", "app_code"})
"""Undocumented messages of every connection that mean nothing to a person.  Source: CONTRACT 4.8."""

LONGEST_NOTICE: Final = 500

OrderOf = Callable[[Mapping[str, object]], Order]
"""Order in an update off the wire; raises BadData, or ValueError, for what is none."""

OnFrame = Callable[[int, bytes], None]
"""Hears every binary frame as it came, with the epoch nanoseconds at which it was read."""


class Inbox:
    """Messages off the wire to the sink; what cannot be read is counted and told once per kind."""

    def __init__(
        self, sink: FeedSink, clock: Clock, order_of: OrderOf, problems: dict[str, int], on_frame: OnFrame | None
    ) -> None:
        self._sink = sink
        self._tables = sink if isinstance(sink, TableSink) else None
        self._on_frame = on_frame
        self._clock = clock
        self._order_of = order_of
        self._problems = problems

    def take(self, message: bytes | str) -> bool:
        """A message of the wire; whether `more` has to be called before the next one."""
        known, left = len(self._problems), False
        if isinstance(message, str):
            self._take_text(message)
        else:
            left = self._take_frame(message)
        if len(self._problems) > known:
            for kind in list(self._problems)[known:]:
                log.warning("feed: %s (said once, then only counted)", kind)
        return left

    def more(self) -> bool:
        """Go on with the last message; whether anything of it is left."""
        return self._tables is not None and self._tables.more()

    def _take_frame(self, frame: bytes) -> bool:
        received_ns = self._clock.now_ns()
        if self._on_frame is not None:
            self._on_frame(received_ns, frame)
        if self._tables is not None:
            batch = put_frame(self._tables.table, frame, received_ns, self._problems)
            return bool(len(batch.rows)) and self._tables.batch(batch)
        ticks = decode_frame(frame, received_ns, self._problems)
        if ticks:
            self._sink.ticks(ticks)
        return False

    def _take_text(self, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._count("text message that is no JSON object")
            return
        kind, data = str(message.get("type", "")), message.get("data")
        if kind == "order":
            self._take_order(data)
        elif kind not in SAID_ON_CONNECT:
            words = data if isinstance(data, str) else json.dumps(data)
            self._sink.notice(kind, words[:LONGEST_NOTICE])

    def _take_order(self, data: object) -> None:
        try:
            if not isinstance(data, Mapping):
                raise BadData(f"an object expected, {type(data).__name__} came")
            order = self._order_of(data)
        except (BadData, ValueError) as error:
            self._count("order update that cannot be read")
            log.warning("feed: an order update cannot be read: %s", error)
            self._sink.notice("error", "an update of an order could not be read: look at the order book")
            return
        self._sink.order(order)

    def _count(self, what: str) -> None:
        self._problems[what] = self._problems.get(what, 0) + 1
