"""The feed of a recorded day: what was recorded comes again when its time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import final

from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import FeedSink, LinkReport, LinkState
from alphapanda_desktop.domain.quotes import TableSink
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.control import Player

OnFrame = Callable[[int, bytes], None]


class Recorded:
    """What every feed of a recording has in common: nobody can be asked for anything.

    All that was recorded comes, watched or not, in the mode in which it was recorded; what was not cannot be had.
    """

    def watch(self, tokens: Iterable[int], mode: Mode) -> None:
        """Nothing: it comes if it was recorded."""

    def unwatch(self, tokens: Iterable[int]) -> None:
        """Nothing: it goes on coming, for a row of the table and no more."""

    def renew(self, session: Session) -> None:
        """Nothing: a recording knows no login."""


@final
class ReplayFeed(Recorded):
    """Feed over a player.

    `snapshot` is a frame of what was known when the replay begins; `on_frame` hears each frame as it is told;
    `problems` counts what of the frames could not be read.
    """

    def __init__(
        self, player: Player, snapshot: bytes, on_frame: OnFrame | None = None, problems: dict[str, int] | None = None
    ) -> None:
        self._player = player
        self._snapshot = snapshot
        self._on_frame = on_frame
        self.problems = {} if problems is None else problems

    async def run(self, sink: FeedSink) -> None:
        """Tell what the player plays until cancelled."""
        tables = sink if isinstance(sink, TableSink) else None

        def take(at_ns: int, frame: bytes) -> bool:
            if self._on_frame is not None:
                self._on_frame(at_ns, frame)
            if tables is not None:
                batch = put_frame(tables.table, frame, at_ns, self.problems)
                return bool(len(batch.rows)) and tables.batch(batch)
            sink.ticks(decode_frame(frame, at_ns, self.problems))
            return False

        def more() -> bool:
            return tables is not None and tables.more()

        sink.link(LinkReport(LinkState.UP, "Recorded market data, in ticks a second of the recorded day"))
        if self._snapshot:
            take(self._player.position_ns, self._snapshot)
            while more():
                pass
        try:
            await self._player.run(take, more)
        finally:
            sink.link(LinkReport(LinkState.OFF))
