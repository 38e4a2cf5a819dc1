"""A refusal names the price that was asked, to the paisa: ":g" would tell six digits of it."""

from __future__ import annotations

from alphapanda_desktop.domain.risk import DEFAULT_LIMITS, Exposure, check
from tests.fakes import a_request, an_instrument

SHARE = an_instrument("PAGEIND")


def test_a_price_off_its_tick_is_named_whole() -> None:
    found = check(a_request(quantity=1, price=45_900.03), SHARE, DEFAULT_LIMITS, Exposure(last_price=45_900.0))
    assert found is not None and "45900.03" in found.text, found
