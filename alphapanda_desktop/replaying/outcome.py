"""What a replay came to, in the types of a backtest: the same statistics, trades and reports are made of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import numpy as np

from alphapanda_desktop.backtest.engine import Result, Setup
from alphapanda_desktop.backtest.orders import Execution, Refused, Working
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.charges import BEGIN
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.orders import Order, OrderType, Product
from alphapanda_desktop.domain.ports import IntentRow
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.replaying.exact import ExactSetup, Played
from alphapanda_desktop.trading.paper_account import PaperAccount

SQUARE_OFF: Final = "squared off by the broker"

Intents = Mapping[str, IntentRow]


def result_of(played: Played) -> Result:
    """The replay as a backtest's result. Raises BadData where no tick of its instruments came."""
    setup = played.setup
    series = tuple(one for one in (_series(played, each) for each in setup.instruments) if len(one))
    if not series:
        raise BadData("no tick of the chosen instruments came in that span of time")
    intents = {row.request.tag: row for row in played.intents}
    executions = _executions(played, series, intents)
    units = {one.instrument.key: one.instrument.multiplier for one in series}
    opening, charged = to_money(setup.cash), sum(fill.charges for fill in executions)
    paid = sum(fill.sign * to_money(fill.quantity * fill.price * units[fill.key]) for fill in executions)
    return Result(
        setup=_as_backtest(setup, series),
        series=series,
        working=tuple(_working(played, intents)),
        executions=executions,
        refused=_refused(played),
        lines=tuple((int(line.at.timestamp()), line.text) for line in played.run.log),
        variables=dict(played.run.variables),
        opening=opening,
        cash=opening - paid - charged,
        charged=charged,
        complete=played.complete,
    )


def _as_backtest(setup: ExactSetup, series: Sequence[Series]) -> Setup:
    return Setup(
        strategy=setup.strategy,
        params=setup.params,
        series=series,
        product=setup.product,
        cash=setup.cash,
        slippage=setup.models.slippage,
        limits=setup.limits,
    )


def _series(played: Played, instrument: Instrument) -> Series:
    """The bars that the run saw, the one that was forming at the end included; none of the history before."""
    setup = played.setup
    bars = played.market.live_series(instrument, setup.interval)
    first = int(np.searchsorted(bars.start_s, played.begin_ns // 1_000_000_000 - setup.interval.seconds + 1))
    opened, high, low, close = (column[first:].copy() for column in (bars.open, bars.high, bars.low, bars.close))
    starts, volume = bars.start_s[first:].copy(), bars.volume[first:].copy()
    return Series(instrument, setup.interval.seconds, starts, opened, high, low, close, volume)


def _executions(played: Played, series: Sequence[Series], intents: Intents) -> tuple[Execution, ...]:
    """Fills with what each cost: brokerage is capped for the whole order, so that a later part may cost nothing."""
    by_key = {one.instrument.key: one for one in series}
    account = PaperAccount(played.setup.cash, InstrumentMaster([one.instrument for one in series]).by_key)
    tags = {order.order_id: order.tag or "" for order in played.orders if order.order_id}
    made = []
    for fill in played.fills:
        at = fill.fill_timestamp
        assert at is not None  # the paper book writes it into every fill
        account.begin(trading_day(at).date())
        before, tag = account.charged(), tags.get(fill.order_id, "")
        account.add(fill, trading_day(at).date())
        charges = round((account.charged() - before) * RUPEE)
        row, at_s = by_key[fill.key], int(at.timestamp())
        bar = max(0, int(np.searchsorted(row.start_s, at_s, side="right")) - 1)
        reason = intents[tag].request.reason if tag in intents else SQUARE_OFF
        made.append(
            Execution(
                at_s, bar, fill.key, fill.sign, fill.quantity, fill.average_price, fill.product, charges, tag, reason
            )
        )
    return tuple(made)


def _working(played: Played, intents: Intents) -> Iterator[Working]:
    find = {each.key: each for each in played.setup.instruments}
    for number, order in enumerate(played.orders, 1):
        instrument = find.get(order.key)
        if instrument is not None:
            yield _as_working(number, order, instrument, intents.get(order.tag or ""))


def _as_working(number: int, order: Order, instrument: Instrument, row: IntentRow | None) -> Working:
    request = row.request if row is not None else None
    said_s = _epoch_s(order.order_timestamp)
    return Working(
        number=number,
        instrument=instrument,
        sign=order.sign,
        quantity=order.quantity,
        product=cast(Product, order.product),
        order_type=request.order_type if request is not None else cast(OrderType, order.order_type),
        price=request.price if request is not None else order.price or None,
        trigger=request.trigger_price if request is not None else order.trigger_price or None,
        tag=order.tag or "",
        reason=request.reason if request is not None else SQUARE_OFF if order.meta.get("square_off") else "",
        asked_s=_epoch_s(row.at) if row is not None else said_s,
        closes=request.closes if request is not None else False,
        status=order.status,
        message=order.status_message,
        limit=order.price,
        filled=order.filled_quantity,
        average_price=order.average_price,
        at_s=said_s,
        square_off=bool(order.meta.get("square_off")),
    )


def _epoch_s(at: datetime | None) -> int:
    return int(at.timestamp()) if at is not None else 0


def _refused(played: Played) -> tuple[Refused, ...]:
    """What the desk's rules let not out, then what the broker did not take, each in the order of time."""
    made = []
    for event in played.refusals:
        detail = event.detail
        made.append(Refused(_epoch_s(event.at), str(detail["order"]), str(detail["rule"]), str(detail["text"])))
    known = {str(event.detail["tag"]) for event in played.refusals}
    for order in played.orders:
        if order.status == "REJECTED" and (order.tag or "") not in known:
            made.append(Refused(_epoch_s(order.order_timestamp), order.key, "broker", order.status_message or ""))
    return tuple(sorted(made, key=lambda one: one.at_s))


def assumptions_of_replay(played: Played) -> list[str]:
    """Every assumption that the figures of a replay rest on, and what it left out."""
    setup = played.setup
    told = [*_of_models(setup), *_of_rules(setup)]
    told += [_of_instrument(each) for each in setup.instruments]
    if setup.history is None and setup.strategy.lookback is not Strategy.lookback:
        told.append("Nothing is known of the time before the recording: the strategy waits for its look-back to fill.")
    if setup.recording.damage:
        told.append(f"The recording: {setup.recording.damage}.")
    if not played.complete:
        told.append("It was ended before the last tick.")
    return told


def _of_models(setup: ExactSetup) -> list[str]:
    models = setup.models
    share = (
        f"takes at most {models.volume_share:.0%} of the quantity that traded with the tick, and one lot at least"
        if models.volume_share
        else "finds all that it asks for"
    )
    return [
        f"An order is {models.latency_s * 1000:g} ms on its way to the exchange; what becomes of it there is heard at "
        "once.",
        "Where depth was recorded an order takes its levels, each at its own price, and no share of a level twice; "
        f"where none was, it pays {models.slippage} more than the last price and {share}.",
        "A limit order that rests fills at its limit, once the market has come through it. Nobody sees the orders, and "
        "no price moves because of them.",
    ]


def _of_rules(setup: ExactSetup) -> list[str]:
    hours = (
        "Orders, bars and the square-off of MIS keep to the exchanges' hours."
        if setup.hours
        else "The market never closes: the recording lies outside the exchanges' hours."
    )
    return [
        "Desk, risk, order rates and paper broker are those of paper trading, with the default limits; charges are the "
        f"dated tables of `alphapanda charges` (days before {BEGIN:%d %b %Y} by the first of them).",
        "Margin is a stand-in: 20 % of shares within the day, 15 % of contracts, all of shares bought as CNC.",
        hours,
        "What is held at the end is valued at the last price and not sold.",
    ]


def _of_instrument(instrument: Instrument) -> str:
    return (
        f"{instrument.key}: tick {instrument.tick_size:g}, lot {instrument.lot}, {instrument.instrument_type}; "
        "prices are taken as they were recorded."
    )
