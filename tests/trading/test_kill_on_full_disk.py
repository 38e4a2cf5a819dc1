"""The kill switch closes positions though the disk is full: the intents are owed, and told of."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Fatal
from tests.trading.desk_fakes import FULL_DISK, FaultyBroker, Stage, a_desk


async def full(s: Stage) -> None:
    """10 held, and a disk that is full from now on."""
    await s.desk.submit(s.request("BUY", 10))
    await s.desk.reconcile("test")
    s.journal.fails = FULL_DISK


def test_the_kill_switch_closes_on_a_full_disk_and_says_that_it_is_not_written(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await full(s)
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is True and report.left == () and not await s.broker.held()
            words = {step.name: step.detail for step in report.steps}["close positions"]
            assert "every position is closed; 1 exits left that the journal did not take" in words
            s.errors.clear()

    arun(story())


def test_what_the_disk_did_not_take_is_written_in_full_when_it_does(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await full(s)
            await s.desk.kill.press("test", flatten=True)
            sent = s.broker.placed[-1]
            assert sent.tag not in s.journal.intent_rows
            s.journal.fails = None
            await s.desk.reconcile("test")
            row = s.journal.intent_rows[sent.tag]
            assert (row.request, row.state) == (sent, "sent")
            assert row.order_id == s.desk.books.book.by_tag(sent.tag).order_id
            assert s.journal.causes[sent.tag].reason == "kill switch: close the position"
            assert [tag for tag, _ in s.journal.settled].count(sent.tag) == 1
            s.errors.clear()

    arun(story())


@pytest.mark.parametrize("fault", ["lost reply", "rejected"])
def test_an_unwritten_exit_that_goes_wrong_closes_once_and_is_settled_as_it_went(arun: Any, fault: str) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await full(s)
            s.broker.place_faults = [fault]
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is True and not await s.broker.held()
            s.journal.fails = None
            await s.desk.reconcile("test")
            states = sorted(row.state for row in s.journal.intent_rows.values())  # owed ones come in any order
            assert states == (["sent", "sent"] if fault == "lost reply" else ["rejected", "sent", "sent"])
            s.errors.clear()

    arun(story())


def test_any_other_exit_needs_the_disk(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await full(s)
            with pytest.raises(Fatal):
                await s.desk.submit(s.request("SELL", 10, closes=True))
            assert len(s.broker.placed) == 1
            s.errors.clear()

    arun(story())
