"""Good-till-triggered orders on paper: they wait beside the paper book and place LIMIT orders when a price is reached.

Every change is noted in the journal as one event with the whole GTT, so that a restart knows what waits and what has
fired. One that fired in the moment of a crash is known by the order it placed, which carries its id.
"""

from __future__ import annotations

from asyncio import Event as Bell
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from alphapanda_desktop.domain.errors import Refused, Rejected, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import reached
from alphapanda_desktop.domain.orders import Order, OrderRequest, Product
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest, GttResult
from alphapanda_desktop.domain.ports import Clock, Event
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.paper_rules import bad_input

EVENT: Final = "paper gtt"
"""Kind of the journal's events that hold a GTT as it then was."""

ACTIVE_MAX: Final = 500
LIFE: Final = timedelta(days=365)
LISTED: Final = timedelta(days=7)
"""Most that may wait, how long one waits, and how long an ended one is listed.  Source: CONTRACT 2.13."""


class PaperGtts:
    """GTTs over a PaperBroker. Satisfies domain.portfolio.Gtts; give it every tick after the broker had it.

    `want` is told which instruments it needs ticks of. Keep `run` running: it writes down what fires between calls.
    """

    def __init__(
        self,
        broker: PaperBroker,
        clock: Clock,
        note: Callable[[Event], Awaitable[None]],
        want: Callable[[list[Instrument]], None] = lambda _: None,
    ) -> None:
        self.on_change: Callable[[Gtt], None] | None = None
        self._broker = broker
        self._clock = clock
        self._note = note
        self._want = want
        self._all: dict[int, Gtt] = {}
        self._active: dict[int, dict[int, Gtt]] = {}
        self._unwritten: deque[Event] = deque()
        self._bell = Bell()

    async def list(self) -> list[Gtt]:
        """Those that wait, and what became of the others of the last seven days."""
        self._expire(self._clock.now())
        since = self._clock.now() - LISTED
        return [gtt for gtt in self._all.values() if gtt.active or (gtt.updated_at or since) > since]

    async def place(self, request: GttRequest) -> int:
        """The id of a new GTT, once it is safely written down. Raises Refused, Rejected."""
        instrument = self._checked(request)
        if sum(gtt.active for gtt in self._all.values()) >= ACTIVE_MAX:
            raise bad_input(f"You have {ACTIVE_MAX} active triggers, the most that is allowed.")
        now = self._clock.now()
        made = Gtt(
            id=max(self._all, default=100_000) + 1,
            type=request.type,
            status="active",
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            trigger_values=request.trigger_values,
            last_price=request.last_price,
            orders=tuple(replace(order, result=None) for order in request.orders),
            instrument_token=instrument.instrument_token,
            created_at=now,
            updated_at=now,
            expires_at=now + LIFE,
        )
        return await self._write(made)

    async def modify(self, id: int, request: GttRequest) -> int:
        """The id of a GTT whose condition and orders were replaced. Raises Refused, Rejected."""
        known = self._waiting(id, "modified")
        instrument = self._checked(request)
        changed = replace(
            known,
            type=request.type,
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            trigger_values=request.trigger_values,
            last_price=request.last_price,
            orders=tuple(replace(order, result=None) for order in request.orders),
            instrument_token=instrument.instrument_token,
            updated_at=self._clock.now(),
        )
        return await self._write(changed)

    async def delete(self, id: int) -> int:
        """The id of a GTT that waits no more. Raises Rejected."""
        gone = replace(self._waiting(id, "deleted"), status="deleted", updated_at=self._clock.now())
        return await self._write(gone)

    def waits_for(self) -> Collection[int]:
        """Tokens of the instruments that active GTTs wait for."""
        return self._active.keys()

    def on_tick(self, tick: Tick) -> None:
        """Fire what this price has reached; the cached tick of another day fires nothing."""
        waiting = self._active.get(tick.instrument_token)
        if not waiting or not tick.last_price or not self._fresh(tick):
            return
        for gtt in list(waiting.values()):
            leg = reached(gtt.trigger_values, gtt.last_price, tick.last_price)
            if leg is not None and self._broker.trades_now(gtt.key):
                self._fire(gtt, leg, tick.last_price)

    def restore(self, events: Iterable[Event], orders: Iterable[Order]) -> None:
        """Take up what an earlier run noted, the events oldest first; `orders` tell of what fired and was not noted."""
        for event in events:
            gtt = gtt_of(event.detail)
            self._all[gtt.id] = gtt
        fired = {order.meta.get("gtt"): order.order_id for order in orders if order.meta.get("gtt")}
        for gtt in list(self._all.values()):
            if gtt.active and gtt.id in fired:
                self._all[gtt.id] = replace(gtt, status="triggered")
                self._unwritten.append(self._event(self._all[gtt.id]))
        self._index()

    async def run(self) -> None:
        """Write down what fired and what expired, as it happens, until cancelled."""
        while True:
            await self._drain()
            self._bell.clear()
            await self._bell.wait()

    def _checked(self, request: GttRequest) -> Instrument:
        problem = request.problem()
        if problem:
            raise Refused(f"GTT not made: {problem}", "gtt")
        instrument = self._broker.instrument(request.key)
        if instrument is None or not instrument.tradable:
            raise bad_input(f"The instrument {request.key} does not exist, has expired, or cannot be traded.")
        return instrument

    def _waiting(self, id: int, what: str) -> Gtt:
        gtt = self._all.get(id)
        if gtt is None:
            raise Rejected("Trigger not found.", "GeneralException", 404)
        if not gtt.active:
            raise bad_input(f"Trigger {id} is {gtt.status} and cannot be {what}.")
        return gtt

    def _fresh(self, tick: Tick) -> bool:
        at = tick.exchange_epoch_s
        today = self._clock.now().astimezone(IST).date()
        return not at or datetime.fromtimestamp(at, UTC).astimezone(IST).date() == today

    def _fire(self, gtt: Gtt, leg: int, price: float) -> None:
        order, now = gtt.orders[leg], self._clock.now()
        try:
            order_id = self._broker.place_now(_order_of(gtt, order), {"gtt": gtt.id})
            result = GttResult(status="success", order_id=order_id, triggered_at=price, at=now)
        except Rejected as error:
            result = GttResult(status="failed", rejection_reason=str(error), triggered_at=price, at=now)
        except SessionEnded:
            return  # nobody is logged in: it waits, as it would for a market that is closed
        orders = tuple(replace(one, result=result) if n == leg else one for n, one in enumerate(gtt.orders))
        self._keep(replace(gtt, status="triggered", orders=orders, updated_at=now))

    def _expire(self, now: datetime) -> None:
        for gtt in list(self._all.values()):
            if gtt.active and gtt.expires_at and gtt.expires_at <= now:
                self._keep(replace(gtt, status="expired", updated_at=now))

    async def _write(self, gtt: Gtt) -> int:
        """Keep a GTT once it is written down: what could not be written is not said to wait."""
        await self._drain()
        await self._note(self._event(gtt))
        self._set(gtt)
        return gtt.id

    def _keep(self, gtt: Gtt) -> None:
        self._unwritten.append(self._event(gtt))
        self._set(gtt)
        self._bell.set()

    def _set(self, gtt: Gtt) -> None:
        self._all[gtt.id] = gtt
        self._index()
        if self.on_change is not None:
            self.on_change(gtt)

    def _index(self) -> None:
        self._active = {}
        for gtt in self._all.values():
            if gtt.active:
                self._active.setdefault(gtt.instrument_token, {})[gtt.id] = gtt
        found = {gtt.key: self._broker.instrument(gtt.key) for gtt in self._all.values() if gtt.active}
        self._want([instrument for instrument in found.values() if instrument is not None])

    async def _drain(self) -> None:
        while self._unwritten:
            await self._note(self._unwritten[0])
            self._unwritten.popleft()

    def _event(self, gtt: Gtt) -> Event:
        return Event(EVENT, self._clock.now(), detail_of(gtt))


def detail_of(gtt: Gtt) -> dict[str, object]:
    """A GTT as the journal keeps it."""
    return cast("dict[str, object]", _plain(asdict(gtt)))


def gtt_of(detail: Mapping[str, object]) -> Gtt:
    """The GTT of `detail_of`."""
    fields: dict[str, Any] = dict(detail)
    for name in ("created_at", "updated_at", "expires_at"):
        fields[name] = _time(fields.get(name))
    fields["trigger_values"] = tuple(fields["trigger_values"])
    fields["orders"] = tuple(_gtt_order(dict(order)) for order in fields["orders"])
    return Gtt(**fields)


def _gtt_order(fields: dict[str, Any]) -> GttOrder:
    result = fields.get("result")
    if result is not None:
        fields["result"] = GttResult(**{**result, "at": _time(result.get("at"))})
    return GttOrder(**fields)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _plain(value: object) -> object:
    """The value with times as ISO text, all the way down."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _order_of(gtt: Gtt, order: GttOrder) -> OrderRequest:
    return OrderRequest(
        exchange=gtt.exchange,
        tradingsymbol=gtt.tradingsymbol,
        instrument_token=gtt.instrument_token,
        transaction_type=order.transaction_type,
        quantity=order.quantity,
        product=cast("Product", order.product),
        order_type="LIMIT",
        price=order.price,
        tag="",
    )
