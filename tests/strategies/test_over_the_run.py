"""Shipped strategies and wishes over a real run's context: their stops are the desk's, and coverage counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.wishes import Brackets
from alphapanda_desktop.strategies.momentum import Momentum, MomentumParams
from alphapanda_desktop.trading.stops import kept_by
from tests.trading.test_stops import INFY, Desk


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    made.tick(100.0)
    return made


def rising(desk: Desk, monkeypatch: pytest.MonkeyPatch, *closes: float) -> Bar:
    """As if bars with these closes had closed."""
    bars = [Bar(60 * k, c, c, c, c, 1) for k, c in enumerate(closes)]
    monkeypatch.setattr(desk.ctx, "closes", lambda _i, count=None: np.array(closes[-(count or 99) :]))
    return bars[-1]


def covered(desk: Desk) -> list[tuple[int, float, str]]:
    return [(stop.quantity, stop.trigger, stop.side) for kept in kept_by([desk.run]) for stop in kept.stops()]


def test_the_stop_of_an_entry_is_counted_follows_the_fill_and_fires(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = Momentum(MomentumParams(lookback=1, threshold=1, stop_loss=2, lots=10))
    strategy.on_bar(desk.ctx, INFY, rising(desk, monkeypatch, 100.0, 102.0))
    (kept,) = kept_by([desk.run])
    assert (desk.last(), kept.trigger, covered(desk)) == (("BUY", 10, "MARKET"), 99.95, [])
    desk.says(desk.asked[-1], "OPEN", filled=4)  # at 100
    strategy.on_order(desk.ctx, desk.run.orders[desk.asked[-1].tag])
    assert covered(desk) == [(4, 98.0, "SELL")]
    desk.says(desk.asked[-1], "COMPLETE", filled=10)
    strategy.on_order(desk.ctx, desk.run.orders[desk.asked[-1].tag])
    assert covered(desk) == [(10, 98.0, "SELL")]
    desk.tick(97.9, 1.0)
    assert desk.last() == ("SELL", 10, "MARKET")
    assert "crossed the stop at 98.00: stop loss, 2 % from 100.00" in desk.asked[-1].reason


def test_an_entry_that_is_refused_leaves_no_stop_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Momentum(MomentumParams(lookback=1, threshold=1, stop_loss=2))
    strategy.on_bar(desk.ctx, INFY, rising(desk, monkeypatch, 100.0, 102.0))
    desk.says(desk.asked[-1], "REJECTED")
    strategy.on_order(desk.ctx, desk.run.orders[desk.asked[-1].tag])
    desk.tick(102.0, 1.0)
    assert kept_by([desk.run]) == []
    assert len(desk.asked) == 1


def test_a_brackets_stop_is_counted_and_its_target_withdrawn_before_the_exit(desk: Desk) -> None:
    brackets = Brackets()
    tag = brackets.enter(desk.ctx, INFY, 10, stop=97.0, target=104.0, reason="break")
    desk.says(desk.asked[-1], "COMPLETE", filled=10)
    brackets.heard(desk.ctx, desk.run.orders[tag])
    resting: Any = desk.asked[-1]
    assert (resting.order_type, resting.price, covered(desk)) == ("LIMIT", 104.0, [(10, 97.0, "SELL")])
    desk.says(resting, "OPEN")
    desk.tick(96.5, 1.0)
    assert (desk.cancelled, len(desk.asked)) == ([resting.tag], 2)
    desk.says(resting, "CANCELLED")
    assert desk.last() == ("SELL", 10, "MARKET")
    brackets.heard(desk.ctx, desk.run.orders[resting.tag])
    assert len(desk.asked) == 3  # no new target while the exit is on its way


def test_a_target_reached_ends_the_brackets_stop(desk: Desk) -> None:
    brackets = Brackets()
    tag = brackets.enter(desk.ctx, INFY, 10, stop=97.0, target=104.0, reason="break")
    desk.says(desk.asked[-1], "COMPLETE", filled=10)
    brackets.heard(desk.ctx, desk.run.orders[tag])
    desk.says(desk.asked[-1], "COMPLETE", filled=10)
    brackets.heard(desk.ctx, desk.run.orders[desk.asked[-1].tag])
    assert (brackets.on(INFY), kept_by([desk.run])) == (None, [])


def test_a_target_of_nothing_is_an_exit_that_leaves_once(desk: Desk) -> None:
    desk.holds(10)
    assert desk.ctx.target(INFY, 0, reason="out")
    assert desk.ctx.target(INFY, 0, reason="out") is None
    assert [request.transaction_type for request in desk.asked] == ["BUY", "SELL"]
