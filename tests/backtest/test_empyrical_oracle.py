"""Ratios against what empyrical-reloaded 0.7.1 itself answered (numpy 2.4.6), recorded to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from alphapanda_desktop.backtest.statistics import Ratios, ratios_of

# The account at the start and at the end of each day, as booked money; what empyrical made of its returns:
# cum_returns_final, annual_return, annual_volatility, sharpe_ratio, sortino_ratio, max_drawdown.
RECORDED = [
    (
        [
            10000000000,
            10024103132,
            10207714333,
            10378148997,
            10378148997,
            10361796831,
            10316944650,
            10408112563,
            10421926488,
            10536178185,
            10323685623,
            10538403679,
            10547285594,
            10654493915,
            10658342361,
            10631172298,
        ],
        Ratios(
            0.06311722980000045,
            1.796169109587999,
            0.16618297952841396,
            6.2775279219408855,
            12.210816300986558,
            -0.020167897530673724,
        ),
    ),
    (
        [
            10000000000,
            10025573219,
            10094691148,
            10039873357,
            10039873357,
            10092365663,
            9956683014,
            9745874127,
            9762829827,
            9654981897,
            9403526708,
            9283456423,
            9203514995,
        ],
        Ratios(
            -0.07964850050000016,
            -0.8250039649020575,
            0.16709657801248157,
            -10.317745040175934,
            -9.135371232870511,
            -0.0882816660692549,
        ),
    ),
    (
        [
            10000000000,
            9856815703,
            9680284405,
            9684540380,
            9684540380,
            9657447056,
            9571272185,
            9615490751,
            9698249642,
            9663334710,
            9726494398,
            9848216668,
            9823758846,
            9727857480,
            9768440226,
            9797457855,
            9926644716,
            9773625792,
            9696029506,
            9598506807,
            9398779367,
            9413039333,
            9472658235,
            9388678569,
            9544791309,
            9638932464,
            9711499338,
            9758313476,
            9870222155,
            9712458912,
            9784012111,
        ],
        Ratios(
            -0.02159878890000011,
            -0.16757973283404626,
            0.1630580567742652,
            -1.0454181363717048,
            -1.3505588778491673,
            -0.061132143100000175,
        ),
    ),
]


@pytest.mark.parametrize(("daily", "theirs"), RECORDED, ids=["gain", "loss", "neither"])
def test_ratios_are_what_empyrical_answers_to_the_ninth_digit(daily: list[int], theirs: Ratios) -> None:
    ours = ratios_of(np.array(daily, np.int64))
    for name, expected in theirs._asdict().items():
        assert getattr(ours, name) == pytest.approx(expected, abs=1e-9), name


def test_a_ratio_with_nothing_below_the_line_is_unknown_where_empyrical_has_infinity() -> None:
    ours = ratios_of(np.array([10_000, 10_100, 10_201], np.int64))
    assert (ours.sortino, ours.max_drawdown) == (None, 0.0)
    assert ratios_of(np.array([10_000, 10_100], np.int64)).sharpe is None
