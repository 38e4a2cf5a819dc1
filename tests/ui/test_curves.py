"""A curve of figures: what is drawn of it, however dense it is."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from alphapanda_desktop.backtest.statistics import Equity
from alphapanda_desktop.ui.backtestcharts import together
from alphapanda_desktop.ui.chart.series import CurveSource
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.tables import Column

DAY = 86_400


def a_curve(values: np.ndarray, *beside: CurveSource, reaches: float | None = None) -> CurveSource:
    return CurveSource(np.arange(len(values)) * 60.0, values, str, beside, reaches)


def test_a_single_peak_among_a_million_is_in_its_group():
    values = np.zeros(1_000_000)
    values[654_321] = 9.0
    source = a_curve(values)
    factor = source.factor(1_000_000, 1_000)
    _, low, high = source.groups(0, 999_999, factor)
    assert len(high) <= 1_024 and high.max() == 9.0 and low.min() == 0.0


def test_a_scale_reaches_the_lines_beside_it_and_the_figure_it_must():
    other = a_curve(np.array([5.0, 7.0]))
    found = a_curve(np.array([-1.0, -2.0]), other, reaches=0.0).extremes(0, 1, 1)
    assert found is not None and (found.low, found.high) == (-2.0, 7.0)
    found = a_curve(np.array([-1.0, -2.0]), reaches=0.0).extremes(0, 1, 1)
    assert found is not None and (found.low, found.high) == (-2.0, 0.0)


def test_returns_of_accounts_with_other_days_stand_side_by_side():
    one = Equity(np.array([0, DAY, 2 * DAY]) + 40_000, np.array([110, 121, 121]), np.zeros(3, bool))
    other = Equity(np.array([DAY, 3 * DAY]) + 40_000, np.array([50, 75]), np.zeros(2, bool))
    days, (first, second) = together([(one, 100), (other, 50)])
    assert days.tolist() == [0, 1, 2, 3]
    assert first.tolist() == pytest.approx([10, 21, 21, 21])
    assert second.tolist() == pytest.approx([0, 0, 0, 50])


def test_a_long_table_makes_only_the_cells_that_are_asked_for(qapp):
    made: list[int] = []
    columns = (Column("n", lambda row: row, lambda row: made.append(row) or str(row)),)
    model: LongModel[int] = LongModel(columns)
    model.show_rows(range(100_000))
    assert model.rowCount() == 100_000 and made == []
    assert model.cell(5, 0).text == "5" and made == [5]
    model.sort(0, Qt.SortOrder.DescendingOrder)
    assert model.row(0) == 99_999
    model.sort(-1)
    assert model.row(0) == 0
