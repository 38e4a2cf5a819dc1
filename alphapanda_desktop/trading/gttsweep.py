"""The kill switch and the GTTs: they wait at the broker and would place their orders whatever the latch says."""

from __future__ import annotations

import asyncio

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.portfolio import Gtt, Gtts
from alphapanda_desktop.trading.books import Books


class GttSweep:
    """Deletes those that could open a position; those that only close one stay, unless positions are closed too."""

    def __init__(self, gtts: Gtts, books: Books) -> None:
        self._gtts = gtts
        self._books = books

    async def run(self, *, flatten: bool) -> tuple[bool, str]:
        """Whether nothing waits that should not, and what was done, in words."""
        try:
            active = [gtt for gtt in await self._gtts.list() if gtt.active]
        except AlphaPandaError as error:
            return False, f"GTTs could not be read: {error}"
        going = [gtt for gtt in active if flatten or not self._closes(gtt)]
        answers = await asyncio.gather(*(self._delete(gtt) for gtt in going))
        failures = [words for words in answers if words]
        parts = [f"{len(going) - len(failures)} deleted" if going else "none that could open a position"]
        if len(active) > len(going):
            parts.append(f"{len(active) - len(going)} that close a position stay")
        return not failures, "; ".join([*parts, *failures])

    async def _delete(self, gtt: Gtt) -> str:
        try:
            await self._gtts.delete(gtt.id)
        except AlphaPandaError as error:
            return f"GTT {gtt.id} on {gtt.key} could not be deleted: {error}"
        return ""

    def _closes(self, gtt: Gtt) -> bool:
        """Whether each of its orders can only shrink what is held now."""
        held = [(self._books.held(gtt.exchange, gtt.tradingsymbol, order.product), order) for order in gtt.orders]
        return all(count * order.sign < 0 and order.quantity <= abs(count) for count, order in held)
