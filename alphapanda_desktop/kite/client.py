"""The calls that change something at Kite: orders, triggers, conversions. Paper trading never has this page.

Two lanes more than the reader's. `cancels` cancels orders and deletes GTTs, so that nothing that hangs ever delays a
cancellation. `standing` makes and changes GTTs and converts, so that one of these without an answer delays neither
orders nor the reading of the books. What places and modifies orders shares the lane that reads the books. Nothing is
retried in here, and what got no clear answer is Unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.portfolio import GttRequest, Slices
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.kite import contract as kite
from alphapanda_desktop.kite.failures import Unwelcome
from alphapanda_desktop.kite.lane import Lane
from alphapanda_desktop.kite.limits import Rate
from alphapanda_desktop.kite.reader import ROOT, KiteReader

T = TypeVar("T")


class KiteClient(KiteReader):
    """Every REST call of one api_key. Belongs to one loop; `close` it at the end.

    With `trades` False it only reads: whatever would change something is Refused before anything leaves.
    Calls raise SessionEnded, NotPermitted, Rejected, RateLimited, Offline, BadData; what sends also Unknown.
    """

    def __init__(
        self, api_key: str, *, root: str = ROOT, clock: Clock, timeout_s: float = 7.0, trades: bool = True
    ) -> None:
        self.reads_only = not trades
        super().__init__(api_key, root=root, clock=clock, timeout_s=timeout_s)
        self._cancels = self._lane("kite-cancels")
        self._standing = self._lane("kite-standing")

    async def close(self) -> None:
        """Send nothing more; whoever waits is told. Does not wait for what is under way."""
        self._cancels.close()
        self._standing.close()
        await super().close()

    # --- orders ----------------------------------------------------------------------------------------------------

    async def place(self, variety: str, params: kite.Params) -> str:
        """The order_id of a new order: accepted, not executed. Raises Unknown where no clear answer came."""
        return await self._send("place order", lambda o: str(o.place_order(variety=variety, **params)))

    async def place_sliced(self, variety: str, params: kite.Params) -> Slices:
        """What became of an order that Kite itself cuts to the freeze quantity, in either of its answers' shapes.

        Raises Unknown where no clear answer came; some slices may stand then.
        """
        return await self._send(
            "place order", lambda o: kite.slices_from_wire(o.place_autoslice_order(variety=variety, **params))
        )

    async def modify(self, variety: str, order_id: str, params: kite.Params) -> str:
        """The order_id of a changed order. Raises Unknown where no clear answer came."""
        return await self._send(
            "modify order", lambda o: str(o.modify_order(variety=variety, order_id=order_id, **params))
        )

    async def cancel(self, variety: str, order_id: str, parent_order_id: str | None = None) -> str:
        """The order_id of an order asked to be cancelled; goes before whatever waits to be sent."""
        return await self._send(
            "cancel order",
            lambda o: str(o.cancel_order(variety, order_id, parent_order_id)),
            lane=self._cancels,
            urgent=True,
        )

    # --- triggers and positions ------------------------------------------------------------------------------------

    async def place_gtt(self, request: GttRequest) -> int:
        """The id of a new GTT. Raises Unknown where no clear answer came: read the list before asking again."""
        fields = kite.gtt_fields(request)
        return await self._stand("place GTT", lambda o: kite.trigger_id(o.place_gtt(**fields)))

    async def modify_gtt(self, id: int, request: GttRequest) -> int:
        """The id of a GTT whose condition and orders were replaced. Raises Unknown where no clear answer came."""
        fields = kite.gtt_fields(request)
        return await self._stand("modify GTT", lambda o: kite.trigger_id(o.modify_gtt(trigger_id=id, **fields)))

    async def delete_gtt(self, id: int) -> int:
        """The id of a GTT that was taken out; goes before whatever waits. Raises Unknown where no clear answer came."""
        return await self._send(
            "delete GTT",
            lambda o: kite.trigger_id(o.delete_gtt(id)),
            lane=self._cancels,
            rate=Rate.OTHER,
            urgent=True,
        )

    async def convert(self, params: kite.Params) -> None:
        """Move part of a position to another product. Raises Unknown where no clear answer came."""
        await self._stand("convert position", lambda o: kite.converted(o.convert_position(**params)))

    async def _stand(self, what: str, work: Callable[[Any], T]) -> T:
        return await self._send(what, work, lane=self._standing, rate=Rate.OTHER)

    async def _send(
        self,
        what: str,
        work: Callable[[Any], T],
        *,
        lane: Lane[Any] | None = None,
        rate: Rate = Rate.ORDER,
        urgent: bool = False,
    ) -> T:
        if self.reads_only:
            raise Refused(f"{what}: this window only reads from Kite and sends it no orders.", "mode")

        def send(official: Any) -> T:
            try:
                return work(official)
            except (LookupError, TypeError, BadData):  # the official client takes ["order_id"] of whatever came
                raise Unwelcome(200, "DataException", "the answer does not say what it did", garbled=True) from None

        token = self._token_in_use()
        return await self._call(what, send, lane or self._books, rate=rate, token=token, sends=True, urgent=urgent)
