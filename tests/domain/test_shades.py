"""How figures are painted beside one another."""

from __future__ import annotations

import pytest

from alphapanda_desktop.domain.shades import Shades


@pytest.mark.parametrize(("figure", "even"), [("sharpe", 0.0), ("profit_factor", 1.0)])
def test_no_loss_looks_like_a_gain_and_the_best_of_each_is_the_strongest(figure: str, even: float) -> None:
    values = [even + shift for shift in (-0.9, -0.5, -0.1, 0.1, 0.5, 2.0)]
    shades = [Shades(values, figure, least=False).of(value) for value in values]
    assert shades == sorted(shades) and shades[0] == -1 and shades[-1] == 1
    assert [shade > 0 for shade in shades] == [value > even for value in values]


def test_of_what_should_be_little_the_least_is_the_best() -> None:
    shades = Shades([1.0, 2.0, 3.0], "volatility", least=True)
    assert [shades.of(value) for value in (1.0, 2.0, 3.0)] == [1.0, 0.0, -1.0]
