"""The page of a backtest: what it tells is what happened, and it needs nothing from elsewhere."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result
from alphapanda_desktop.backtest.report import curve, html_of, lines_of, monthly_returns
from alphapanda_desktop.backtest.statistics import Equity, drawdown_of, equity_of, statistics_of
from alphapanda_desktop.backtest.tables import csv_of_equity, csv_of_trades
from alphapanda_desktop.backtest.trades import trades_of
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.session import IST
from tests.backtest.history import INFY, buy, play, sell, walk

UNITS = {INFY.key: 1}


@pytest.fixture(scope="module")
def result() -> Result:
    return play({n: buy(7) if n % 2 else sell(7) for n in range(0, 2_000, 40)}, walk(375 * 30))


def page(result: Result) -> str:
    equity = equity_of(result)
    return html_of(result, statistics_of(result, equity), equity, trades_of(result.executions, UNITS))


def test_months_together_make_the_whole_return(result: Result) -> None:
    equity = equity_of(result)
    months = monthly_returns(equity, result.opening)
    assert list(months) == [(2024, 6), (2024, 7)]
    whole = float(np.prod([1 + part for part in months.values()])) - 1
    assert whole == pytest.approx(statistics_of(result).total_return, abs=1e-12)


def test_the_page_tells_each_figure_and_each_trade(result: Result) -> None:
    text = page(result)
    for name, value in lines_of(statistics_of(result)):
        assert f"<span>{name}</span><b>{value}</b>" in text
    trades = trades_of(result.executions, UNITS)
    assert len(re.findall(r"<td>MIS</td>", text)) == len(trades) > 5


def test_words_of_a_strategy_cannot_become_markup() -> None:
    traded = play({0: lambda ctx, i: ctx.buy(i, 1, reason="<script>alert(1)</script>")}, walk(50))
    assert "<script>" not in page(traded) and "&lt;script&gt;" in page(traded)


def test_a_page_of_a_run_without_trades_is_whole() -> None:
    text = page(play({}, walk(50)))
    assert text.endswith("</html>") and "None." in text


def test_the_deepest_point_of_a_long_curve_is_drawn(result: Result) -> None:
    assert len(equity_of(result).at_s) > 10_000
    found = re.search(r"<polygon class='depth' points='([^']+)'", page(result))
    assert found is not None
    heights = [float(point.split(",")[1]) for point in found[1].split()]
    assert len(heights) < 1_300 and max(heights) == pytest.approx(150 - 28, abs=0.1)


def test_marks_of_a_curve_are_round_and_within_it() -> None:
    drawn = curve(np.array([9_98_700.0, 10_03_400.0]), ["2024-06-03 09:15", "2024-06-04 15:29"], "equity")
    marks = re.findall(r"text-anchor='end'>([\d,]+)</text>", drawn)
    assert marks == ["9,99,000", "10,00,000", "10,01,000", "10,02,000", "10,03,000"]


def test_tables_hold_a_line_for_each_trade_and_each_bar(result: Result) -> None:
    equity, trades = equity_of(result), trades_of(result.executions, UNITS)
    rows = list(csv.DictReader(io.StringIO(csv_of_trades(trades))))
    assert len(rows) == len(trades)
    assert sum(float(row["net"]) for row in rows) == pytest.approx(sum(t.net for t in trades) / RUPEE, abs=1e-3)
    lines = list(csv.DictReader(io.StringIO(csv_of_equity(equity))))
    assert len(lines) == len(equity.at_s)
    assert float(lines[-1]["equity"]) == equity.worth[-1] / RUPEE
    assert min(float(line["drawdown"]) for line in lines) == pytest.approx(float(drawdown_of(equity.worth).min()))


def test_a_months_return_begins_where_the_month_before_ended() -> None:
    moments = (datetime(2024, 6, 28, 15, 30, tzinfo=IST), datetime(2024, 7, 1, 15, 30, tzinfo=IST))
    at_s = np.array([int(moment.timestamp()) for moment in moments])
    equity = Equity(at_s, np.array([110, 99], np.int64), np.array([True, True]))
    assert monthly_returns(equity, 100) == {(2024, 6): pytest.approx(0.1), (2024, 7): pytest.approx(-0.1)}
