"""When positions of the day are closed: Zerodha's own times, and those that follow from them."""

from __future__ import annotations

from datetime import date

import pytest

from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.squareoff import FEE, rule_of, square_off_at

BEFORE, SINCE = date(2026, 7, 31), date(2026, 11, 23)


@pytest.mark.parametrize(
    ("exchange", "day", "has_derivatives", "at"),
    [
        ("NSE", BEFORE, False, "15:20"),
        ("BSE", SINCE, False, "15:20"),
        ("NFO", BEFORE, False, "15:25"),
        ("CDS", SINCE, False, "16:45"),
        ("MCX", SINCE, False, "23:30"),
        ("MCX", BEFORE, False, "23:05"),
        ("NSE", SINCE, True, "15:05"),
    ],
)
def test_the_time_follows_from_the_close(exchange: str, day: date, has_derivatives: bool, at: str) -> None:
    found = square_off_at(exchange, day, has_derivatives=has_derivatives)
    assert found is not None
    assert found.astimezone(IST).strftime("%H:%M") == at
    assert found.astimezone(IST).date() == day


def test_a_holiday_and_a_strange_exchange_have_none() -> None:
    assert square_off_at("NSE", date(2026, 11, 22)) is None
    assert square_off_at("LSE", SINCE) is None


def test_what_is_assumed_says_so_and_the_fee_includes_gst() -> None:
    rule = rule_of("NSE", has_derivatives=True)
    assert rule is not None and rule.source.startswith("assumed")
    assert round(50 * 1.18 * 10_000) == FEE
