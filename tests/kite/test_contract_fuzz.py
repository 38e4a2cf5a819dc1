"""Whatever comes in Kite's fields is read, or is BadData: no other error leaves the contract."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.kite import contract as k

TIMES = st.sampled_from(
    ["2026-11-20 09:15:00", "09:15:00", "0001-01-01 00:00:00", "9999-12-31T23:59:59-23:00", "2026-13-45", "", "now"]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), TIMES,
    st.sampled_from(["BUY", "SELL", "1", 1e308, -1, 2**64, 10**400, b"x"]),
)  # fmt: skip
JUNK = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
READERS: dict[type[k.Wire], Any] = {
    k.OrderRow: k.order_from_wire,
    k.Postback: k.order_from_wire,
    k.TradeRow: k.fill_from_wire,
    k.PositionRow: k.position_from_wire,
    k.QuoteRow: k.quote_from_wire,
    k.ProfileRow: k.profile_from_wire,
    k.SegmentMargins: lambda row: k.funds_from_wire({"equity": row}),
    k.Holding: lambda row: k.parse(k.Holding, row),
    k.Gtt: lambda row: k.parse(k.Gtt, row),
    k.Alert: lambda row: k.parse(k.Alert, row),
    k.MfOrder: lambda row: k.parse(k.MfOrder, row),
    k.Autoslice: k.autoslice_from_wire,
    k.Candles: lambda row: k.bars_from_candles(row, Interval.MINUTE, 0.0),
}


def row_of(model: type[k.Wire], draw: st.DataObject) -> dict[str, Any]:
    """A row that has what the model demands and junk in some of its fields."""
    known: dict[str, Any] = {"order_id": "1", "trade_id": "1", "status": "OPEN", "exchange": "NSE", "product": "MIS",
                             "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1, "average_price": 1.5,
                             "instrument_token": 408065, "user_id": "AB1234", "net": 1.0, "id": 1, "uuid": "u",
                             "condition": {"exchange": "NSE", "tradingsymbol": "INFY"}}  # fmt: skip
    junk = draw.draw(st.dictionaries(st.sampled_from(sorted(model.model_fields)), JUNK, max_size=4))
    return {name: value for name, value in known.items() if name in model.model_fields} | junk


@pytest.mark.parametrize("model", READERS, ids=lambda model: model.__name__)
@settings(max_examples=120)
@given(draw=st.data())
def test_junk_in_a_field_is_read_or_bad_data(model: type[k.Wire], draw: st.DataObject) -> None:
    row = row_of(model, draw)
    try:
        assert READERS[model](row) is not None
    except BadData as refused:
        assert ": " in str(refused)


@given(JUNK)
def test_junk_instead_of_a_row_is_bad_data(junk: Any) -> None:
    for read in (k.order_from_wire, k.orders_from_wire, k.positions_from_wire, k.quotes_from_wire, k.funds_from_wire):
        try:
            assert read(junk) in ([], {})
        except BadData as refused:
            assert str(refused)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_envelope_or_bad_data(body: bytes) -> None:
    try:
        assert isinstance(k.envelope_of(body), k.Envelope)
    except BadData as refused:
        assert str(refused)
