"""From any order back to what it was decided on and on to its money, as text and as JSON, from the journal alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected, Unknown
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.why import Trail, why
from tests.fakes import FakeJournal
from tests.trading.desk_fakes import INFY, RESTING, Stage, a_desk, yields

AT = datetime(2026, 11, 23, 4, 0, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


async def trail(s: Stage, name: str) -> Trail:
    prices = {INFY.key: 100.0}
    return await why(s.journal, s.desk.ledger, name, price_of=prices.get, find=s.market.master.by_key)


def test_a_strategys_order_is_told_from_its_tick_to_its_money(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.tick(100.0)
            s.probe.ctx.show(fast=100.5, slow=99.5)
            tag = s.probe.ctx.buy(INFY, 10, reason="fast 100.50 crossed above slow 99.50")
            await yields()
            await s.desk.reconcile("test")
            told = await trail(s, tag)
            assert told.intent is not None and told.cause is not None and told.order is not None
            assert told.intent.request.reason == told.cause.reason == "fast 100.50 crossed above slow 99.50"
            assert told.cause.values == {"fast": 100.5, "slow": 99.5}
            assert told.cause.tick is not None and told.cause.tick["last_price"] == 100.0
            rules = {rule.rule: rule for rule in told.cause.rules}
            assert rules["order quantity"].passed and rules["order quantity"].value == "10"
            assert all(rule.passed for rule in rules.values()) and len(rules) > 5
            assert told.order.status == "COMPLETE" and [f.quantity for f in told.fills] == [10]
            assert told.charges == ((told.order.order_id, s.desk.ledger.of_order(told.order.order_id)),)
            assert told.pnl == s.desk.ledger.of_run(run.run_id, {INFY.key: 100.0}.get)
            assert replace(await trail(s, told.order.order_id), name=tag) == told

    arun(story())


def test_the_text_holds_every_part_and_the_moments_in_order(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.tick(100.0)
            s.probe.ctx.show(fast=100.5)
            tag = s.probe.ctx.buy(INFY, 10, reason="crossed")
            await yields()
            await s.desk.reconcile("test")
            text = (await trail(s, tag)).text()
            for words in (
                "BUY 10 NSE:INFY as MIS",
                f"tag {tag} · strategy probe, run {run.run_id}",
                "  crossed\n",
                "last price 100",
                "market             last 100, bid unknown, ask unknown, 0.0 s old",
                "parameters         bar length minute, order product MIS",
                "shown              fast 100.5",
                "passed  order quantity: 10, limit",
                "order type         MARKET",
                "written in the journal, before it was sent",
                "sent, order ",
                "COMPLETE, 10 of 10 filled at 100.00",
                "filled 10 at 100.00, trade 1",
                "charges            ₹",
                "realised           ₹0.00 by this order, before charges",
                "run today          ",
            ):
                assert words in text, words
            assert text.index("written in the journal") < text.index("COMPLETE")

    arun(story())


def test_the_json_is_json_and_says_the_same(arun):
    async def story():
        async with a_desk() as s:
            await s.run()
            s.tick(100.0)
            tag = s.probe.ctx.buy(INFY, 10, reason="crossed")
            await yields()
            await s.desk.reconcile("test")
            told = await trail(s, tag)
            said = json.loads(told.json())
            assert said["intent"]["request"]["tag"] == tag and said["cause"]["reason"] == "crossed"
            assert said["pictures"][-1][1]["status"] == "COMPLETE"
            assert said["fills"][0]["average_price"] == 100.0
            ((_, charges),) = said["charges"]
            assert charges["total"] == pytest.approx(told.charges[0][1].total / 10_000)
            assert said["states"][0]["at"].endswith("+00:00")

    arun(story())


def test_a_round_trip_realises_with_the_order_that_closes_it(arun):
    async def story():
        async with a_desk() as s:
            await s.run()
            entry = s.probe.ctx.buy(INFY, 10, reason="in")
            await yields()
            s.broker.quote = replace(s.broker.quote, last_price=103.0)
            out = s.probe.ctx.exit(INFY, reason="out")
            await yields()
            await s.desk.reconcile("test")
            assert (await trail(s, entry)).realised == 0.0
            assert (await trail(s, out or "")).realised == 30.0

    arun(story())


def test_changes_refusals_and_lost_answers_are_among_the_moments(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            await s.desk.modify(order.order_id, OrderChange(price=51.0))
            await yields()
            text = (await trail(s, order.order_id)).text()
            assert "modify: " in text and "by hand" in text and "price 51.00" in text

            big = s.request(quantity=10**6)
            with pytest.raises(Refused):
                await s.desk.submit(big)
            refused = await trail(s, big.tag)
            assert refused.intent is None and refused.known
            assert "order quantity" in refused.text() and "refused before it became an order" in refused.text()

            lost = s.request(price=RESTING)
            s.broker.refuse_next = Unknown("no answer in 7 s")
            with pytest.raises(Unknown):
                await s.desk.submit(lost)
            text = (await trail(s, lost.tag)).text()
            assert "unknown: no answer in 7 s" in text and "nothing was filled" in text

            s.broker.refuse_next = Rejected("no margin")
            poor = s.request()
            with pytest.raises(Rejected):
                await s.desk.submit(poor)
            assert "rejected: no margin" in (await trail(s, poor.tag)).text()

    arun(story())


def test_an_order_from_elsewhere_has_pictures_and_no_reason(arun):
    async def story():
        async with a_desk() as s:
            foreign = s.request(tag="")
            order_id = await s.broker.place(foreign)
            await s.desk.reconcile("test")
            told = await trail(s, order_id)
            assert told.intent is None and told.cause is None and told.order is not None
            assert "made elsewhere" in told.text() and "not made by this program" in told.text()
            json.loads(told.json())

    arun(story())


def test_nothing_known_is_said_plainly(arun):
    async def story():
        told = await why(FakeJournal(), None, "nobody")
        assert not told.known and told.text() == "The journal knows nothing of 'nobody'.\n"

    arun(story())


REQUEST = OrderRequest(
    exchange="NSE", tradingsymbol="INFY", transaction_type="SELL", quantity=10, product="CNC", order_type="LIMIT",
    price=1500.0, tag="ap1", reason="by hand", instrument_token=408065,
)  # fmt: skip
ORDER = Order(
    order_id="77", status="COMPLETE", exchange="NSE", tradingsymbol="INFY", transaction_type="SELL", quantity=10,
    product="CNC", order_type="LIMIT", filled_quantity=10, average_price=1500.0, tag="ap1", order_timestamp=AT,
)  # fmt: skip
FILL = Fill(
    trade_id="1", order_id="77", exchange="NSE", tradingsymbol="INFY", transaction_type="SELL", quantity=10,
    average_price=1500.0, product="CNC", fill_timestamp=later(3),
)  # fmt: skip


async def written(journal: Any) -> None:
    cause = Cause(reason="by hand", rules=(RuleResult("lot", True, "10", "1"),), market={"last": 1500.0, "age_s": 0.4})
    await journal.intend(REQUEST, AT, cause)
    await journal.settle("ap1", "sent", later(1), order_id="77")
    await journal.order_seen(ORDER, later(2))
    await journal.fill_seen(FILL, later(3))


def test_shares_sold_that_were_not_bought_here_realise_what_cannot_be_known(arun):
    async def story():
        journal = FakeJournal()
        await written(journal)
        told = await why(journal, None, "77")
        assert told.realised is None and told.pnl is None and told.charges[0][1].total > 0
        assert "realised           unknown by this order" in told.text()
        await journal.fill_seen(replace(FILL, trade_id="2", transaction_type="BUY", quantity=0), later(4))
        bought = FakeJournal()
        await bought.fill_seen(
            replace(FILL, trade_id="0", order_id="5", transaction_type="BUY", average_price=1400.0), AT
        )
        await written(bought)
        assert (await why(bought, None, "77")).realised == 1000.0

    arun(story())
