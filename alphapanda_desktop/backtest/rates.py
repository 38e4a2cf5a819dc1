"""Charges of executed orders, as `domain.charges` has them, with the rates of each contract looked up once.

A backtest asks for the same contract thousands of times, and fractions are slow. The rates come from `exact_charges`
itself, asked for turnovers from which each rate can be read; what remains is whole-number arithmetic with the same
rounding. The tests hold every total against `charges`.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from alphapanda_desktop.domain.charges import (
    BROKERAGE_CAP,
    CRORE,
    CTT_SELL,
    EXCHANGE,
    GST_PCT,
    STT_SELL,
    charges,
    exact_charges,
)
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE

_CHANGES: Final = sorted({row.since for table in (STT_SELL, CTT_SELL, *EXCHANGE.values()) for row in table})
"""Days on which some rate began."""

_CAP: Final = BROKERAGE_CAP * RUPEE * CRORE

_HALF: Final = CRORE // 2


class ContractRates(NamedTuple):
    """Rupees per crore; `flat` is brokerage that does not depend on the turnover, as booked money times CRORE."""

    tax: int
    exchange: int
    untaxed: int
    sebi: int
    stamp: int
    brokerage: int
    flat: int

    def total(self, turnover: int) -> int:
        """What an executed order of that turnover costs, both as booked money."""
        tax, exchange_rate, untaxed, sebi_rate, stamp, rate, flat = self
        brokerage = flat or min(_CAP, turnover * rate)
        exchange, sebi = turnover * exchange_rate, turnover * sebi_rate
        taxed = brokerage + exchange + sebi - turnover * untaxed
        return (  # each is rounded half up by itself
            (turnover * tax + _HALF) // CRORE
            + (exchange + _HALF) // CRORE
            + (sebi + _HALF) // CRORE
            + (brokerage + _HALF) // CRORE
            + (turnover * stamp + _HALF * RUPEE) // (CRORE * RUPEE) * RUPEE
            + (taxed * GST_PCT + _HALF * 100) // (CRORE * 100)
        )


class ChargeBook:
    """What executed orders cost, as booked money; remembers the rates of each contract, product and side."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str, Side, int], ContractRates] = {}
        self._day = date.min
        self._since = 0
        """How many of the changes that day has behind it."""

    def total(
        self, instrument: Instrument, product: str, side: Side, quantity: int, price: float, on: date, units: int
    ) -> int:
        """The total of `charges` for one order; `units` is what a quantity of one stands for."""
        counts = round(price * RUPEE)
        if counts / RUPEE != price:  # an average with more digits than booked money has
            return _plain(instrument, product, side, quantity, price, on, units)
        if on is not self._day:
            self._day, self._since = on, bisect_right(_CHANGES, on)
        where = (instrument.key, product, side, self._since)
        rates = self._rates.get(where)
        if rates is None:
            rates = self._rates[where] = rates_of(instrument, product, side, on)
        return rates.total(quantity * units * counts)


def rates_of(instrument: Instrument, product: str, side: Side, on: date) -> ContractRates:
    """The rates in force on a day, read from what a crore and what one rupee would be charged."""

    def costs(turnover: int) -> tuple[Fraction, ...]:
        told = exact_charges(
            exchange=instrument.exchange,
            instrument_type=instrument.instrument_type,
            product=product,
            transaction_type=side,
            turnover=Fraction(turnover),
            on=on,
            tradingsymbol=instrument.tradingsymbol,
            whole_stamp=False,
        )
        items = (told.transaction_tax, told.exchange_turnover_charge, told.untaxed, told.sebi_turnover_charge)
        return (*items, told.stamp_duty, told.brokerage)

    tax, exchange, untaxed, sebi, stamp, _ = (int(item) for item in costs(CRORE))
    brokerage = costs(1)[-1]
    flat = brokerage >= BROKERAGE_CAP
    per_crore = 0 if flat else int(brokerage * CRORE)
    return ContractRates(tax, exchange, untaxed, sebi, stamp, per_crore, int(brokerage * RUPEE * CRORE) if flat else 0)


def _plain(instrument: Instrument, product: str, side: Side, quantity: int, price: float, on: date, units: int) -> int:
    return charges(
        exchange=instrument.exchange,
        instrument_type=instrument.instrument_type,
        product=product,
        transaction_type=side,
        quantity=quantity,
        average_price=price,
        on=on,
        multiplier=units,
        tradingsymbol=instrument.tradingsymbol,
    ).total
