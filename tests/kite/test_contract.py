"""Every official sample parses; what is wrong is BadData that names field and value."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.kite import contract as k

Parser = Callable[[Any], object]


def one(model: type[k.Wire]) -> Parser:
    return partial(k.parse, model)


def each(model: type[k.Wire]) -> Parser:
    return partial(k.parse_list, model)


def exactly(value: object) -> Parser:
    def check(data: object) -> object:
        assert data == value
        return True

    return check


def bars(data: object) -> object:
    return k.bars_from_candles(data, Interval.MINUTE, 2e9)


PARSERS: dict[str, Parser] = {
    "alerts_create": one(k.Alert),
    "alerts_create_ato": one(k.Alert),
    "alerts_delete": exactly(None),
    "alerts_get": each(k.Alert),
    "alerts_get_one": one(k.Alert),
    "alerts_history": each(k.AlertEvent),
    "alerts_modify": one(k.Alert),
    "auctions_list": each(k.AuctionHolding),
    "autoslice_response": k.autoslice_from_wire,
    "basket_margins": one(k.BasketMargin),
    "convert_position": exactly(True),
    "full_profile": one(k.FullProfile),
    "generate_session": one(k.SessionRow),
    "gtt_delete_order": one(k.TriggerId),
    "gtt_get_order": one(k.Gtt),
    "gtt_get_orders": each(k.Gtt),
    "gtt_modify_order": one(k.TriggerId),
    "gtt_place_order": one(k.TriggerId),
    "historical_minute": bars,
    "historical_oi": bars,
    "holdings": each(k.Holding),
    "holdings_auth": one(k.AuthoriseRequest),
    "holdings_compact": each(k.CompactHolding),
    "holdings_summary": one(k.HoldingsSummary),
    "instruments_all": k.instruments_from_csv,
    "instruments_nse": k.instruments_from_csv,
    "ltp": k.quotes_from_wire,
    "margin_commodity": one(k.SegmentMargins),
    "margins": k.funds_from_wire,
    "margins_equity": one(k.SegmentMargins),
    "mf_holdings": each(k.MfHolding),
    "mf_instruments": k.mf_instruments_from_csv,
    "mf_order_cancel": one(k.OrderId),
    "mf_order_response": one(k.OrderId),
    "mf_orders": each(k.MfOrder),
    "mf_orders_info": one(k.MfOrder),
    "mf_sip_cancel": one(k.SipId),
    "mf_sip_info": one(k.MfSip),
    "mf_sip_modify": one(k.SipId),
    "mf_sip_place": one(k.SipId),
    "mf_sips": each(k.MfSip),
    "ohlc": k.quotes_from_wire,
    "order_cancel": one(k.OrderId),
    "order_info": k.orders_from_wire,
    "order_margins": each(k.OrderMargin),
    "order_modify": one(k.OrderId),
    "order_response": one(k.OrderId),
    "order_trades": k.fills_from_wire,
    "orders": k.orders_from_wire,
    "positions": k.positions_from_wire,
    "postback": one(k.Postback),
    "profile": k.profile_from_wire,
    "quote": k.quotes_from_wire,
    "session_logout": exactly(True),
    "ticker_full": k.quote_from_wire,
    "ticker_ltp": k.quote_from_wire,
    "ticker_quote": k.quote_from_wire,
    "trades": k.fills_from_wire,
    "trigger_range": partial(k.parse_map, k.TriggerRange),
    "virtual_contract_note": each(k.ContractNote),
}
"""Sample file → who reads it."""

BARE = {"postback", "ticker_full", "ticker_ltp", "ticker_quote"}
"""Samples that are no answer to a request and carry no envelope."""


def _sample_files() -> list[str]:
    folder = Path(os.environ.get("ALPHAPANDA_KITE_SAMPLES", "")) / "mocks"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def payload(samples: Path, name: str) -> Any:
    """What a sample holds, out of its envelope."""
    path = samples / "mocks" / name
    if path.suffix == ".csv":
        return path.read_bytes()
    if path.stem in BARE:
        return json.loads(path.read_bytes())
    return k.envelope_of(path.read_bytes()).data


@pytest.mark.parametrize("name", _sample_files())
def test_every_official_sample_is_read(kite_samples: Path, name: str) -> None:
    parser = PARSERS.get(Path(name).stem)
    assert parser is not None, f"no parser is named for {name}"
    data = payload(kite_samples, name)
    assert data is None or parser(data)


def test_samples_cover_the_contract(kite_samples: Path) -> None:
    assert len(list((kite_samples / "mocks").iterdir())) >= 50


MODELS_OF_ROWS = [
    ("orders.json", k.OrderRow),
    ("order_trades.json", k.TradeRow),
    ("order_margins.json", k.OrderMargin),
    ("virtual_contract_note.json", k.ContractNote),
    ("mf_orders.json", k.MfOrder),
    ("mf_holdings.json", k.MfHolding),
    ("mf_sips.json", k.MfSip),
    ("auctions_list.json", k.AuctionHolding),
    ("alerts_get.json", k.Alert),
    ("generate_session.json", k.SessionRow),
    ("full_profile.json", k.FullProfile),
    ("gtt_get_order.json", k.Gtt),
    ("postback.json", k.Postback),
    ("holdings_summary.json", k.HoldingsSummary),
    ("margins_equity.json", k.SegmentMargins),
]


@pytest.mark.parametrize(("name", "model"), MODELS_OF_ROWS)
def test_no_field_of_a_sample_is_overlooked(kite_samples: Path, name: str, model: type[k.Wire]) -> None:
    data = payload(kite_samples, name)
    rows = data if isinstance(data, list) else [data]
    assert set().union(*rows) - set(model.model_fields) == set()


def test_a_time_without_zone_is_indian_and_becomes_utc() -> None:
    assert k.ist_time("2021-05-31 09:18:57") == datetime(2021, 5, 31, 3, 48, 57, tzinfo=UTC)
    assert k.ist_time("2017-12-15T09:15:00+0530") == datetime(2017, 12, 15, 3, 45, tzinfo=UTC)
    assert k.ist_time(datetime(2021, 5, 31, 9, 18, 57)) == datetime(2021, 5, 31, 3, 48, 57, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize("never", [None, "", 0, "0001-01-01 00:00:00", "1970-01-01 05:30:00"])
def test_kites_ways_to_say_never_are_none(never: object) -> None:
    assert k.ist_time(never) is None


def test_a_time_goes_back_as_kite_writes_it() -> None:
    when = k.ist_time("2026-11-20 15:30:01")
    assert when is not None
    assert k.ist_text(when) == "2026-11-20 15:30:01"


def test_bad_data_names_field_and_value() -> None:
    with pytest.raises(BadData, match=r"profile: user_id is missing"):
        k.profile_from_wire({"user_name": "A"})
    with pytest.raises(BadData, match=r"order: quantity is 'many'"):
        k.order_from_wire({"order_id": "1", "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY",
                           "transaction_type": "BUY", "quantity": "many"})  # fmt: skip


def test_bad_data_shows_no_secret() -> None:
    session = {"user_id": "AB1234", "access_token": ["s3cr3t"], "login_time": "2026-01-01 09:00:00"}
    with pytest.raises(BadData) as refused:
        k.token_from_wire(session, "key", datetime(2026, 1, 1, tzinfo=UTC))
    assert "access_token" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    with pytest.raises(BadData) as refused:
        k.token_from_wire({"access_token": "s3cr3t"}, "key", datetime(2026, 1, 1, tzinfo=UTC))
    assert "user_id is missing" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_a_session_hides_its_secrets_when_printed(kite_samples: Path) -> None:
    row = k.parse(k.SessionRow, {"user_id": "AB1234", "access_token": "s3cr3t", "enctoken": "s3cr3t"})
    assert "s3cr3t" not in repr(row)


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"\xff\xfe", b"[1,2]", b"[" * 100_000])
def test_a_body_that_is_no_envelope_is_bad_data(body: bytes) -> None:
    with pytest.raises(BadData):
        k.envelope_of(body)


def test_an_error_without_type_still_reads_as_failed() -> None:
    envelope = k.envelope_of(b'{"status":"error","message":"no"}')
    assert (envelope.failed, envelope.error_type, envelope.message) == (True, "", "no")


@pytest.mark.parametrize("junk", [None, [], {}, "x", 3, {"net": 3}, {"net": [3]}, [[]], {"a": {}}])
@pytest.mark.parametrize(
    "parser",
    [k.orders_from_wire, k.fills_from_wire, k.positions_from_wire, k.funds_from_wire, k.quotes_from_wire, bars],
)
def test_junk_is_bad_data_or_nothing(parser: Parser, junk: object) -> None:
    try:
        assert parser(junk) in ([], {})
    except BadData as refused:
        assert str(refused)


def test_the_login_checksum_is_kites() -> None:
    assert k.login_checksum("kkkk", "rrrr", "ssss") == (
        "c8d87db8361fda70c0a6865d6535f9e90309d2a6c2496d0d457122a5729eef08"
    )


def test_the_postback_checksum_is_kites() -> None:
    assert k.postback_checksum("171229000724687", "2017-12-29 11:06:52", "secret") == (
        "b59925180b377d0778f18250e8f35854e18c0b3db9233982687d2d5cb7ce6f2a"
    )
