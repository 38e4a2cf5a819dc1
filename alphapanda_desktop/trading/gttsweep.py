"""The kill switch and the GTTs: they wait at the broker and would place their orders whatever the latch says."""

from __future__ import annotations

import asyncio

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.portfolio import Gtt, Gtts
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.gttdoubts import Doubt
from alphapanda_desktop.trading.gttfit import that_only_close
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S
from alphapanda_desktop.trading.trim import surplus_gtts


class GttSweep:
    """Deletes those that could open a position; those that together only close stay, unless positions are closed too.

    A GTT whose answer never came may come to stand after any look: until it turns up, or is given up as an order
    without an answer is, it is not known whether all are gone.
    """

    def __init__(self, gtts: Gtts, books: Books, clock: Clock) -> None:
        self._gtts = gtts
        self._books = books
        self._clock = clock

    def doubts(self) -> list[Doubt]:
        """GTTs asked for that may yet come to stand."""
        return self._books.gtt_doubts.still(self._clock.monotonic_s(), GIVE_UP_AFTER_S)

    async def trim(self) -> str:
        """Only exits pass from now on: delete those that are none; what was done, in words, empty for nothing."""
        try:
            active = sorted((gtt for gtt in await self._gtts.list() if gtt.active), key=lambda gtt: gtt.id)
        except AlphaPandaError as error:
            return f"GTTs could not be read, one may still open a position: {error}"
        going = surplus_gtts(active, self._books)
        failures = [words for words in await asyncio.gather(*(self._delete(gtt) for gtt in going)) if words]
        done = [f"GTTs deleted: {len(going) - len(failures)}"] if len(going) > len(failures) else []
        return "; ".join([*done, *failures])

    async def run(self, *, flatten: bool) -> tuple[bool | None, str]:
        """Whether nothing waits that should not, None where that cannot be known yet, and what was done, in words."""
        try:
            active = sorted((gtt for gtt in await self._gtts.list() if gtt.active), key=lambda gtt: gtt.id)
        except AlphaPandaError as error:
            return False, f"GTTs could not be read: {error}"
        staying = [] if flatten else that_only_close(active, self._books)
        going = [gtt for gtt in active if gtt not in staying]
        answers = await asyncio.gather(*(self._delete(gtt) for gtt in going))
        failures = [words for words in answers if words]
        parts = [f"{len(going) - len(failures)} deleted" if going else "none that could open a position"]
        if staying:
            parts.append(f"{len(staying)} that close a position stay")
        doubts = [f"not known: {doubt.words}, was never answered; looked for again" for doubt in self.doubts()]
        return (False if failures else None if doubts else True), "; ".join([*parts, *failures, *doubts])

    async def _delete(self, gtt: Gtt) -> str:
        try:
            await self._gtts.delete(gtt.id)
        except AlphaPandaError as error:
            return f"GTT {gtt.id} on {gtt.key} could not be deleted: {error}"
        return ""
