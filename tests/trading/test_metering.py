"""Where the meter is held to the path: each frame and each order is counted once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Rejected, Unknown
from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.metering import MeteredSink, time_orders


class FakeMarket:
    """Takes frames in as many slices as it is told."""

    def __init__(self, slices: int = 1) -> None:
        self.left = slices
        self.taken: list[Any] = []

    def take_batch(self, batch: Any) -> bool:
        self.taken.append(batch)
        return self.tell_more()

    def tell_more(self) -> bool:
        self.left -= 1
        return self.left > 0

    def take(self, ticks: Any) -> None:
        self.taken.append(ticks)


def frame(count: int) -> Any:
    return SimpleNamespace(rows=range(count))


def test_a_frame_counts_once_all_its_strategies_were_called() -> None:
    meter, market = Meter(), FakeMarket(slices=3)
    sink = MeteredSink(market, meter)  # type: ignore[arg-type]
    meter.frame_in()
    assert sink.batch(frame(300))
    assert meter.ticks.total == 0
    assert sink.more()
    assert not sink.more()
    assert (meter.ticks.total, meter.strategy.total) == (300, 1)


def test_ticks_that_come_one_by_one_count_too() -> None:
    meter, market = Meter(), FakeMarket()
    meter.frame_in()
    MeteredSink(market, meter).ticks([1, 2])  # type: ignore[arg-type, list-item]
    assert (market.taken, meter.ticks.total, meter.strategy.total) == ([[1, 2]], 2, 1)


def test_every_frame_is_heard_before_it_goes_on() -> None:
    meter, heard = Meter(), []
    meter.heard(lambda at_ns, message: heard.append((at_ns, message)))(5, b"\0\1x")
    meter.heard(None)(6, b"\0\1y")
    meter.ticks_in(1, meter.read_ns)
    assert heard == [(5, b"\0\1x")] and meter.strategy.total == 1


def test_a_heartbeat_is_no_sign_of_a_market_and_nothing_to_paint() -> None:
    now, heard = [5_000], []
    meter = Meter(lambda: now[0])
    meter.heard(None)(1, b"\0\1x")
    meter.take_unpainted()
    now[0] += 700_000_000_000
    meter.heard(lambda at_ns, message: heard.append(message))(2, b"\0")
    assert heard == [b"\0"]
    assert (meter.silent_ns(), meter.take_unpainted()) == (700_000_000_000, 0)


def test_a_frame_that_waits_behind_another_links_is_timed_from_its_own_reading() -> None:
    now = [1_000]
    meter, market = Meter(lambda: now[0]), FakeMarket(slices=4)
    sink = MeteredSink(market, meter)  # type: ignore[arg-type]
    meter.frame_in()
    assert sink.batch(frame(300))
    now[0] += 200_000_000
    meter.frame_in()
    assert sink.batch(frame(200))
    now[0] += 1_000_000
    while sink.more():
        pass
    assert (meter.ticks.total, meter.strategy.total, meter.strategy.worst_ns) == (500, 2, 201_000_000)


def test_an_order_is_timed_at_the_brokers_door_and_the_broker_stays_itself(arun: Any) -> None:
    class Broker:
        async def place(self, request: Any) -> str:
            return f"order {request}"

    async def story() -> Meter:
        meter, broker = Meter(), Broker()
        time_orders(broker, meter)  # type: ignore[arg-type]
        ended = meter.clicked(meter.now_ns())
        assert await broker.place("A") == "order A" and type(broker) is Broker
        ended()
        await broker.place("B")
        return meter

    assert arun(story()).order.total == 1


def test_a_brokers_answer_is_timed_whether_it_is_yes_or_no_and_silence_is_no_answer(arun: Any) -> None:
    class Broker:
        async def place(self, request: Any) -> str:
            now[0] += 40_000_000
            if request == "bad":
                raise Rejected("the exchange said no")
            if request == "lost":
                raise Unknown("no answer")
            return "1"

    async def story() -> None:
        broker: Any = Broker()
        time_orders(broker, meter)
        await broker.place("good")
        with pytest.raises(Rejected):
            await broker.place("bad")
        with pytest.raises(Unknown):
            await broker.place("lost")

    now = [1_000]
    meter = Meter(lambda: now[0])
    arun(story())
    assert (meter.answer.total, meter.answer.worst_ns) == (2, 40_000_000)
