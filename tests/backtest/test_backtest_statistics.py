"""Figures against plain numpy written from empyrical's definitions, and money that adds up."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.report import html_of
from alphapanda_desktop.backtest.statistics import equity_of, statistics_of
from alphapanda_desktop.backtest.trades import trades_of
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE, fold_fills
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import FUTURE, INFY, MONDAY, a_series, buy, flat, joined, play, sell, walk

CLOSE = pytest.approx


def busy(seed: int, **kept: Any) -> Result:
    kind = SHIPPED["ma_cross"]
    params = kind.Params(fast=2, slow=5, cool_down=0, stop_loss=0.1, target=0.2, allow_short=True, lots=50)
    return backtest(Setup(strategy=kind, params=params, series=[walk(375 * 12, seed)], **kept))


def account_by_hand(result: Result) -> np.ndarray:
    """Rupees at the end of each day, bar by bar and fill by fill."""
    (series,) = result.series
    cash, held, ends = result.opening / RUPEE, 0, []
    fills = list(result.executions)
    for bar in range(len(series)):
        while fills and fills[0].bar == bar:
            fill = fills.pop(0)
            cash -= fill.sign * fill.quantity * fill.price + fill.charges / RUPEE
            held += fill.sign * fill.quantity
        if bar + 1 == len(series) or series.days[bar + 1] != series.days[bar]:
            ends.append(cash + held * series.close[bar])
    return np.array([result.opening / RUPEE, *ends])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ratios_are_empyricals_to_the_ninth_digit(seed: int) -> None:
    result = busy(seed)
    worth, told = account_by_hand(result), statistics_of(result)
    returns = worth[1:] / worth[:-1] - 1
    growth = np.prod(1 + returns)
    wealth = np.concatenate([[1.0], np.cumprod(1 + returns)])
    downside = math.sqrt(np.mean(np.clip(returns, None, 0) ** 2)) * math.sqrt(252)
    assert len(returns) == told.days == 12
    assert told.total_return == CLOSE(growth - 1, abs=1e-9)
    assert told.cagr == CLOSE(growth ** (1 / (len(returns) / 252)) - 1, abs=1e-9)
    assert told.volatility == CLOSE(np.std(returns, ddof=1) * math.sqrt(252), abs=1e-9)
    assert told.sharpe == CLOSE(np.mean(returns) / np.std(returns, ddof=1) * math.sqrt(252), abs=1e-9)
    assert told.sortino == CLOSE(np.mean(returns) * 252 / downside, abs=1e-9)
    assert told.max_drawdown == CLOSE(np.min(wealth / np.maximum.accumulate(wealth)) - 1, abs=1e-9)
    assert told.closing == CLOSE(worth[-1], abs=1e-6)


def test_trades_are_counted_from_flat_to_flat_with_the_charges_of_both_ends() -> None:
    bars = a_series(*flat(3, 100.0), *flat(3, 103.0), *flat(3, 101.0), *flat(3, 102.0))
    result = play({0: buy(10), 3: sell(25), 6: buy(15), 8: buy(5)}, bars)
    first, second, third = trades_of(result.executions, {INFY.key: 1})
    assert (first.quantity, first.gross, first.exit_price) == (10, 30 * RUPEE, 103.0)
    assert (second.quantity, second.gross) == (-15, 30 * RUPEE)
    assert (third.quantity, third.closed_s, third.gross) == (5, None, 0)
    assert sum(trade.charges for trade in (first, second, third)) == result.charged
    told = statistics_of(result)
    nets = [first.net / RUPEE, second.net / RUPEE]
    assert (told.trades, told.open_trades, told.win_rate) == (2, 1, 1.0)
    assert (told.expectancy, told.profit_factor) == (CLOSE(sum(nets) / 2, abs=1e-9), None)
    assert told.exposure == 9 / 12
    assert told.turnover == 10 * 100 + 25 * 103 + 15 * 101 + 5 * 102


@pytest.mark.parametrize("seed", [4, 5])
def test_money_adds_up_to_the_ten_thousandth(seed: int) -> None:
    result = busy(seed)
    equity, trades = equity_of(result), trades_of(result.executions, {INFY.key: 1})
    rows = fold_fills(
        Fill(trade_id=str(n), order_id=str(n), exchange="NSE", tradingsymbol="INFY", product=fill.product,
             transaction_type="BUY" if fill.sign > 0 else "SELL", quantity=fill.quantity, average_price=fill.price)
        for n, fill in enumerate(result.executions)
    )  # fmt: skip
    last = float(result.series[0].close[-1])
    gross = sum(row.pnl_at(last) for row in rows.values())
    assert int(equity.worth[-1]) == result.opening + round(gross * RUPEE) - result.charged
    assert sum(trade.net for trade in trades) / RUPEE == CLOSE(gross - result.charged / RUPEE, abs=0.01)


def test_a_run_without_trades_has_figures_that_are_unknown_and_not_zero() -> None:
    told = statistics_of(play({}, a_series(*flat(5))))
    assert (told.sharpe, told.win_rate, told.profit_factor, told.expectancy) == (None, None, None, None)
    assert (told.total_return, told.exposure, told.trades) == (0.0, 0.0, 0)


def test_the_report_holds_curves_trades_parameters_assumptions_and_nothing_from_elsewhere() -> None:
    result = busy(6)
    equity, trades = equity_of(result), trades_of(result.executions, {INFY.key: 1})
    page = html_of(result, statistics_of(result), equity, trades)
    assert (page.count("<polyline"), page.count("<polygon")) == (1, 1)
    assert page.count("<tr>") >= len(trades)
    assert all(text in page for text in ("stop_loss", "next bar&#x27;s open", "squared off by the broker", "Sortino"))
    assert not any(text in page for text in ("http:", "https:", "<script", "src="))


def test_of_an_account_that_was_worth_less_than_nothing_no_ratio_of_its_days_is_made_up() -> None:
    overnight = [a_series(*[(price,) * 4] * 3, instrument=FUTURE, start=MONDAY + timedelta(days=days))
                 for days, price in enumerate((1_000.0, 100.0, 150.0))]  # fmt: skip
    result = play({0: buy(75)}, joined(*overnight), product="NRML", cash=20_000.0)
    told = statistics_of(result)
    assert told.closing < 0 and told.total_return < -1 and told.max_drawdown < -1
    assert (told.volatility, told.sharpe, told.sortino, told.cagr) == (None, None, None, None)
    page = html_of(result, told, equity_of(result), trades_of(result.executions, {FUTURE.key: 1}))
    assert "nan" not in page and "inf" not in page.lower().replace("infy", "")
