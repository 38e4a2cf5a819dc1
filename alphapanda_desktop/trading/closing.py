"""Exits that wait: what rests on the closing side is withdrawn first, and only what is then still held is closed.

Sending both at once could close a position twice, and so open the opposite one, just when the price moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.shares import Shares

AGAIN_S: Final = 5.0
"""How long before a withdrawal that was not confirmed, or an exit that was refused, is asked for again."""

TRIES_AFTER_END: Final = 3
"""How often a refused exit is asked for again once its run is over; then a person must see to it, and was told."""


@dataclass(slots=True)
class Wait:
    """One exit on its way. `sign` is that of the position it closes; `sent` once its order was handed in."""

    instrument: Instrument
    product: Product
    sign: int
    tag: str
    reason: str
    sent: bool = False
    told: bool = False
    repeats: int = 0
    asked_s: float = 0.0
    withdrawn: set[str] = field(default_factory=set)
    """Tags, or ids of orders by hand, whose cancellation was asked for."""
    bares: bool = False
    """Whether something that guarded the position was withdrawn for it: then it is carried out after the run's end too.
    """


class Closing:
    """The waiting exits of one run; `send(wait, quantity)` hands the order in, `new_tag` names one that is repeated.

    `shares` tells what there is to be closed: what the run holds, as far as the account still does. `warn(text)` tells
    a person, once for each exit, that orders which are not the run's keep it from leaving. `targets` are those of them
    that only wait for a better price, by hand: `withdraw(order)` takes them back, so that the exit has room.
    """

    def __init__(
        self,
        run: Run,
        clock: Clock,
        cancel: Callable[[str], None],
        send: Callable[[Wait, int], None],
        new_tag: Callable[[], str],
        shares: Shares,
        warn: Callable[[str], None] = lambda _text: None,
        targets: Callable[[Instrument, str], list[Order]] = lambda _instrument, _product: [],
        withdraw: Callable[[Order], None] = lambda _order: None,
    ) -> None:
        self._warn = warn
        self._targets = targets
        self._take_back = withdraw
        self._shares = shares
        self._run = run
        self._clock = clock
        self._cancel = cancel
        self._send = send
        self._new_tag = new_tag
        self._waits: dict[tuple[str, str], Wait] = {}
        self._at_market: set[str] = set()

    def __len__(self) -> int:
        return len(self._waits)

    def note_market(self, tag: str) -> None:
        """Know an order that closes at the market: it needs no withdrawing. The book shows such orders as LIMIT."""
        self._at_market.add(tag)

    def waits(self, key: str, product: str) -> bool:
        """Whether an exit of it is on its way already."""
        return (key, product) in self._waits

    def bears(self, tag: str) -> bool:
        """Whether it is the tag of an exit on its way."""
        return any(wait.tag == tag for wait in self._waits.values())

    def withdraws(self, tag: str) -> bool:
        """Whether that order is being withdrawn for an exit."""
        return any(tag in wait.withdrawn for wait in self._waits.values())

    def at_market(self, tag: str) -> bool:
        """Whether the run asked for that order at the market."""
        return tag in self._at_market

    def baring(self) -> list[Wait]:
        """Exits whose position nothing guards until they are done."""
        return [wait for wait in self._waits.values() if wait.bares]

    def resting(self, key: str, product: str, sign: int) -> list[Order]:
        """Orders of the run that may still close such a position at another price than the market's."""
        return [order for order in self._closers(key, product, sign) if order.tag not in self._at_market]

    def left(self, key: str, product: str, sign: int) -> int:
        """Units of such a position that no market order of the run is closing yet."""
        return self._unclosed(key, product, sign, self._shares.held(key, product))

    def _unclosed(self, key: str, product: str, sign: int, held: int) -> int:
        closers = [order for order in self._closers(key, product, sign) if order.tag in self._at_market]
        return max(0, held * sign) - sum(order.open_quantity for order in closers)

    def begin(self, wait: Wait) -> None:
        """Withdraw what rests, then close; `look` carries it on."""
        self._waits[wait.instrument.key, wait.product] = wait
        wait.asked_s = self._clock.monotonic_s()
        self._carry_on(wait)

    def look(self) -> None:
        """Carry on what can be carried on: after news of an order, and with each tick."""
        for where, wait in list(self._waits.items()):
            unwanted = not self._run.asking and not wait.bares and not wait.sent
            if unwanted or self._is_over(wait):
                del self._waits[where]
            else:
                self._carry_on(wait)

    def _is_over(self, wait: Wait) -> bool:
        order = self._run.orders.get(wait.tag) if wait.sent else None
        # A refused one is only repeated where a stop was withdrawn for it; else the strategy decides.
        again = wait.bares and (self._run.asking or wait.repeats < TRIES_AFTER_END)
        done = order is not None and not order.live and not (order.status == "REJECTED" and again)
        return done or self._shares.held(wait.instrument.key, wait.product) * wait.sign <= 0

    def _carry_on(self, wait: Wait) -> None:
        resting = self.resting(wait.instrument.key, wait.product, wait.sign)
        if wait.sent:
            self._repeat(wait)
        elif resting:
            self._withdraw(wait, resting)
        else:
            self._hand_in(wait)

    def _withdraw(self, wait: Wait, resting: list[Order]) -> None:
        overdue = self._clock.monotonic_s() - wait.asked_s >= AGAIN_S
        if overdue:
            wait.withdrawn.clear()
            wait.asked_s = self._clock.monotonic_s()
            names = ", ".join(f"{order.order_id or order.tag} ({order.status})" for order in resting)
            self._run.note("warning", f"the exit of {wait.instrument.key} waits: not yet withdrawn: {names}")
        for order in resting:
            # One that is still on its way has no number to be cancelled by; news of it leads back here.
            if order.tag and order.order_id and order.tag not in wait.withdrawn and (order.changeable or overdue):
                wait.withdrawn.add(order.tag)
                wait.bares = True
                self._cancel(order.tag)

    def _repeat(self, wait: Wait) -> None:
        """Ask again for an exit that was refused: its stop is gone, so nothing else guards the position."""
        order = self._run.orders.get(wait.tag)
        if order is None or order.live or self._clock.monotonic_s() - wait.asked_s < AGAIN_S:
            return
        wait.tag = self._new_tag()
        wait.repeats += 0 if self._run.asking else 1
        self._hand_in(wait)

    def _hand_in(self, wait: Wait) -> None:
        key, product, sign = wait.instrument.key, wait.product, wait.sign
        quantity = self._unclosed(key, product, sign, self._shares.free(key, product))
        if self._makes_room(wait, quantity):
            return
        if quantity > 0:  # else another order is closing it
            wait.sent, wait.asked_s = True, self._clock.monotonic_s()
            self._send(wait, quantity)
        elif self.left(key, product, sign) > 0 and self._clock.monotonic_s() - wait.asked_s >= AGAIN_S:
            wait.asked_s = self._clock.monotonic_s()
            self._blocked(wait)

    def _makes_room(self, wait: Wait, quantity: int) -> bool:
        """Take back what a person left to rest on what is to be closed; whether the exit is to wait for its end."""
        key, product = wait.instrument.key, wait.product
        short = quantity < self.left(key, product, wait.sign)
        targets = self._targets(wait.instrument, product) if short else []
        new = [order for order in targets if order.order_id not in wait.withdrawn]
        for order in new:
            wait.withdrawn.add(order.order_id)
            self._take_back(order)
        if new:
            wait.asked_s = self._clock.monotonic_s()
            names = ", ".join(order.order_id for order in new)
            self._warn(f"the exit of {key} {product} withdraws {names}, which was to close it at a better price")
        return bool(targets) and self._clock.monotonic_s() - wait.asked_s < AGAIN_S

    def _blocked(self, wait: Wait) -> None:
        names = ", ".join(order.order_id or f"{order.tag} ({order.status})" for order in self._theirs(wait))
        what = f"the exit of {wait.instrument.key} {wait.product} waits: {names} is to close it already"
        self._run.note("warning", what)
        if not wait.told:
            wait.told = True
            self._warn(f"{what}. Cancel that order to let the exit leave.")

    def _theirs(self, wait: Wait) -> list[Order]:
        return self._shares.theirs(wait.instrument.key, wait.product)

    def _closers(self, key: str, product: str, sign: int) -> list[Order]:
        return [o for o in self._run.working(key) if o.product == product and o.sign * sign < 0]
