"""Controls for whoever tries a client out: faults by plan, what the exchange truly holds, a fresh account, a fill.

The real Kite has none of this. They answer on the loopback address only, as all of the simulator does.
"""

from __future__ import annotations

import random

from aiohttp import web

from alphapanda_desktop.domain.matching import Execution
from alphapanda_desktop.sim.answers import KiteError, plain
from alphapanda_desktop.sim.faults import FAULTS, KINDS, SOCKET
from alphapanda_desktop.sim.venue import LocalKite


class FaultRoutes:
    """/sim/faults, /sim/truth, /sim/reset, /sim/fill and /sim/trigger."""

    def __init__(self, kite: LocalKite) -> None:
        self._kite = kite

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/sim/faults", self.faults),
            web.post("/sim/faults", self.set_faults),
            web.get("/sim/truth", self.truth),
            web.post("/sim/reset", self.reset),
            web.post("/sim/fill", self.fill),
            web.post("/sim/trigger", self.trigger),
        ]

    async def faults(self, _: web.Request) -> web.Response:
        """The plan in force, what was counted since, and what a plan may say."""
        plan = self._kite.plan
        return web.json_response(
            {
                "plan": [fault._asdict() for fault in plan.plan],
                "seen": dict(plan.seen),
                "updates": plan.updates,
                "allowed": {"on": KINDS, "fault": FAULTS, "socket": SOCKET},
            }
        )

    async def set_faults(self, request: web.Request) -> web.Response:
        """Put {"plan": [{"on", "nth", "fault", "times"}], "socket": {…}} in force; an empty object ends all faults."""
        try:
            self._kite.plan.take(await request.json())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.faults(request)

    async def truth(self, _: web.Request) -> web.Response:
        """Everything that the exchange holds, without a token and without counting as a request."""
        kite = self._kite
        truth = {
            "orders": kite.book.rows(),
            "trades": kite.book.trades(),
            "positions": kite.book.accounts.rows()["net"],
            "holdings": kite.book.accounts.holdings.rows(),
            "gtts": kite.triggers.rows(),
            "funds": {name: kite.book.accounts.margins(name) for name in ("equity", "commodity")},
            "log": kite.plan.log,
            "seen": dict(kite.plan.seen),
            "updates": kite.plan.updates,
            "unsettled": kite.exchange.unsettled,
        }
        return web.json_response(plain(truth))

    async def reset(self, request: web.Request) -> web.Response:
        """A fresh account with no faults; the login and the sockets live on. `seed` makes the chances begin anew."""
        kite = self._kite
        try:
            given = await request.json() if request.can_read_body else {}
            seed = int(given.get("seed", kite.options.seed))
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        kite.random = random.Random(seed)
        kite.start_over()
        return web.json_response({"fresh": True, "seed": seed})

    async def fill(self, request: web.Request) -> web.Response:
        """Trade `quantity` of a resting order, all of it if not given, at `price` or its own."""
        kite = self._kite
        try:
            given = await request.json()
            order = kite.book.get(str(given["order_id"]))
            kite.exchange.settle(order.order_id)
            quantity = min(int(given.get("quantity", order.open_quantity)), order.open_quantity)
            if order.status != "OPEN" or quantity < 1:
                raise ValueError(f"{quantity} cannot be filled: {order.order_id} is {order.status}")
            price = float(given.get("price", order.price or kite.book.accounts.last_price(order.instrument_token)))
        except (KeyError, TypeError, ValueError, KiteError) as error:
            return web.json_response({"error": str(error)}, status=400)
        kite.exchange.trade(order, Execution(price, quantity))
        kite.memory.commit()
        return web.json_response({"status": order.status, "filled_quantity": order.filled_quantity})

    async def trigger(self, request: web.Request) -> web.Response:
        """Fire the GTT `trigger_id` as if the market had reached its `leg`, the first if not given."""
        kite = self._kite
        try:
            given = await request.json()
            body = kite.triggers.fire(str(given["trigger_id"]), int(given.get("leg", 0)))
        except (KeyError, TypeError, ValueError, KiteError) as error:
            return web.json_response({"error": str(error)}, status=400)
        kite.memory.commit()
        return web.json_response(plain(body))
