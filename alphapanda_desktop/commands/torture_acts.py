"""What a story does beside plain orders: GTTs, conversions, sliced orders, exits of everything, and a new login."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import aiohttp

from alphapanda_desktop.commands.torture_clock import until
from alphapanda_desktop.commands.torture_points import Step
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import GttOrder, GttRequest, Gtts, Portfolio
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import Token, verify
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.exits import Account, get_out
from alphapanda_desktop.trading.market import Market

SLICED_LOTS: Final = 28
"""NIFTY's freeze quantity lets 27 lots of 65 through at once: these become two orders."""

BOUGHT_S: Final = 5.0
"""How long a position may take to be seen, in the story's seconds."""


@dataclass
class Acts:
    """What the acts stand on. `rest` is the exchange's address, `option` what is sold in slices."""

    desk: Desk
    market: Market
    gtts: Gtts
    portfolio: Portfolio
    client: KiteClient
    clock: Clock
    rest: str
    option: Instrument
    placed: list[int] = field(default_factory=list)
    """Ids of the GTTs whose placing was answered, oldest first."""

    def of(self, step: Step) -> Awaitable[object] | None:
        """What a step does, or None for one that is not of this kind."""
        table: dict[str, Callable[[Step], Awaitable[object]]] = {
            "gtt": self.gtt,
            "gtt modify": self.change_gtt,
            "gtt delete": self.delete_gtt,
            "gtt trigger": self.trigger_gtt,
            "convert": self.convert,
            "sliced": self.sliced,
            "exit all": self.exit_all,
            "new login": self.new_login,
        }
        return table[step.kind](step) if step.kind in table else None

    async def gtt(self, step: Step) -> None:
        """A GTT that buys for delivery when the price has fallen far."""
        self.placed.append(await self.gtts.place(self._asked(step)))

    async def change_gtt(self, step: Step) -> None:
        await self.gtts.modify(await self._last(step), self._asked(step))

    async def delete_gtt(self, step: Step) -> None:
        await self.gtts.delete(await self._last(step))

    async def trigger_gtt(self, step: Step) -> None:
        """Have the exchange find the price there; one that waits no more it leaves as it is."""
        await self._told("trigger", trigger_id=await self._last(step))

    async def _last(self, step: Step) -> int:
        """The newest GTT, made now where there is none."""
        if not self.placed:
            await self.gtt(step)
        return self.placed[-1]

    async def convert(self, step: Step) -> None:
        """Half of a position of shares from one product to the other."""
        with suppress(TimeoutError):  # nothing was bought: the market has moved, or an order was refused
            async with asyncio.timeout(BOUGHT_S):
                await until(lambda: bool(self._shares()), 0.1)
        if held := self._shares():
            position = held[step.target % len(held)]
            quantity = max(1, abs(position.quantity) // 2)
            await self.portfolio.convert(position, quantity, "CNC" if position.product == "MIS" else "MIS")

    def _shares(self) -> list[Position]:
        return [p for p in self.desk.positions() if p.quantity > 0 and p.exchange == "NSE"]

    async def sliced(self, step: Step) -> None:
        """More than the exchange takes in one order."""
        tick = self.market.latest(self.option.instrument_token)
        price = tick.last_price if tick else 1.0
        request = OrderRequest(
            exchange=self.option.exchange,
            tradingsymbol=self.option.tradingsymbol,
            instrument_token=self.option.instrument_token,
            transaction_type="BUY",
            quantity=SLICED_LOTS * self.option.lot_size,
            product="NRML",
            order_type="LIMIT",
            price=self.option.snap(price * (1 + step.away / 1000)),
            tag=self.desk.new_tag(),
        )
        await self.desk.submit_sliced(request)

    async def exit_all(self, _: Step) -> None:
        """Everything cancelled that works in a position, and every position closed."""
        await get_out(self.desk, Account(self.desk), self.market.master.by_key, self.desk.submit_sliced)

    async def new_login(self, _: Step) -> None:
        """The token dies; a person logs in again, and desk and market go on in place, as the session gate has it."""
        await self._told("expire")
        self.desk.freeze("the login is over")
        self.market.freeze(self.clock.now())
        said = await self._told("login")
        token = Token(said["api_key"], said["access_token"], said["user_id"], self.clock.now())
        self.client.use(token)
        session = await patiently(lambda: verify(self.client, token, self.clock.now()))
        self.market.resume(session)
        while self.desk.state is not DeskState.READY:
            try:
                await self.desk.resume(session)
            except AlphaPandaError:
                await asyncio.sleep(1.0)

    def _asked(self, step: Step) -> GttRequest:
        instrument = self.market.master.by_key(step.key)
        if instrument is None:
            raise LookupError(f"{step.key} is not listed")
        tick = self.market.latest(instrument.instrument_token)
        last = tick.last_price if tick else instrument.last_price
        price = instrument.snap(last * (1 - step.away / 100))
        order = GttOrder(transaction_type="BUY", quantity=step.quantity or 1, price=price, product="CNC")
        return GttRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            trigger_values=(price,),
            last_price=last,
            orders=(order,),
        )

    async def _told(self, control: str, **form: object) -> dict[str, Any]:
        async with aiohttp.ClientSession(self.rest) as http, http.post(f"/sim/{control}", json=form) as reply:
            said: dict[str, Any] = await reply.json()
            return said


async def patiently(ask: Callable[[], Awaitable[Any]], tries: int = 20) -> Any:
    """The answer, asked for again while it fails for a reason that passes."""
    for _ in range(tries):
        try:
            return await ask()
        except AlphaPandaError as error:
            await asyncio.sleep(getattr(error, "after_s", 1.0))
    return await ask()


def far_call(master: InstrumentMaster, today: date) -> Instrument:
    """The cheapest NIFTY option there is: the highest strike of the first expiry to come."""
    calls = [i for i in master if i.exchange == "NFO" and i.instrument_type == "CE" and i.expiry and i.expiry >= today]
    first = min(i.expiry for i in calls if i.expiry)
    return max((i for i in calls if i.expiry == first and i.name == "NIFTY"), key=lambda i: i.strike)
