"""Getting out of positions: what works in them is cancelled first, then the opposite of what is held is sent.

A stop that still works beside an exit may fill too and open the other side: so an instrument whose orders have not
ended by the deadline is left as it is, and named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, cast, get_args

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import AUTOMATIC, Order, OrderRequest, Product, Side
from alphapanda_desktop.domain.positions import to_close
from alphapanda_desktop.trading.books import Place, left_of, place_of
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.endings import ended
from alphapanda_desktop.trading.leftover import delete_left_over
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.shares import in_holdings

CANCEL_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stake:
    """A signed quantity of one position that is to be closed; `run_id` says whose it is, empty for the account's.

    `in_holdings` says that the broker keeps it among the holdings, where the positions cannot tell what is left.
    """

    where: Place
    quantity: int
    run_id: str = ""
    in_holdings: bool = False

    @property
    def key(self) -> str:
        return f"{self.where[0]}:{self.where[1]}"

    @property
    def side(self) -> Side:
        """The side that closes it."""
        return "SELL" if self.quantity > 0 else "BUY"

    @property
    def words(self) -> str:
        return f"{self.side} {abs(self.quantity)} {self.where[1]} {self.where[2]}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an exit: ids of the orders sent, what could not be done, in words, and ids of GTTs deleted."""

    sent: tuple[str, ...]
    problems: tuple[str, ...]
    deleted: tuple[int, ...] = ()


class Owner(Protocol):
    """Whose positions are closed: what is held now, and which orders work for them."""

    name: str
    note: str
    """What a person should know before; empty where there is nothing."""

    def stakes(self) -> list[Stake]: ...

    def working(self) -> list[Order]: ...


class Account:
    """All that the account holds."""

    name = "all positions"
    note = ""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def stakes(self) -> list[Stake]:
        # What has filled since the positions were read is held too, and has no row there yet.
        places = {p.id for p in self._desk.positions()} | {
            place_of(o) for o in self._desk.books.book if o.filled_quantity
        }
        held = [Stake(where, to_close(where[2], self._desk.books.held(*where))) for where in sorted(places)]
        return [stake for stake in held if stake.quantity]

    def working(self) -> list[Order]:
        places = {stake.where for stake in self.stakes()}
        return [order for order in self._desk.orders() if order.live and place_of(order) in places]


class OfPlace:
    """What the account holds of one instrument as one product, and all that works in it, stops too."""

    note = ""

    def __init__(self, desk: Desk, where: Place) -> None:
        self._desk = desk
        self._where = where
        self.name = f"{where[1]} {where[2]}"

    def stakes(self) -> list[Stake]:
        return [stake for stake in Account(self._desk).stakes() if stake.where == self._where]

    def working(self) -> list[Order]:
        return [order for order in self._desk.orders() if order.live and place_of(order) == self._where]


class OfRun:
    """What one strategy run holds, as far as the account still holds it: the rest was closed by someone else."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self._desk = desk
        self._run = run
        self.name = desk.name_of_run(run.run_id)
        self.note = "It goes on running and may enter again: stop it first if it shall not." if run.asking else ""

    def stakes(self) -> list[Stake]:
        rows: list[Stake] = []
        for instrument in self._run.instruments:
            for product, quantity in self._run.held_as(instrument.key).items():
                where = (instrument.exchange, instrument.tradingsymbol, str(product))
                if in_holdings(self._run, self._desk.books, instrument.key, product):
                    most = self._desk.books.closable(where, -1)
                    left = quantity if most is None else min(quantity, most)
                    rows += [Stake(where, left, self._run.run_id, in_holdings=True)] if left else []
                    continue
                account = to_close(product, self._desk.books.held(*where))
                left = min(abs(quantity), abs(account)) if account * quantity > 0 else 0
                if left:
                    rows.append(Stake(where, left if quantity > 0 else -left, self._run.run_id))
        return rows

    def working(self) -> list[Order]:
        return [order for order in self._desk.books.of_run(self._run.run_id) if order.live]


Submit = Callable[[OrderRequest], Awaitable[Iterable[Order]]]


async def get_out(
    desk: Desk,
    owner: Owner,
    find: Callable[[str], Instrument | None],
    submit: Submit,
    wait_s: float = CANCEL_WAIT_S,
) -> Outcome:
    """Cancel what works for the owner's positions, then close each at the market; nothing is raised, all is told.

    May be asked for twice: of what one has sent already, the other sends nothing more.
    """
    problems = await _cancel(desk, owner.working(), wait_s)
    stuck = {place_of(order) for order in owner.working()}
    sent: list[str] = []
    closed: dict[Place, int] = {}
    ready = [stake for stake in owner.stakes() if stake.where not in stuck]
    for stake, answer in zip(ready, await asyncio.gather(*(_close(desk, s, find, submit) for s in ready)), strict=True):
        if isinstance(answer, str):
            problems.append(f"{stake.words}: {answer}")
        elif answer:
            sent += answer
            closed[stake.where] = stake.quantity
    problems += [f"{stake.words}: not sent, for {_why_stuck(desk, stake)}" for stake in owner.stakes()
                 if stake.where in stuck]  # fmt: skip
    over = await delete_left_over(desk, closed)
    return Outcome(tuple(sent), (*problems, *over.problems), over.deleted)


def _why_stuck(desk: Desk, stake: Stake) -> str:
    held_up = desk.why_held_up(stake.where)
    return f"an order in it still works: {held_up}" if held_up else "an order in it still works"


async def _cancel(desk: Desk, orders: Sequence[Order], wait_s: float) -> list[str]:
    """Ask for the end of these orders and wait for it; what went wrong, in words."""
    asked = [order.order_id for order in orders if order.order_id]
    said = await asyncio.gather(*(_cancel_one(desk, order_id) for order_id in asked))
    await ended(desk, desk.books, asked, wait_s)
    return [text for text in said if text]


async def _cancel_one(desk: Desk, order_id: str) -> str:
    try:
        await desk.cancel(order_id)
    except AlphaPandaError as error:
        order = desk.books.book.get(order_id)
        if order is None or order.live or order.status == "COMPLETE":  # else someone else cancelled it before
            return f"Order {order_id} could not be cancelled: {error}"
    return ""


async def _close(desk: Desk, stake: Stake, find: Callable[[str], Instrument | None], submit: Submit) -> list[str] | str:
    """Ids of the orders that close it, or why there are none."""
    instrument = find(stake.key)
    if instrument is None:
        return "not in today's instrument list; close it at Kite"
    if stake.where[2] not in get_args(Product):
        return f"product {stake.where[2]} is closed by cancelling its second leg"
    stake, busy = _still_to_close(desk, stake)
    if not stake.quantity:
        return f"{busy} of it are being closed by other orders already" if busy else []
    try:
        return [order.order_id for order in await submit(_request(desk, stake, instrument))]
    except AlphaPandaError as error:
        return str(error)


def _still_to_close(desk: Desk, stake: Stake) -> tuple[Stake, int]:
    """What of it is there still and no other order closes, read anew; and how much others close."""
    if stake.in_holdings:  # no row tells what is left, but what the run is selling already is known
        selling = sum(left_of(o) for o in _selling(desk, stake))
        return replace(stake, quantity=max(0, stake.quantity - selling)), selling
    sign, held = (1 if stake.quantity > 0 else -1), desk.books.held(*stake.where)
    buying, selling = desk.books.working(*stake.where)
    busy = selling if sign > 0 else buying
    left = max(0, min(stake.quantity * sign, held * sign - busy))
    return replace(stake, quantity=sign * left), busy


def _selling(desk: Desk, stake: Stake) -> list[Order]:
    own = desk.books.of_run(stake.run_id)
    return [order for order in own if order.live and place_of(order) == stake.where and order.sign < 0]


def _request(desk: Desk, stake: Stake, instrument: Instrument) -> OrderRequest:
    return OrderRequest(
        exchange=stake.where[0],
        tradingsymbol=stake.where[1],
        instrument_token=instrument.instrument_token,
        transaction_type=stake.side,
        quantity=abs(stake.quantity),
        product=cast(Product, stake.where[2]),
        order_type="MARKET",
        market_protection=AUTOMATIC,
        tag=desk.new_tag(),
        strategy=stake.run_id,
        reason="exit asked for by hand",
        closes=not stake.in_holdings,
    )
