"""Ways out over the real client and the practice exchange: twice asked, once closed; GTTs go with what they guarded."""

from __future__ import annotations

import asyncio
from typing import Any

from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.portfolio import GttOrder, GttRequest
from alphapanda_desktop.kite.portfolio import KiteGtts, KitePortfolio
from alphapanda_desktop.trading.exits import Account, get_out
from tests.e2e.headless import House, exchange, house


async def _net(h: House) -> int:
    rows: Any = await h.exchange.get("/portfolio/positions")
    return sum(row["quantity"] for row in rows["net"])


def test_exit_all_twice_beside_a_stop_and_a_slow_cancellation_leaves_the_account_flat(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            last = h.market.latest(h.request().instrument_token).last_price
            trigger = h.market.master.by_key("NSE:INFY").snap(last * 0.95)
            await h.desk.submit(h.request(quantity=10))
            await eventually(lambda: h.desk.books.held("NSE", "INFY", "MIS") == 10)
            stop = await h.desk.submit(h.request("NSE:INFY", 10, "SELL", order_type="SL-M", trigger_price=trigger))
            await eventually(lambda: h.desk.books.book.get(stop.order_id).status == "TRIGGER PENDING")
            await kite.control("faults", plan=[{"on": "cancel", "nth": 1, "fault": "slow_ms:600"}])

            async def out(after_s: float) -> Any:
                await asyncio.sleep(after_s)
                return await get_out(h.desk, Account(h.desk), h.market.master.by_key, h.desk.submit_sliced)

            first, second = await asyncio.gather(out(0.0), out(0.2))
            assert len(first.sent) + len(second.sent) == 1
            await eventually(lambda: not h.desk.books.book.working())
            assert (await _net(h), h.desk.books.held("NSE", "INFY", "MIS")) == (0, 0)

    arun(story())


def test_exit_all_deletes_the_gtt_of_what_it_closed(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            future = next(i for i in h.market.master if i.exchange == "NFO" and i.instrument_type == "FUT")
            h.market.watch("future", [future], Mode.FULL)
            await eventually(lambda: h.market.latest(future.instrument_token))
            last, gtts = h.market.latest(future.instrument_token).last_price, h.desk.guard_gtts(KiteGtts(h.client))
            await h.desk.submit(h.request(future.key, future.lot, product="NRML"))
            where = ("NFO", future.tradingsymbol, "NRML")
            await eventually(lambda: h.desk.books.held(*where) == future.lot)
            await eventually(lambda: h.desk.ready)
            leg = GttOrder(
                transaction_type="SELL", quantity=future.lot, price=future.snap(last * 0.97), product="NRML"
            )  # fmt: skip
            id = await gtts.place(
                GttRequest(
                    exchange="NFO", tradingsymbol=future.tradingsymbol, trigger_values=(future.snap(last * 0.98),),
                    last_price=last, orders=(leg,),
                )
            )  # fmt: skip
            outcome = await get_out(h.desk, Account(h.desk), h.market.master.by_key, h.desk.submit_sliced)
            assert (outcome.problems, outcome.deleted) == ((), (id,))
            assert [gtt.active for gtt in await gtts.list()] == [False]
            await eventually(lambda: h.desk.books.held(*where) == 0)

    arun(story())


def test_shares_of_the_demat_account_are_sold_where_only_exits_pass_and_bought_back_by_nobody(
    arun, eventually, tmp_path
):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            h.desk.guard_portfolio(KitePortfolio(h.client))
            await h.desk.reconcile("holdings")
            rows = [row for row in await h.client.holdings() if row.exchange == "NSE" and row.sellable > 2]
            share = next(found for row in rows if (found := h.market.master.by_key(row.key)))
            where = ("NSE", share.tradingsymbol, "CNC")
            h.market.watch("share", [share], Mode.FULL)
            await eventually(lambda: h.market.latest(share.instrument_token))
            await h.desk.submit(h.request(share.key, 1, "SELL", product="CNC"))
            await eventually(lambda: h.desk.books.held(*where) == -1)
            await h.desk.kill.reduce("limit")
            await eventually(lambda: h.desk.ready)
            await h.desk.submit(h.request(share.key, 1, "SELL", product="CNC"))
            await eventually(lambda: h.desk.books.held(*where) == -2)
            outcome = await get_out(h.desk, Account(h.desk), h.market.master.by_key, h.desk.submit_sliced)
            report = await h.desk.kill.press("test", flatten=True)
            assert (outcome.sent, report.flat, report.left) == ((), True, ())
            assert [(o.transaction_type, o.status) for o in h.desk.orders()] == [("SELL", "COMPLETE")] * 2
            assert await _net(h) == -2

    arun(story())
