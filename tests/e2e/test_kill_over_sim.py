"""The kill switch and the sheet of differences over real sockets: the report is what the exchange has."""

from __future__ import annotations

from contextlib import suppress

import aiohttp
import pytest

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.differences import Choice, ForeignPolicy
from alphapanda_desktop.trading.flatten import Flattening
from alphapanda_desktop.trading.kill import RELEASE
from tests.e2e.headless import MemoryVault, exchange, house

LIVE = {"OPEN", "TRIGGER PENDING", "VALIDATION PENDING", "OPEN PENDING"}


def resting(h, pct: float = 0.97):
    """A purchase that waits below the market."""
    last = h.market.latest(h.request().instrument_token).last_price
    return h.request(order_type="LIMIT", price=h.market.master.by_key("NSE:INFY").snap(last * pct), quantity=2)


async def truth(kite):
    """All orders, those that may still fill, and what is held, as the exchange has them."""
    async with aiohttp.ClientSession(kite.said["rest"]) as http, http.get("/sim/truth") as reply:
        told = await reply.json()
    live = {row["order_id"] for row in told["orders"] if row["status"] in LIVE}
    rows = [row for row in told["positions"] if row["quantity"]]
    held = {(f"{row['exchange']}:{row['tradingsymbol']}", row["product"]): row["quantity"] for row in rows}
    return told["orders"], live, held


PLANS = {
    "429s and a lost reply": [
        {"on": "cancel", "nth": 1, "fault": "429", "times": 2},
        {"on": "cancel", "nth": 4, "fault": "lost_reply"},
        {"on": "place", "nth": 1, "fault": "429"},
    ],
    "a lost request, and an exit whose reply is lost": [
        {"on": "cancel", "nth": 1, "fault": "lost_request"},
        {"on": "place", "nth": 1, "fault": "lost_reply"},
    ],
    "5xx, and an exit that is rejected": [
        {"on": "cancel", "nth": 2, "fault": "503_after"},
        {"on": "orders", "nth": 1, "fault": "503_before"},
        {"on": "place", "nth": 1, "fault": "reject"},
    ],
}


def test_the_report_is_what_the_exchange_has(arun, eventually, monkeypatch, tmp_path):
    monkeypatch.setattr(Flattening, "pause_s", 0.2)

    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            h.desk.kill.patience.look_every_s = 0.1
            for name, plan in PLANS.items():
                await pressed(kite, h, plan, name, eventually)
            h.errors.clear()

    arun(story())


async def pressed(kite, h, plan, name, eventually):
    for _ in range(3):
        await h.desk.submit(resting(h))
    await h.desk.submit(h.request(quantity=5))
    await eventually(lambda: h.desk.books.held("NSE", "INFY", "MIS") == 5)
    before = {row["order_id"] for row in (await truth(kite))[0]}
    await kite.control("faults", plan=plan)
    report = await h.desk.kill.press(name, flatten=True)
    await kite.control("faults")
    orders, live, held = await truth(kite)
    assert {id_ for id_, _ in report.not_cancelled} == live == set(), report.text()
    assert {(key, kind): count for key, kind, count in report.left} == held == {}, report.text()
    assert report.flat is True and len(report.cancelled) >= 3, report.text()
    since = [row for row in orders if row["order_id"] not in before]
    assert since and all(row["transaction_type"] == "SELL" for row in since), report.text()
    assert sum(row["filled_quantity"] for row in since) == 5, report.text()
    await h.desk.kill.release(RELEASE)
    assert h.desk.differences.red_open() == []


def test_a_kill_is_kept_over_restart_and_login_and_released_by_typing(arun, eventually, tmp_path):
    async def story():
        vault = MemoryVault()
        async with exchange("--state", str(tmp_path / "kite.state")) as kite:
            async with house(kite, tmp_path, vault) as h:
                order = await h.desk.submit(resting(h))
                report = await h.desk.kill.press("before the restart", flatten=False)
                assert report.cancelled == (order.order_id,) and report.clean
            async with house(kite, tmp_path, vault) as h:
                assert h.desk.kill.state is TradingState.HALTED and h.desk.kill.report == report
                with pytest.raises(Refused, match="Kill switch"):
                    await h.desk.submit(h.request())
                with pytest.raises(Refused, match="typing RELEASE"):
                    await h.desk.kill.release("")
                await h.desk.kill.release(RELEASE)
                await h.desk.submit(h.request())

    arun(story())


def test_an_order_of_another_program_is_found_shown_and_flattened(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            h.desk.foreign_policy = ForeignPolicy.PAUSE
            said = kite.said
            headers = {"X-Kite-Version": "3", "Authorization": f"token {said['api_key']}:{said['access_token']}"}
            form = {
                "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": "4",
                "product": "MIS", "order_type": "MARKET", "market_protection": "-1", "validity": "DAY",
            }  # fmt: skip
            async with aiohttp.ClientSession(said["rest"], headers=headers) as http:
                reply = await (await http.post("/orders/regular", data=form)).json()
            order_id = reply["data"]["order_id"]
            await eventually(h.desk.differences.red_open)
            row = h.desk.differences.red_open()[0]
            assert row.id == f"foreign order:{order_id}" and Choice.FLATTEN in row.choices
            await eventually(lambda: h.desk.books.held("NSE", "INFY", "MIS") == 4)
            await h.desk.differences.decide(row.id, Choice.FLATTEN)

            async def flat():
                return (await truth(kite))[2] == {}

            await eventually(flat)
            await h.desk.reconcile("look")
            assert h.desk.differences.red_open() == []

    arun(story())


def test_a_burst_at_the_kill_leaves_nothing_working_and_all_but_one_certain(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            tasks = [h.desk._parts.scope.spawn(f"burst {k}", quietly(h.desk.submit(resting(h)))) for k in range(40)]
            await eventually(lambda: len(h.desk.books.book) >= 3)
            h.desk.kill.patience.unanswered_s = 1.0
            report = await h.desk.kill.press("burst", flatten=True)
            for task in tasks:
                await task
            orders, live, held = await truth(kite)
            assert live == set() and held == {} and len(orders) < 40
            # Of the one that was inside the client nobody can say at once that it never left.
            assert len(report.unknown) <= 1 and {o.tag for o in h.desk.books.unanswered()} <= set(report.unknown)

    arun(story())


async def quietly(work):
    with suppress(AlphaPandaError):
        await work
