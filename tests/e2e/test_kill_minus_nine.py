"""kill -9 in mid-strategy: nothing is lost, nothing is sent twice, and the next start says what is not known."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections import Counter

import pytest

from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.trading.runner import RunState
from tests.e2e.headless import MemoryVault, exchange, house

MOMENTS = {
    "between the journal and the broker": ("intended", 1, 0.0),
    "right after the first answer": ("placed", 1, 0.0),
    "with an order's updates on their way": ("placed", 2, None),
    "with the second order about to leave": ("intended", 2, None),
}
"""After which line, which one of them, and how long after it in seconds; None is drawn from a seed."""


async def trade_until(folder, kite, vault, line, count, delay_s):
    """Run the child, kill it at that moment; the run's id, and the tags that it said to be intended."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.killed_desk", str(folder), json.dumps(kite.said), json.dumps(vault.secrets),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    run_id, heard = "", []
    try:
        async with asyncio.timeout(90):
            while [what for what, _ in heard].count(line) < count:
                text = await child.stdout.readline()
                assert text, "the desk ended before it was killed"
                what, value = json.loads(text)
                run_id = value if what == "started" else run_id
                heard.append((what, value))
        await asyncio.sleep(delay_s)
    finally:
        child.send_signal(signal.SIGKILL)
        await child.communicate()
    assert child.returncode == -signal.SIGKILL
    return run_id, {tag for what, tag in heard if what == "intended"}


async def told(kite, path):
    """What the exchange answers, asked again where the desk has used up its rate."""
    while (answer := await kite.get(path)) is None:
        await asyncio.sleep(0.2)
    return answer


def net_of(fills):
    net = Counter()
    for fill in fills:
        net[fill.key, fill.product] += fill.sign * fill.quantity
    return {where: quantity for where, quantity in net.items() if quantity}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_desk_loses_no_order_and_sends_none_twice(arun, eventually, tmp_path, moment):
    line, count, delay_s = MOMENTS[moment]
    delay_s = random.Random(moment).uniform(0.0, 0.08) if delay_s is None else delay_s

    async def story():
        vault = MemoryVault()
        async with exchange("--speed", "60", "--scenario", "volatile") as kite:
            async with house(kite, tmp_path, vault, open_desk=False):
                pass  # logs in, and leaves the token in the vault
            run_id, intended = await trade_until(tmp_path, kite, vault, line, count, delay_s)
            async with house(kite, tmp_path, vault) as h:
                await kite.control("clock", speed="0")  # a stop that waits there may not fill between two looks
                await h.runner.recall(h.desk.day_start())
                await eventually(lambda: not h.desk.books.lacks_fills())
                await h.desk.reconcile("the test looks")
                book = await told(kite, "/orders")
                rows = {row.request.tag: row for row in await h.journal.intents(h.desk.day_start())}
                tags = Counter(tag for order in book for tag in order["tags"] if tag.startswith("ap"))
                # Every order at the broker was journaled before, and is there once.
                assert intended <= set(rows) and set(tags) <= set(rows), "an order without an intent"
                assert set(tags.values()) <= {1}, f"sent twice: {tags}"
                # Every intent has ended in a known state, or is shown as unknown.
                shown = {order.tag: order for order in h.desk.orders()}
                for tag, row in rows.items():
                    known = row.state == "sent" and row.order_id and tag in tags
                    assert known or shown[tag].status == UNKNOWN, (tag, row)
                    assert not known or shown[tag].order_id == row.order_id
                # Fills and positions are the broker's.
                trades = await told(kite, "/trades")
                journaled = await h.journal.fills(h.desk.day_start())
                assert {f.trade_id for f, _ in journaled} == {trade["trade_id"] for trade in trades}
                assert {owner for _, owner in journaled} <= {run_id}
                net = (await told(kite, "/portfolio/positions"))["net"]
                held = {(f"{p['exchange']}:{p['tradingsymbol']}", p["product"]): p["quantity"] for p in net}
                assert net_of(f for f, _ in journaled) == {where: q for where, q in held.items() if q}
                assert {(p.key, p.product): p.quantity for p in h.desk.positions()} == held
                # The run is shown as interrupted, with what it holds.
                run = h.runner.run(run_id)
                assert run.state is RunState.STOPPED and "interrupted" in run.detail
                mine = {key: holding.quantity for key, holding in run.holdings().items() if holding.quantity}
                assert mine == {key: q for (key, _), q in net_of(f for f, _ in journaled).items()}
                assert await h.journal.verify() is None

    arun(story())
