"""Figures as they are read in India."""

from __future__ import annotations

import pytest

from alphapanda_desktop.domain.figures import in_lakhs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25_00_000, "25,00,000.00"), (999.5, "999.50"), (1_000, "1,000.00"), (1_23_45_678.9, "1,23,45,678.90"),
        (-1_00_000, "-1,00,000.00"), (-0.001, "0.00"), (0, "0.00"),
    ],
)  # fmt: skip
def test_digits_stand_in_indian_groups(value: float, text: str) -> None:
    assert in_lakhs(value) == text


def test_without_decimals_there_is_no_point() -> None:
    assert in_lakhs(1_00_000, 0) == "1,00,000"
