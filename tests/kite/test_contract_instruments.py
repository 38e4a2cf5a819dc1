"""The instrument master is read by columns where it is plain; row by row it says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.kite.contract_instruments import COLUMNS, read_instruments

HEADER = ",".join(COLUMNS)
GOOD = (
    "408065,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE",
    "77057,301,NIFTY26NOV26000CE,NIFTY,12.5,2026-11-24,26000.0,0.05,75,CE,NFO-OPT,NFO",
)
BAD = (
    "x,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE",
    "-1,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE",
    "4294967296,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE",
    "408065,1594,,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE",
    "408065,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,",
    "408065,1594,INFY,INFOSYS,nan,,0.0,0.05,1,EQ,NSE,NSE",
    "408065,1594,INFY,INFOSYS,0.0,24-11-2026,0.0,0.05,1,EQ,NSE,NSE",
    "408065,1594,INFY,INFOSYS,0.0,,0.0,0.05,1.5,EQ,NSE,NSE",
    "408065,1594,INFY",
)

lines = st.lists(st.sampled_from((*GOOD, *BAD, "", f"{GOOD[0]},more")), max_size=12)


@given(lines)
def test_reading_by_columns_says_what_reading_row_by_row_says(rows: list[str]) -> None:
    plain = "\n".join([HEADER, *rows]) + "\n"
    quoted = plain.replace("tradingsymbol", '"tradingsymbol"', 1)  # the same master, but not a plain one
    ours, theirs = read_instruments(plain), read_instruments(quoted)
    assert ours.instruments == theirs.instruments
    assert (ours.skipped, str(ours.bad)) == (theirs.skipped, str(theirs.bad))


def test_a_wrong_row_among_thousands_costs_itself_alone_and_is_named() -> None:
    rows = [GOOD[0].replace("INFY,", f"S{n},") for n in range(12_000)]
    rows[7_000] = BAD[3]
    read = read_instruments("\n".join([HEADER, *rows]))
    assert len(read.instruments) == 11_999
    assert read.skipped == 1
    assert str(read.bad) == "instruments: 1 of 12000 rows skipped; row 7002: it names no tradingsymbol or no exchange"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_line_ends_are_no_rows(end: str) -> None:
    text = (end or "\n").join([HEADER, *GOOD]) + end
    assert [i.tradingsymbol for i in read_instruments(text).instruments] == ["INFY", "NIFTY26NOV26000CE"]
