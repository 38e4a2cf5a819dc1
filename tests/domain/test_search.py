"""The search index finds what a plain look at every row finds, and orders it as a trader would."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from alphapanda_desktop.domain.instruments import SMALL, Instrument, InstrumentMaster
from alphapanda_desktop.domain.search import Among, SearchIndex, search_text
from alphapanda_desktop.kite.contract_instruments import read_instruments
from tests.fakes import an_instrument

WORDS = (
    "nifty", "banknifty aug", "nifty 26000", "nifty 26000 ce", "infy", "reliance fut", "26000ce", "nifty26aug",
    "tata motors", "m&m", "bajaj-auto", "anknif", "zzz", "26 aug 2026 tcs", "cnxit fut", "nifty bees", "250",
)  # fmt: skip


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> SearchIndex:
    folder: Path = request.getfixturevalue("real_data")
    rows = []
    for name in ("kite_NFO_BFO_2026-08-18.csv.gz", "kite_NSE_2026-07-30.csv.gz"):
        rows += read_instruments(gzip.decompress((folder / "instruments" / name).read_bytes())).instruments
    return SearchIndex(rows)


@pytest.mark.parametrize("typed", WORDS)
def test_every_row_that_holds_the_words_is_found_and_no_other(real: SearchIndex, typed: str) -> None:
    found = {i.key for i in real.find(typed, limit=1_000_000)}
    expected = {i.key for i in real._rows if all(word in search_text(i) for word in typed.split())}
    assert found == expected


def test_a_short_word_stands_at_the_beginning_of_a_piece(real: SearchIndex) -> None:
    rows = real.find("ni", limit=1_000_000)
    assert rows
    assert all("ni" in search_text(i) for i in rows)
    assert not any(i.tradingsymbol == "ADANIENT" for i in rows)


def test_typing_on_never_finds_what_the_shorter_text_did_not(real: SearchIndex) -> None:
    typed = "nifty 26000 ce aug"
    for end in range(4, len(typed)):
        fewer = {i.key for i in real.find(typed[: end + 1], limit=1_000_000)}
        if len(typed[: end + 1].rsplit(maxsplit=1)[-1]) > 3:
            assert fewer <= {i.key for i in real.find(typed[:end], limit=1_000_000)}, typed[: end + 1]


def test_the_order_is_exact_then_beginning_then_cash_then_nearest_expiry() -> None:
    def row(symbol: str, expiry: date | None = None, strike: float = 0.0) -> Instrument:
        kind = "EQ" if expiry is None else "CE"
        return Instrument(1, 1, symbol, "", 0.0, expiry, strike, 0.05, 1, kind, "NSE" if not expiry else "NFO-OPT", "X")

    near, far = date(2026, 11, 26), date(2026, 12, 31)
    rows = [
        row("INFY26DEC1500CE", far, 1500.0),
        row("XINFY"),
        row("INFY26NOV1600CE", near, 1600.0),
        row("INFYBEES"),
        row("INFY26NOV1500CE", near, 1500.0),
        row("INFY"),
    ]
    found = [i.tradingsymbol for i in SearchIndex(rows).find("infy", 10)]
    assert found == ["INFY", "INFYBEES", "INFY26NOV1500CE", "INFY26NOV1600CE", "INFY26DEC1500CE", "XINFY"]
    assert [i.tradingsymbol for i in SearchIndex(rows).find("infy", 2)] == ["INFY", "INFYBEES"]


def test_nothing_is_found_in_nothing_or_for_nothing() -> None:
    assert SearchIndex([]).find("infy", 10) == []
    assert SearchIndex([an_instrument()]).find("  ", 10) == []


def test_a_large_master_finds_symbols_before_its_index_is_made() -> None:
    rows = [an_instrument(f"S{n:05d}", token=n + 1) for n in range(SMALL + 1)]
    master = InstrumentMaster(rows)
    assert [i.tradingsymbol for i in master.search("s0500", 3)] == ["S05000"]
    master.prepare()
    assert [i.tradingsymbol for i in master.search("0500", 3)] == ["S00500", "S05000"]


def test_a_search_narrowed_finds_what_it_found_less_the_rest(real: SearchIndex) -> None:
    everything = real.find("nifty 26000", limit=1_000_000)
    for among in (
        Among(exchanges=frozenset({"NFO"})),
        Among(kinds=frozenset({"CE", "FUT"})),
        Among(frozenset({"NFO", "BFO"}), frozenset({"PE"}), date(2026, 8, 25)),
    ):
        narrowed = real.find("nifty 26000", 1_000_000, among)
        assert narrowed == [i for i in everything if among.takes(i)]
        assert narrowed
    assert real.find("nifty", 10, Among(exchanges=frozenset({"MARS"}))) == []


def test_words_of_a_contract_put_that_contract_first(real: SearchIndex) -> None:
    first = real.find("nifty 26000 ce aug", 1)[0]
    assert (first.name, first.strike, first.instrument_type) == ("NIFTY", 26_000, "CE")
    assert first.expiry is not None
    assert first.expiry.month == 8


def test_without_words_all_of_what_it_is_narrowed_to_is_found(real: SearchIndex) -> None:
    indices = real.find("", 1_000, Among(kinds=frozenset({"IDX"})))
    assert indices
    assert not any(i.tradable for i in indices)
    assert real.find("", 1_000) == []


def test_expiries_are_the_nearest_of_what_the_words_find(real: SearchIndex) -> None:
    days = real.expiries("nifty ce", limit=3)
    assert len(days) == 3
    assert days == sorted(days)
    assert days[0] == min(i.expiry for i in real.find("nifty ce", 1_000_000) if i.expiry)
    assert real.expiries("infy", Among(kinds=frozenset({"EQ"}))) == []
