"""Desks that break one promise each, for torture to find: `python -m sabotages NAME --points …`, with this on the path.

The name goes to the desk processes in the environment; each of them spoils its own copy of the program as it begins.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alphapanda_desktop.commands import torture_track
from alphapanda_desktop.domain.errors import Unknown
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.contract_orders import OrderRow
from alphapanda_desktop.kite.portfolio import KiteGtts
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.placing import Leaving, Placing

CHOSEN = "ALPHAPANDA_SABOTAGE"


def gate_not_read_again() -> None:
    """An order that has waited for its turn leaves whatever has happened meanwhile."""
    leave = Placing._leave

    async def careless(self: Placing, leaving: Leaving) -> Any:
        return await leave(self, replace(leaving, why_shut=lambda: ""))

    Placing._leave = careless  # type: ignore[method-assign]
    Placing.call_back = lambda _self: 0  # type: ignore[method-assign]


def resent_without_an_answer() -> None:
    """What was not answered for is sent once more."""
    place = KiteBroker.place

    async def twice(self: KiteBroker, request: Any) -> str:
        try:
            return await place(self, request)
        except Unknown:
            return await place(self, request)

    KiteBroker.place = twice  # type: ignore[method-assign]


def journaled_after_it_left() -> None:
    """The intent is written down a moment later."""
    intend = SqlJournal.intend
    later: set[asyncio.Task[Any]] = set()

    async def lazy(self: SqlJournal, *args: Any, **named: Any) -> Any:
        async def write() -> None:
            await asyncio.sleep(0.3)
            await intend(self, *args, **named)

        later.add(asyncio.get_running_loop().create_task(write()))  # nobody waits for it: that is the fault

    SqlJournal.intend = lazy  # type: ignore[method-assign]


def cancelled_is_taken_for_unfilled() -> None:
    """A cancelled order is shown as if nothing of it had been filled."""
    order = OrderRow.order

    def unread(self: OrderRow) -> Any:
        read = order(self)
        return replace(read, filled_quantity=0, average_price=0.0) if read.status == "CANCELLED" else read

    OrderRow.order = unread  # type: ignore[method-assign]


def gtt_resent() -> None:
    """A GTT that was not answered for is placed once more."""
    place = KiteGtts.place

    async def twice(self: KiteGtts, request: Any) -> int:
        try:
            return await place(self, request)
        except Unknown:
            return await place(self, request)

    KiteGtts.place = twice  # type: ignore[method-assign]


SABOTAGES: dict[str, Callable[[], None]] = {"none": lambda: None} | {
    work.__name__: work
    for work in (
        gate_not_read_again,
        resent_without_an_answer,
        journaled_after_it_left,
        cancelled_is_taken_for_unfilled,
        gtt_resent,
    )
}


def spoiled() -> Any:
    """How processes start that import this module before they play a story."""
    context = START()
    context.set_forkserver_preload([torture_track.torture_desk.__name__, "kiteconnect", "alembic.command", "sabotages"])
    return context


START = torture_track.start_method
if __name__ == "__main__":
    from alphapanda_desktop.__main__ import main

    os.environ[CHOSEN] = sys.argv[1]
    torture_track.start_method = spoiled
    sys.exit(main(["torture", *sys.argv[2:]]))
elif chosen := os.environ.get(CHOSEN):
    SABOTAGES[chosen]()
