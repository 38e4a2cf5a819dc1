"""What an author writes: parameters that explain themselves, hooks that are silent by default."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number
from tests.fakes import FakeContext, a_tick, an_instrument


class Params(Parameters):
    """Parameters of the strategy under test."""

    window: int = number(20, "Bars looked at", unit="bars", ge=1, le=50, step=1)
    eager: bool = False
    """Whether to trade on the first bar."""


def test_a_number_tells_the_form_all_it_needs() -> None:
    schema = Params.model_json_schema()["properties"]["window"]
    assert {k: schema[k] for k in ("default", "description", "minimum", "maximum", "unit", "step")} == {
        "default": 20, "description": "Bars looked at", "minimum": 1, "maximum": 50, "unit": "bars", "step": 1,
    }  # fmt: skip
    assert Params.model_fields["eager"].description == "Whether to trade on the first bar."


@pytest.mark.parametrize("bad", [{"window": 0}, {"window": 51}, {"window": "many"}, {"widow": 3}])
def test_a_parameter_out_of_bounds_or_misspelt_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Params(**bad)


def test_parameters_do_not_change_while_a_run_lasts() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Params().window = 3


def test_a_strategy_that_overrides_nothing_does_nothing() -> None:
    instrument = an_instrument()
    ctx, strategy = FakeContext([instrument]), Strategy(Params())
    seen_as: Context = ctx
    strategy.on_start(seen_as)
    strategy.on_bar(seen_as, instrument, Bar(0, 1, 1, 1, 1, 0))
    strategy.on_tick(seen_as, instrument, a_tick(100))
    strategy.on_stop(seen_as)
    assert (strategy.lookback, ctx.orders, ctx.lines) == (0, [], [])
