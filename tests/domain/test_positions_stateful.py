"""Positions and lots through any day of trades, against a plain ledger of exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.pnl import Lots
from alphapanda_desktop.domain.positions import RUPEE, Position, add_fill, fold_fills, to_money

PAISE = 100


class ADayOfTrades(RuleBasedStateMachine):
    """One instrument, carried in or not, traded both ways; prices in paise, quantities in units."""

    @initialize(carried=st.integers(-50, 50), close=st.integers(1, 500_000), multiplier=st.sampled_from([1, 100]))
    def open(self, carried: int, close: int, multiplier: int) -> None:
        self.multiplier, self.close = multiplier, close
        self.carried = carried
        value = abs(carried) * close / PAISE * multiplier
        self.position = Position(
            exchange="MCX",
            tradingsymbol="GOLD",
            product="NRML",
            quantity=carried,
            overnight_quantity=carried,
            multiplier=multiplier,
            close_price=close / PAISE,
            last_price=close / PAISE,
            buy_quantity=max(carried, 0),
            buy_value=value if carried > 0 else 0.0,
            sell_quantity=max(-carried, 0),
            sell_value=value if carried < 0 else 0.0,
        )
        self.lots = Lots(carried, carried * self._money(close))
        self.trades: list[tuple[int, int]] = []
        self.fills: list[Fill] = []

    def _money(self, paise: int) -> int:
        return paise * self.multiplier * RUPEE // PAISE

    @rule(side=st.sampled_from([1, -1]), quantity=st.integers(1, 40), price=st.integers(1, 500_000))
    def trade(self, side: int, quantity: int, price: int) -> None:
        self.fills.append(
            Fill(
                trade_id=str(len(self.fills)),
                order_id="1",
                exchange="MCX",
                tradingsymbol="GOLD",
                transaction_type="BUY" if side > 0 else "SELL",
                quantity=quantity,
                average_price=price / PAISE,
                product="NRML",
            )
        )
        self.trades.append((side * quantity, price))
        self.position = add_fill(self.position, self.fills[-1])
        self.lots = self.lots.after(side * quantity, side * quantity * self._money(price))

    @rule(price=st.integers(1, 500_000))
    def flatten(self, price: int) -> None:
        if self.position.quantity:
            self.trade(-1 if self.position.quantity > 0 else 1, abs(self.position.quantity), price)
            assert self.position.quantity == self.lots.quantity == self.lots.cost == 0

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def quantities_are_those_of_the_trades(self) -> None:
        bought = sum(q for q, _ in self.trades if q > 0)
        sold = -sum(q for q, _ in self.trades if q < 0)
        assert self.position.quantity == self.lots.quantity == self.carried + bought - sold
        assert (self.position.day_buy_quantity, self.position.day_sell_quantity) == (bought, sold)
        assert self.position.buy_quantity - self.position.sell_quantity == self.position.quantity

    @invariant()
    def the_result_is_money_in_less_money_out_at_any_price(self) -> None:
        paid = Fraction(self.carried * self.close + sum(q * p for q, p in self.trades), PAISE)
        for price in (1, self.close, 250_000):
            exact = (Fraction(self.position.quantity * price, PAISE) - paid) * self.multiplier
            assert self.position.pnl_at(price / PAISE) == pytest.approx(float(exact), abs=0.01)
            worth = self.lots.quantity * self._money(price)
            assert self.lots.realised + self.lots.unrealised(worth) == exact * RUPEE

    @invariant()
    def what_was_carried_in_is_marked_from_the_close(self) -> None:
        traded = sum(q * (Fraction(self.close) - p) for q, p in self.trades) / PAISE * self.multiplier
        assert self.position.m2m == pytest.approx(float(traded), abs=0.01)

    @invariant()
    def the_average_is_that_of_the_open_side(self) -> None:
        long = self.position.quantity > 0
        if not self.position.quantity:
            assert self.position.average_price == 0
            return
        same = [(abs(q), p) for q, p in [(self.carried, self.close), *self.trades] if q and (q > 0) == long]
        exact = Fraction(sum(q * p for q, p in same), sum(q for q, _ in same)) / PAISE
        assert self.position.average_price == pytest.approx(float(exact), rel=1e-9)

    @invariant()
    def cost_has_the_sign_of_what_is_held_and_nothing_held_costs_nothing(self) -> None:
        assert self.lots.cost * self.lots.quantity >= 0
        assert self.lots.quantity or not self.lots.cost

    @invariant()
    def fills_alone_fold_to_the_same_day(self) -> None:
        for folded in fold_fills(self.fills, self.multiplier).values():
            day = self.position
            assert folded.quantity == day.quantity - self.carried
            assert (folded.day_buy_value, folded.day_sell_value) == (day.day_buy_value, day.day_sell_value)
            assert to_money(folded.buy_value) == to_money(day.day_buy_value)


ADayOfTrades.TestCase.settings = settings(max_examples=150, stateful_step_count=20)
TestADayOfTrades = ADayOfTrades.TestCase
