from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.ui import formats


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (999, 0, "999"),
        (1_000, 0, "1,000"),
        (99_999, 0, "99,999"),
        (100_000, 0, "1,00,000"),
        (1_234_567.8, 2, "12,34,567.80"),
        (123_456_789, 0, "12,34,56,789"),
        (-1_234.5, 2, "−1,234.50"),
        (-0.001, 2, "0.00"),
        (85.1234, 4, "85.1234"),
    ],
)
def test_digits_are_grouped_the_indian_way(value: float, decimals: int, text: str) -> None:
    assert formats.grouped(value, decimals) == text


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_grouping_only_adds_commas_and_a_true_minus(value: int) -> None:
    assert int(formats.grouped(value).replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (formats.rupees(1_234_567.8), "₹ 12,34,567.80"),
        (formats.rupees(-88), "−₹ 88.00"),
        (formats.rupees(None), "–"),
        (formats.signed(1_234.5), "+1,234.50"),
        (formats.signed(-88), "−88.00"),
        (formats.signed(0.0), "0.00"),
        (formats.signed(0.001), "0.00"),
        (formats.signed(None), "–"),
        (formats.signed_rupees(1_234.5), "+₹ 1,234.50"),
        (formats.signed_rupees(-0.5), "−₹ 0.50"),
        (formats.percent(1.254), "+1.25 %"),
        (formats.percent(None), "–"),
        (formats.price(1502.35), "1,502.35"),
        (formats.price(85.2, 4), "85.2000"),
        (formats.price(0.0), "–"),
        (formats.price(None), "–"),
        (formats.volume(9_850), "9,850"),
        (formats.volume(123_456), "1.23 L"),
        (formats.volume(34_100_000), "3.41 Cr"),
        (formats.volume(None), "–"),
        (formats.countdown(18_720), "5 h 12 m"),
        (formats.countdown(249), "4 m 09 s"),
        (formats.countdown(12.9), "12 s"),
        (formats.countdown(0), "over"),
        (formats.countdown(None), "–"),
        (formats.age(0.4), "now"),
        (formats.age(12.7), "12 s"),
        (formats.age(200), "3 m"),
        (formats.age(7_300), "2 h"),
        (formats.age(None), "never"),
    ],
)
def test_numbers_read_as_a_trader_writes_them(made: str, text: str) -> None:
    assert made == text


def test_times_are_india_s() -> None:
    at = datetime(2026, 10, 6, 5, 11, 27, tzinfo=UTC)
    assert formats.ist_time(at) == "10:41:27"
    assert formats.ist_time(at.timestamp()) == "10:41:27"
    assert formats.ist_moment(at) == "Tue 6 Oct 2026, 10:41"
    assert formats.ist_day(datetime(2026, 10, 5, 20, 0, tzinfo=UTC)) == "6 Oct 2026"
    assert formats.ist_time(None) == "–"


def test_no_figure_of_the_window_is_written_in_western_groups() -> None:
    western = re.compile(r"\{[^{}]*:[+−-]?,(\.\d)?[df]?\}")
    modules = sorted((Path(formats.__file__).parent).rglob("*.py"))
    assert len(modules) > 100
    found = [f"{path.name}: {hit[0]}" for path in modules for hit in western.finditer(path.read_text("utf-8"))]
    assert found == []
