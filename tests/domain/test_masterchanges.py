"""What differs from yesterday's master, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.masterchanges import Change, MasterChanges, master_changes
from tests.fakes import an_instrument

DAY = date(2026, 11, 25)
INFY = an_instrument()
SBIN = an_instrument("SBIN", token=779521)
OLD = an_instrument("NIFTY26NOV26000CE", token=77057, exchange="NFO", kind="CE", lot_size=75, expiry=date(2026, 11, 24))
FUTURE = an_instrument(
    "NIFTY26DECFUT", token=13238786, exchange="NFO", kind="FUT", lot_size=75, expiry=date(2026, 12, 31)
)


def test_what_came_what_went_and_what_expired_are_told_apart() -> None:
    changes = master_changes([INFY, SBIN, OLD], [INFY, FUTURE], DAY)
    assert changes == MasterChanges(("NFO:NIFTY26DECFUT",), ("NSE:SBIN",), ("NFO:NIFTY26NOV26000CE",))
    assert changes.text() == "1 new, 1 expired, 1 gone, 0 changed"


def test_an_option_that_goes_on_its_own_last_day_is_gone_not_expired() -> None:
    assert master_changes([OLD], [INFY], date(2026, 11, 24)).gone == ("NFO:NIFTY26NOV26000CE",)


def test_each_field_that_moved_is_named_with_both_values() -> None:
    today = replace(FUTURE, lot_size=65, tick_size=0.1, expiry=date(2026, 12, 29), instrument_token=1, name="other")
    changes = master_changes([FUTURE], [today], DAY)
    assert changes.changed == (
        Change("NFO:NIFTY26DECFUT", "lot_size", 75, 65),
        Change("NFO:NIFTY26DECFUT", "tick_size", 0.05, 0.1),
        Change("NFO:NIFTY26DECFUT", "expiry", date(2026, 12, 31), date(2026, 12, 29)),
        Change("NFO:NIFTY26DECFUT", "instrument_token", 13238786, 1),
    )
    assert changes.text().endswith(
        "4 changed: NFO:NIFTY26DECFUT lot size 75 → 65; NFO:NIFTY26DECFUT tick size 0.05 → 0.1; "
        "NFO:NIFTY26DECFUT expiry 2026-12-31 → 2026-12-29; NFO:NIFTY26DECFUT instrument token 13238786 → 1"
    )


def test_a_long_list_is_cut_and_a_watchlist_hears_its_own() -> None:
    before = [an_instrument(f"S{n}", token=n << 8 | 1) for n in range(9)]
    after = [replace(share, lot_size=2) for share in before]
    changes = master_changes(before, after, DAY)
    assert changes.text().startswith("0 new, 0 expired, 0 gone, 9 changed: NSE:S0 lot size 1 → 2; ")
    assert changes.text().endswith("NSE:S4 lot size 1 → 2 …")
    assert changes.of(["NSE:S3", "NSE:OTHER"]).changed == (Change("NSE:S3", "lot_size", 1, 2),)


names = st.sampled_from(["A", "B", "C", "D"])
masters = st.dictionaries(names, st.tuples(st.integers(1, 3), st.integers(1, 3))).map(
    lambda rows: [an_instrument(name, token=token << 8 | 1, lot_size=lot) for name, (token, lot) in rows.items()]
)


@given(masters, masters)
def test_new_and_gone_change_places_when_the_days_do(one: list, other: list) -> None:
    there, back = master_changes(one, other, DAY), master_changes(other, one, DAY)
    assert (there.new, there.gone) == (back.gone, back.new)
    assert [(c.key, c.field, c.before, c.after) for c in there.changed] == [
        (c.key, c.field, c.after, c.before) for c in back.changed
    ]
    assert bool(there) == (set(one) != set(other))
    assert not master_changes(one, one, DAY)
