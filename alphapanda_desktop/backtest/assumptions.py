"""What a backtest takes for granted, in words: they belong beside its figures."""

from __future__ import annotations

from alphapanda_desktop.backtest.engine import Result, Setup
from alphapanda_desktop.domain.charges import BEGIN
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy


def assumptions_of(result: Result) -> list[str]:
    """Every assumption that the figures rest on, and what of this run they left out."""
    setup = result.setup
    return [*_general(setup), *_of_data(result), *_of_strategy(setup.strategy)]


def _general(setup: Setup) -> list[str]:
    return [
        f"Orders that are asked for at a bar's close meet the next bar's open; whoever takes a price pays "
        f"{setup.slippage} more for it than was shown.",
        "Within a bar the price goes from the open to the nearer of high and low, to the other one, to the close.",
        "A limit order fills at its limit, once the price has come through it; a stop at its trigger, or at the price "
        "that jumped over it. Orders fill whole: no depth is known.",
        "Limits, exchange rules and refusals are the desk's, with its default limits; charges are the dated tables of "
        f"`alphapanda charges` (days before {BEGIN:%d %b %Y} by the first of them).",
        "Margin is a stand-in: 20 % of shares within the day, 15 % of contracts, all of shares bought as CNC.",
        _of_product(setup.product),
        "What is held at the end is valued at the last close and not sold.",
    ]


def _of_product(product: Product) -> str:
    if product == "MIS":
        return (
            "MIS positions are closed at Zerodha's time, at the first price that the bars tell then, for ₹50 and GST."
        )
    return f"Positions as {product} are carried overnight; neither interest nor roll-over is charged."


def _of_data(result: Result) -> list[str]:
    told = []
    for series in result.series:
        instrument = series.instrument
        note = f"{instrument.key}: tick {instrument.tick_size:g}, lot {instrument.lot}, {instrument.instrument_type}"
        told.append(f"{note}; prices are taken as the history has them, not adjusted here for splits or dividends.")
    if not result.complete:
        told.append("It was ended before the last bar.")
    return told


def _of_strategy(strategy: type[Strategy]) -> list[str]:
    heard = strategy.on_tick is Strategy.on_tick
    told = [] if heard else [f"{strategy.name} has on_tick, which bars never call."]
    if strategy.on_timer is not Strategy.on_timer:
        told.append("A timer rings at the end of the bar in which its moment lies.")
    return told
