"""The latest-value table: rows made, written one at a time or as objects, and who is told what has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.domain.quotes import (
    ASK_WORDS_AT,
    CLOSE,
    DEPTH,
    FULL,
    LAST,
    LTP,
    NOTHING,
    VOLUME,
    LatestTable,
)

INFY, TCS, NIFTY, USDINR = 408065, 2953217, 256265, (1234 << 8) | 3
NOW = 1_795_410_900_000_000_000


def a_full_tick(token: int, last: float = 1502.35) -> Tick:
    depth = tuple(word for n in range(10) for word in (10 + n, 150_000 + n, 3))
    return Tick(
        token,
        Mode.FULL,
        last,
        NOW,
        last_traded_quantity=7,
        average_traded_price=1500.5,
        volume_traded=4_000_000_000,
        total_buy_quantity=11,
        total_sell_quantity=12,
        ohlc=Ohlc(1490.0, 1510.0, 1480.0, 1495.05),
        oi=5,
        oi_day_high=6,
        oi_day_low=4,
        exchange_epoch_s=1_795_410_901,
        last_trade_epoch_s=1_795_410_900,
        raw_depth=depth,
    )


def test_a_tick_that_came_as_an_object_is_the_same_when_it_is_read_back() -> None:
    table = LatestTable()
    tick = a_full_tick(INFY)
    (row,) = table.put_ticks([tick])
    assert table.tick(row) == tick


def test_a_negative_price_and_one_of_many_decimals_are_kept() -> None:
    table = LatestTable()
    rows = table.put_ticks([Tick(INFY, Mode.LTP, -37.63), Tick(USDINR, Mode.LTP, 88.4975)])
    assert table.rupees(LAST)[rows].tolist() == [-37.63, 88.4975]


@pytest.mark.parametrize("price", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_price_is_none(price: float) -> None:
    table = LatestTable()
    (row,) = table.put_ticks([Tick(INFY, Mode.LTP, price)])
    assert table.rupees(LAST)[row] == 0


def test_depth_of_another_divisor_means_the_same_prices() -> None:
    table = LatestTable()
    tick = replace(a_full_tick(USDINR, 88.5), raw_depth=(10, 8_849, 3) * 10)
    (row,) = table.put_ticks([tick])
    read = table.tick(row)
    assert read is not None and read.depth is not None and tick.depth is not None
    assert read.depth.buy[0] == tick.depth.buy[0] == (88.49, 10, 3)


def test_rows_may_be_made_before_anything_is_known() -> None:
    table = LatestTable()
    rows = table.make_rows([TCS, INFY])
    assert rows.tolist() == [0, 1] and table.make_rows([INFY, TCS]).tolist() == [1, 0]
    assert table.level.tolist() == [NOTHING, NOTHING] and table.tick(0) is None
    assert table.take_changed("anyone").tolist() == []
    assert table.make_rows([]).tolist() == []


def test_one_packet_alone_is_the_same_as_in_a_frame() -> None:
    alone, framed = LatestTable(), LatestTable()
    words = np.arange(1, 47, dtype=">u4")
    words[0] = INFY
    assert alone.put_one(INFY, words, FULL, NOW) == framed.put(words[None, :], FULL, NOW)[0] == 0
    assert alone.tick(0) == framed.tick(0)
    alone.put_one(INFY, words[:2], LTP, NOW + 1)
    framed.put(words[None, :2], LTP, NOW + 1)
    assert alone.tick(0) == framed.tick(0) and alone.take_changed("a").tolist() == [0]


@given(st.lists(st.tuples(st.sampled_from(["write", "ask a", "ask b", "ask some"]), st.integers(0, 5)), max_size=40))
def test_every_reader_hears_of_every_change_once(steps: list[tuple[str, int]]) -> None:
    table = LatestTable()
    rows = table.make_rows(range(1 << 8 | 1, 7 << 8 | 1, 1 << 8))
    owed: dict[str, set[int]] = {"a": set(), "b": set(), "some": set()}
    for what, number in steps:
        if what == "write":
            table.put_one((number + 1) << 8 | 1, np.array([(number + 1) << 8 | 1, 5], ">u4"), LTP, NOW)
            for reader, rows_owed in owed.items():
                if reader != "some" or number < 3:
                    rows_owed.add(number)
            continue
        reader = what.split()[1]
        among = rows[:3] if reader == "some" else None
        assert set(table.take_changed(reader, among).tolist()) == owed[reader]
        owed[reader].clear()


def test_words_are_given_in_this_machines_order() -> None:
    table = LatestTable()
    rows = table.put_ticks([a_full_tick(TCS), a_full_tick(INFY, 10.0)])
    words = table.words(rows, (LAST, VOLUME, CLOSE, DEPTH, ASK_WORDS_AT + 1))
    assert words.dtype == np.uint32 and words.dtype.isnative
    assert words.tolist() == [
        [150_235, 4_000_000_000, 149_505, 10, 150_005],
        [1_000, 4_000_000_000, 149_505, 10, 150_005],
    ]
    assert table.divisors(rows).tolist() == [100.0, 100.0]
