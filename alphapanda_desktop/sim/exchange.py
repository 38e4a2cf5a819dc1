"""Orders through their life: accepted, sent, triggered, filled, modified, cancelled, and what grows out of them.

Source: CONTRACT 2.4 to 2.8. Fills follow `domain.matching`, as in paper trading and backtests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import (
    AUTOMATIC_PROTECTION_PCT,
    Execution,
    Quote,
    arriving,
    protection_price,
    quote_of,
    resting,
    triggered,
)
from alphapanda_desktop.domain.orders import RESTING
from alphapanda_desktop.sim import checks
from alphapanda_desktop.sim.accounts import listed
from alphapanda_desktop.sim.answers import KiteError, bad_input, ist, stamp
from alphapanda_desktop.sim.book import Book, iceberg_of
from alphapanda_desktop.sim.checks import Ask
from alphapanda_desktop.sim.limits import MODIFICATIONS_PER_ORDER, Limits
from alphapanda_desktop.sim.making import booked_as, first_leg, made, other, sibling
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory
from alphapanda_desktop.sim.orders import SimOrder
from alphapanda_desktop.sim.switches import Switches

_CHANGES_OF_COVER: Final = ("price", "trigger_price")
_CHANGES: Final = (
    "order_type", "quantity", "price", "trigger_price", "disclosed_quantity", "validity", "validity_ttl",
)  # fmt: skip

_DAY_STARTS_S: Final = 6 * 3600 - 19_800
"""Seconds after midnight UTC at which an Indian trading day begins (06:00 IST)."""


class Exchange:
    """All that may be done with orders. Owns the book; one loop, no locks.

    An order is accepted by `place` and goes on by `settle`, so that a reply may come before or after its fills.
    """

    def __init__(
        self, market: Market, book: Book, now_s: Callable[[], float], memory: Memory, switches: Switches,
        limits: Limits, user_id: str,
    ) -> None:  # fmt: skip
        self.book = book
        self.refuses: Callable[[], str] = lambda: ""
        self.too_late: Callable[[Instrument], bool] = lambda _: False
        self._market = market
        self._now_s = now_s
        self._memory = memory
        self._switches = switches
        self._limits = limits
        self._user_id = user_id
        self._unsettled: dict[str, SimOrder] = {}
        self._day = self._day_kept()
        for order in book.working():
            if order.status not in RESTING:
                self._unsettled[order.order_id] = order

    # --- place --------------------------------------------------------------------------------------------------

    @property
    def _protects(self) -> bool:
        return self._switches.market_protection == "on"

    def place(self, variety: str, form: Mapping[str, str], meta: dict[str, object] | None = None) -> object:
        """Accept an order, or the slices of one; `data` of the answer. KiteError when Kite itself refuses."""
        self._limits.order()
        ask = checks.read_ask(variety, form, self._market.by_key, protection=self._protects)
        if not ask.autoslice or variety == "iceberg":
            return {"order_id": self.accept(ask, meta=meta).order_id}
        limit = checks.freeze_quantity(ask.instrument)
        if ask.quantity > limit:
            return self._slices(ask, limit)
        order_id = self.accept(ask).order_id
        return [{"order_id": order_id}] if self._switches.autoslice == "v1" else {"order_id": order_id, "children": []}

    def _slices(self, ask: Ask, limit: int) -> object:
        parts = [limit] * (ask.quantity // limit) + ([ask.quantity % limit] if ask.quantity % limit else [])
        if len(parts) > checks.SLICES_MAX:
            raise bad_input(f"{len(parts)} slices are needed, {checks.SLICES_MAX} are allowed.")
        self._limits.order(len(parts) - 1)
        parent = self.book.ids.order(self._now_s())
        children: list[dict[str, object]] = []
        for quantity in parts:
            try:
                order = self.accept(replace(ask, quantity=quantity), ["autoslice", f"autoslice:{parent}"])
                children.append({"order_id": order.order_id})
            except KiteError as error:
                told = {"code": error.status, "error_type": error.error_type, "message": error.message, "data": None}
                children.append({"error": told})
        return children if self._switches.autoslice == "v1" else {"order_id": parent, "children": children}

    def accept(self, ask: Ask, tags: list[str] | None = None, meta: dict[str, object] | None = None) -> SimOrder:
        """Check against the market and the account, and enter the order; it goes on when settled."""
        self._check_now(ask)
        first = replace(ask, quantity=ask.leg_quantity) if ask.leg_quantity else ask
        last = self._market.picture(ask.instrument.instrument_token).last_price
        price = ask.price or ask.trigger_price or last
        opening, per_unit = self.book.accounts.check(
            ask.instrument, ask.transaction_type, booked_as(ask), first.quantity, price
        )
        if opening and booked_as(ask) in ("MIS", "CO") and ask.variety != "amo" and self.too_late(ask.instrument):
            raise bad_input("Intraday orders are not allowed after the square-off.")
        if ask.leg_quantity and meta is None:
            meta = {"iceberg": first_leg(ask)}
        order = self._created(first, tags or [], meta or {})
        order.opening, order.per_unit = opening, per_unit
        self.book.enter(order)
        self.book.move(order, "VALIDATION PENDING")
        self._unsettled[order.order_id] = order
        self._market.watched.add(order.instrument_token)
        return order

    def _check_now(self, ask: Ask) -> None:
        token = ask.instrument.instrument_token
        last, band = self._market.picture(token).last_price, self._market.circuit(token)
        old = not self._protects
        checks.check_size(ask, ask.leg_quantity or ask.quantity, ask.price or last)
        self._check_hours(ask)
        if ask.price:
            checks.check_tick(ask.instrument, ask.price, "price", old_ticks=old)
            checks.check_band(ask.price, band)
        if ask.trigger_price and (ask.order_type in ("SL", "SL-M") or ask.variety == "co"):
            checks.check_tick(ask.instrument, ask.trigger_price, "trigger price", old_ticks=old)
            side = other(ask.transaction_type) if ask.variety == "co" else ask.transaction_type
            if not old:
                checks.check_trigger(side, ask.trigger_price, last, band)

    def _check_hours(self, ask: Ask) -> None:
        if self._switches.hours != "real" or ask.variety == "auction":
            return
        is_open = self._market.is_open(ask.instrument)
        if ask.variety == "amo":
            checks.check_amo(ask.instrument.exchange, ist(self._now_s()))
        elif not is_open:
            raise bad_input("Markets are closed right now. Place an after market order (AMO) for the next session.")

    def _created(self, ask: Ask, tags: list[str], meta: dict[str, object]) -> SimOrder:
        order = made(ask, self.book.ids.order(self._now_s()), self._user_id, tags, meta)
        self._protect(order, ask.market_protection)
        return order

    def _protect(self, order: SimOrder, percent: float) -> None:
        """Turn a market order into the limit order that its protection allows."""
        if not percent or order.order_type not in ("MARKET", "SL-M"):
            return
        token = order.instrument_token
        start = order.trigger_price if order.order_type == "SL-M" else self._market.picture(token).last_price
        lower, upper = self._market.circuit(token)
        price = protection_price(order.transaction_type, start, percent, self._instrument(order))
        order.price = min(max(price, lower), upper)
        order.order_type = "SL" if order.order_type == "SL-M" else "LIMIT"
        used = AUTOMATIC_PROTECTION_PCT if percent < 0 else percent
        order.tags += ["mktp", f"mktp:{used:.2f}"]

    # --- life cycle ---------------------------------------------------------------------------------------------

    def settle(self, order_id: str) -> None:
        """Take an accepted order on to the exchange; nothing when that has happened."""
        order = self._unsettled.pop(order_id, None)
        if order is None or not order.live:
            return
        if order.variety == "amo":
            at = datetime.fromtimestamp(self._now_s(), UTC)
            order.due_s = calendar.next_open(order.exchange, at).timestamp()
            self.book.move(order, "AMO REQ RECEIVED")
        else:
            self._send(order)

    def settle_all(self) -> None:
        for order_id in list(self._unsettled):
            self.settle(order_id)

    def _send(self, order: SimOrder) -> None:
        reason = self.refuses() or self._exchange_refusal(order)
        if reason:
            self.book.reject(order, reason, f"RMS:Rule: {reason} for entity account-{self._user_id}")
            return
        self.book.move(order, "OPEN PENDING")
        order.exchange_order_id = self.book.ids.exchange()
        order.exchange_timestamp = stamp(self._now_s())
        if order.validity == "TTL":
            order.last_second = self._now_s() + order.validity_ttl * 60
        if order.order_type in ("SL", "SL-M"):
            self.book.move(order, "TRIGGER PENDING")
        else:
            self._open(order)

    def _exchange_refusal(self, order: SimOrder) -> str:
        if order.order_type not in ("SL", "SL-M") or order.parent_order_id:
            return ""
        last = self._market.picture(order.instrument_token).last_price
        return checks.wrong_side(order.transaction_type, order.trigger_price, last)

    def _open(self, order: SimOrder) -> None:
        self.book.move(order, "OPEN")
        if order.variety == "auction" or not self._market.is_open(self._instrument(order)):
            return
        for execution in arriving(order.transaction_type, order.limit, order.open_quantity, self._quote(order)):
            self.book.fill(order, execution)
        if order.live and order.validity == "IOC":
            self._end(order)
        elif not order.live:
            self._follow_up(order)

    def tokens(self) -> set[int]:
        """Instruments whose ticks it needs."""
        return {order.instrument_token for order in self.book.working()}

    def on_step(self, moved: Mapping[int, Tick]) -> None:
        """What one step of the market does to the book; `moved` are the new ticks by token."""
        self.roll_over()
        now_s = self._now_s()
        for order in self.book.working():
            if order.order_id in self._unsettled:
                continue
            if order.status == "AMO REQ RECEIVED" and now_s >= order.due_s:
                self._send(order)
            elif order.last_second and now_s >= order.last_second:
                self._end(order)
            elif order.instrument_token in moved and self._market.is_open(self._instrument(order)):
                self._match(order, moved[order.instrument_token])

    def _match(self, order: SimOrder, tick: Tick) -> None:
        if order.status == "TRIGGER PENDING":
            if triggered(order.transaction_type, order.trigger_price, tick.last_price):
                self._trigger(order)
        elif order.status == "OPEN" and order.variety != "auction":
            quote, limit = quote_of(tick), order.limit
            if limit is None:
                fills = arriving(order.transaction_type, None, order.open_quantity, quote)
            else:
                fills = resting(order.transaction_type, limit, order.open_quantity, quote)
            for execution in fills:
                self.book.fill(order, execution)
            if not order.live:
                self._follow_up(order)

    def _trigger(self, order: SimOrder) -> None:
        order.order_type = "MARKET" if order.order_type == "SL-M" else "LIMIT"
        self._open(order)

    def _end(self, order: SimOrder) -> None:
        order.cancelled_quantity = order.open_quantity
        self.book.move(order, "CANCELLED")
        self._follow_up(order)

    def _follow_up(self, order: SimOrder) -> None:
        """What the end of one order starts: the next leg of an iceberg, the stop of a cover order."""
        iceberg = iceberg_of(order)
        if iceberg and order.status == "COMPLETE" and iceberg["remaining_quantity"] > 0:
            self._next_leg(order, iceberg)
        if order.variety == "co" and order.parent_order_id is None and order.filled_quantity:
            self._cover(order)

    def _next_leg(self, order: SimOrder, iceberg: dict[str, int]) -> None:
        size = min(iceberg["leg_quantity"], iceberg["remaining_quantity"])
        meta = iceberg | {"leg": iceberg["leg"] + 1, "remaining_quantity": iceberg["remaining_quantity"] - size}
        leg = self._sibling(order, quantity=size, meta={"iceberg": meta})
        try:
            self._limits.order()
            leg.opening, leg.per_unit = self.book.accounts.check(
                self._instrument(order), order.transaction_type, order.product, size, order.price or order.average_price
            )
        except KiteError as error:
            self.book.enter(leg)
            self.book.reject(leg, f"{error.message} Check the orderbook for open orders.", f"RMS:{error.message}")
            return
        self._begin(leg)

    def _cover(self, order: SimOrder) -> None:
        leg = self._sibling(order, quantity=order.filled_quantity, meta={})
        leg.parent_order_id = order.order_id
        leg.transaction_type = other(order.transaction_type)
        leg.order_type, leg.price = "SL-M", 0.0
        self._protect(leg, -1.0 if self._protects else 0.0)
        self._begin(leg)

    def _sibling(self, order: SimOrder, quantity: int, meta: dict[str, object]) -> SimOrder:
        return sibling(order, self.book.ids.order(self._now_s()), quantity, meta)

    def _begin(self, order: SimOrder) -> None:
        self.book.enter(order)
        self.book.move(order, "VALIDATION PENDING")
        self._send(order)

    # --- modify and cancel --------------------------------------------------------------------------------------

    def modify(self, variety: str, order_id: str, form: Mapping[str, str]) -> str:
        """Change a resting order; its id. KiteError when Kite refuses."""
        order = self._resting(variety, order_id, "modified")
        if order.modifications >= MODIFICATIONS_PER_ORDER:
            raise bad_input("Maximum allowed order modifications exceeded.")
        changed = self._changed(order, form)
        rests_in = order.status
        order.modifications += 1
        for status in ("MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED"):
            self.book.move(order, status)
        for name, value in changed.items():
            setattr(order, name, value)
        order.modified = True
        order.last_second = self._now_s() + order.validity_ttl * 60 if order.validity == "TTL" else 0.0
        stop_leg = order.parent_order_id is not None and self._protects
        self._protect(order, -1.0 if stop_leg else checks.number(form, "market_protection"))
        if rests_in == "AMO REQ RECEIVED":
            self.book.move(order, rests_in)
        elif order.order_type in ("SL", "SL-M"):
            self.book.move(order, "TRIGGER PENDING")
        else:
            self._open(order)
        return order.order_id

    def _changed(self, order: SimOrder, form: Mapping[str, str]) -> dict[str, object]:
        """The new values of a modification, checked as a placement of the whole would be."""
        given = {name: value for name, value in form.items() if value != ""}
        cover = order.variety == "co"
        fields = _CHANGES_OF_COVER if cover else _CHANGES
        now: dict[str, str] = {
            "order_type": order.order_type,
            "quantity": str(order.quantity),
            "price": repr(order.price) if order.price else "",
            "trigger_price": repr(order.trigger_price) if order.trigger_price else "",
            "disclosed_quantity": str(order.disclosed_quantity),
            "validity": order.validity,
            "validity_ttl": str(order.validity_ttl),
            "market_protection": given.get("market_protection", ""),
            "tradingsymbol": order.tradingsymbol,
            "exchange": order.exchange,
            "transaction_type": order.transaction_type,
            "product": "MIS" if order.product == "CO" else order.product,
        }
        now |= {name: given[name] for name in fields if name in given}
        if order.parent_order_id is not None:
            now |= {"order_type": "SL-M", "market_protection": "-1"}
        ask = checks.read_ask("regular", now, self._market.by_key, protection=self._protects)
        if ask.quantity < order.filled_quantity:
            raise bad_input(f"Quantity {ask.quantity} is below the {order.filled_quantity} already filled.")
        self._check_now(replace(ask, variety="amo") if order.variety == "amo" else ask)
        opening, per_unit = self._refunded(order, ask)
        return {
            "order_type": ask.order_type, "quantity": ask.quantity, "price": ask.price,
            "trigger_price": ask.trigger_price, "disclosed_quantity": ask.disclosed_quantity, "validity": ask.validity,
            "validity_ttl": ask.validity_ttl, "opening": opening, "per_unit": per_unit,
        }  # fmt: skip

    def _refunded(self, order: SimOrder, ask: Ask) -> tuple[int, float]:
        """Margin of the order as it will be, with its present block given back first."""
        kept = order.quantity, order.opening
        order.quantity, order.opening = order.filled_quantity, 0
        try:
            price = ask.price or self._market.picture(order.instrument_token).last_price
            rest = ask.quantity - order.filled_quantity
            return self.book.accounts.check(ask.instrument, ask.transaction_type, order.product, rest, price)
        finally:
            order.quantity, order.opening = kept

    def cancel(self, variety: str, order_id: str, parent_order_id: str = "") -> str:
        """Take a resting order out, or exit a cover order through its stop; its id."""
        order = self._resting(variety, order_id, "cancelled")
        if order.parent_order_id and parent_order_id and order.parent_order_id != parent_order_id:
            raise bad_input("Invalid `parent_order_id`.")
        if order.variety == "co" and order.parent_order_id:
            order.order_type, order.price = "MARKET", 0.0
            self._open(order)
            return order.order_id
        self.book.move(order, "CANCEL PENDING")
        self._end(order)
        return order.order_id

    def _resting(self, variety: str, order_id: str, what: str) -> SimOrder:
        self.settle(order_id)
        order = self.book.get(order_id)
        if order.variety != variety:
            raise bad_input("Invalid `variety`.")
        if order.status not in RESTING:
            raise KiteError(400, "OrderException", f"Order cannot be {what}. It is {order.status}.")
        return order

    def history(self, order_id: str) -> list[dict[str, object]]:
        """`data` of GET /orders/{id}."""
        self.settle(order_id)
        return self.book.get(order_id).history

    def carry_out(
        self, method: str, where: Mapping[str, str], form: Mapping[str, str], query: Mapping[str, str]
    ) -> object:
        """What POST, PUT and DELETE on /orders do; `data` of the answer."""
        if method == "POST":
            return self.place(where["variety"], form)
        if method == "PUT":
            return {"order_id": self.modify(where["variety"], where["order_id"], form)}
        parent = query.get("parent_order_id", "")
        return {"order_id": self.cancel(where["variety"], where["order_id"], parent)}

    def square_off(self, form: Mapping[str, str]) -> None:
        """Place the exchange's own order that closes a position of the day."""
        ask = checks.read_ask("regular", form, self._market.by_key, protection=self._protects)
        self.settle(self.accept(ask, meta={"square_off": True}).order_id)

    def trade(self, order: SimOrder, execution: Execution) -> None:
        """Book one execution of an open order, whatever the market shows."""
        self.book.fill(order, execution)
        if not order.live:
            self._follow_up(order)

    @property
    def unsettled(self) -> list[str]:
        """Ids of orders that were accepted and have yet to be sent on."""
        return list(self._unsettled)

    def start_over(self) -> None:
        """An empty book and a fresh account."""
        self._unsettled.clear()
        self.book.start_over()

    # --- days ---------------------------------------------------------------------------------------------------

    def _day_kept(self) -> int:
        for row in self._memory.rows("day"):
            return int(str(row["number"]))
        self._keep_day(self._today())
        return self._today()

    def _keep_day(self, number: int) -> None:
        self._memory.put("day", "day", {"number": number})

    def _today(self) -> int:
        return int((self._now_s() - _DAY_STARTS_S) // timedelta(days=1).total_seconds())

    def roll_over(self) -> None:
        """Begin a new trading day once 06:00 IST has passed."""
        today = self._today()
        if today == self._day:
            return
        earlier, self._day = today < self._day, today
        self._keep_day(today)
        if earlier:  # the clock was set back: the same book goes on
            return
        self._unsettled.clear()
        self.book.new_day()
        self._limits.new_day()

    # --- looking up ---------------------------------------------------------------------------------------------

    def _instrument(self, order: SimOrder) -> Instrument:
        return listed(self._market, order.instrument_token)

    def _quote(self, order: SimOrder) -> Quote:
        return quote_of(self._market.picture(order.instrument_token))
