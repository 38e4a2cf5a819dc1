"""Frames and numbers between the program and a strategy's process: told back as they were, and never believed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.hosting import wire
from alphapanda_desktop.hosting.papers import instrument_of, instrument_told, moment, order_of, order_told
from tests.fakes import an_instrument

MAYBE = st.none() | st.integers(0, 1 << 40)
PRICE = st.floats(0, 1e9, allow_nan=False)
TICKS = st.builds(
    Tick, st.integers(0, (1 << 32) - 1), st.sampled_from(Mode), PRICE, st.integers(0, 1 << 61), st.booleans(), MAYBE,
    st.none() | PRICE, MAYBE, MAYBE, MAYBE, st.none() | st.builds(Ohlc, PRICE, PRICE, PRICE, PRICE), MAYBE,
    MAYBE, MAYBE,
    st.integers(0, 1 << 33), st.integers(0, 1 << 33),
    st.none() | st.lists(st.integers(0, (1 << 32) - 1), min_size=30, max_size=30).map(tuple),
    st.sampled_from((100, 10_000, 10_000_000)),
)  # fmt: skip


@given(TICKS)
def test_a_tick_comes_back_as_it_was(tick):
    assert wire.tick_of(wire.tick_bytes(tick)) == tick


def test_orders_and_instruments_come_back_as_they_were():
    plain = Order(order_id="", status="INTENDED", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
        quantity=1, product="MIS", order_type="MARKET")  # fmt: skip
    at = datetime(2026, 11, 23, 9, 15, 1, 5, tzinfo=UTC)
    full = replace(plain, transaction_type="SELL", tags=("a", "b"), meta={"x": [1]}, order_timestamp=at, modified=True,
        exchange_update_timestamp=at, filled_quantity=3, average_price=100.05, parent_order_id="7")  # fmt: skip
    future = replace(an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT"), expiry=date(2026, 11, 24))
    for order in (plain, full):
        assert order_of(json.loads(json.dumps(order_told(order)))) == order
    for instrument in (an_instrument(), future):
        assert instrument_of(json.loads(json.dumps(instrument_told(instrument)))) == instrument
    assert moment(1_795_415_401_000_005_999) == datetime.fromtimestamp(1_795_415_401, UTC).replace(microsecond=5)


def test_columns_come_back_as_they_were():
    bars = wire.Columns._make(np.arange(5).astype(kind) * (n + 1) for n, kind in enumerate(wire.KINDS))
    body = b"before" + bars.as_bytes()
    back = wire.columns_of(body, 6, 5)
    assert all((mine == theirs).all() and mine.dtype == theirs.dtype for mine, theirs in zip(bars, back, strict=True))
    assert wire.joined(bars, 2, bars.rows(3, 5)).start_s.tolist() == [0, 1, 3, 4]


@given(st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=6), st.integers(1, 40))
def test_frames_come_out_whole_however_the_stream_is_cut(messages, cut):
    stream = b"".join(wire.packed({"text": text}, body) for text, body in messages)
    splitter, found = wire.Splitter(1000, 1000), []
    for at in range(0, len(stream), cut):
        found += [(json.loads(f.header)["text"], f.body) for f in splitter.feed(stream[at : at + cut])]
    assert found == messages


@pytest.mark.parametrize("sizes", [(11, 0), (0, 21), (0xFFFFFFFF, 0), (0, 0xFFFFFFFF)])
def test_a_message_that_would_be_too_long_is_garbled_before_it_is_read(sizes):
    splitter = wire.Splitter(10, 20)
    with pytest.raises(wire.Garbled, match="10 and 20 allowed"):
        list(splitter.feed(wire.HEAD.pack(wire.MAGIC, *sizes)))
    assert len(list(wire.Splitter(10, 20).feed(wire.HEAD.pack(wire.MAGIC, 10, 20) + bytes(30)))) == 1


@given(st.binary(min_size=1, max_size=60))
def test_whatever_is_written_either_waits_or_is_garbled_and_is_never_believed(data):
    splitter = wire.Splitter(wire.LARGEST_SAID, 0)
    try:
        for frame in splitter.feed(data):
            wire.heard(frame)
    except wire.Garbled:
        return
    assert wire.MAGIC.startswith(data[:2])


@pytest.mark.parametrize(
    "header",
    [
        {"say": "order", "tag": "t", "side": "BUY", "i": 0, "quantity": 1.5, "reason": ""},
        {"say": "order", "tag": "t", "side": "HOLD", "i": 0, "quantity": 1, "reason": ""},
        {"say": "order", "tag": "t" * 21, "side": "BUY", "i": 0, "quantity": 1, "reason": ""},
        {"say": "order", "tag": "t", "side": "BUY", "i": -1, "quantity": 1, "reason": ""},
        {"say": "order", "tag": "t", "side": "BUY", "i": 0, "quantity": 1, "reason": "", "price": float("nan")},
        {"say": "log", "text": "x" * 5_000},
        {"say": "log", "text": "x", "level": "error"},
        {"say": "wish", "what": "__class__"},
        {"say": "wish", "what": "exit", "reason": 5},
        {"say": "wish", "what": "target", "quantity": 1.5},
        {"say": "wish", "what": "bracket", "stop": float("inf")},
        {"say": "wish", "what": "timer", "args": {}},
        {"say": "done", "n": 1, "took_s": -1.0},
        {"say": "eval", "text": "1"},
        {"say": "show", "values": {"x": {"nested": 1}}},
        [],
    ],
)
def test_what_does_not_fit_is_garbled(header):
    with pytest.raises(wire.Garbled):
        wire.heard(wire.Frame(json.dumps(header).encode()))
