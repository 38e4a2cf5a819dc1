"""`alphapanda backtest`: a strategy over history from files, with the rules, fills and charges of paper trading."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError

from alphapanda_desktop.backtest.assumptions import assumptions_of
from alphapanda_desktop.backtest.data import read_series
from alphapanda_desktop.backtest.engine import CASH, Result, Setup, backtest
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.report import html_of, lines_of
from alphapanda_desktop.backtest.series import Series, ist
from alphapanda_desktop.backtest.statistics import Equity, Statistics, equity_of, statistics_of
from alphapanda_desktop.backtest.trades import Trade, trades_of
from alphapanda_desktop.domain.charges import EXCHANGES, instrument_type_of
from alphapanda_desktop.domain.errors import AlphaPandaError, BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import period_of
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.strategies import SHIPPED

_ABOUT: Final = """\
FILE is CSV, or Parquet with the extra [parquet]. A line of names comes first; these are read, others are not:
  time (or ts, date, datetime, timestamp, start_s): when the bar begins; ISO, or epoch seconds; without an offset
  Indian time.  open, high, low, close in rupees.  volume may be missing.
Several files are several instruments, played together. What trades is said before the file, NFO:NIFTYFUT=nifty.csv;
else it is a share on NSE that is called like the file. Exchanges: %(exchanges)s.

Orders asked for at a bar's close meet the next bar's open. Limits, exchange rules, charges, square-off of MIS: as in
paper trading. What is assumed stands in the report and under "assumptions" in --json.
Exit codes: 0, and 2 for what cannot be read or played.
"""


def run(rest: list[str], _options: argparse.Namespace | None = None) -> int:
    """Play it and print what came of it; 2 with the reason on stderr for what cannot be played."""
    arguments = parser().parse_args(rest)
    try:
        result = backtest(_setup(arguments))
        equity, statistics, trades = _worked_out(result)
        if arguments.report:
            arguments.report.write_text(html_of(result, statistics, equity, trades), encoding="utf-8")
    except (AlphaPandaError, OSError) as error:
        print(f"alphapanda backtest: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(_as_json(result, statistics, trades), ensure_ascii=False, indent=1, default=str))
    else:
        _print(result, statistics)
    return 0


def _worked_out(result: Result) -> tuple[Equity, Statistics, list[Trade]]:
    equity = equity_of(result)
    units = {series.instrument.key: series.instrument.multiplier for series in result.series}
    trades = trades_of(result.executions, units)
    return equity, statistics_of(result, equity, trades), trades


def _setup(arguments: argparse.Namespace) -> Setup:
    strategy = SHIPPED[arguments.strategy]
    series = [_series(text, arguments, strategy) for text in arguments.data]
    return Setup(
        strategy=strategy,
        params=_params(strategy, arguments.preset, arguments.set),
        series=series,
        product=arguments.product,
        cash=arguments.cash,
        slippage=arguments.slippage,
        with_derivatives=frozenset(each.instrument.key for each in series)
        if arguments.closing_auction
        else frozenset(),
    )


def _series(text: str, arguments: argparse.Namespace, strategy: type[Strategy]) -> Series:
    key, _, name = text.rpartition("=")
    path = Path(name)
    series = read_series(path, _instrument(key or f"NSE:{_symbol(path)}", arguments.tick, arguments.lot))
    series = series.between(arguments.first, arguments.last)
    if not len(series):
        raise BadData(f"{path}: no bars between {arguments.first or 'the first'} and {arguments.last or 'the last'}")
    if arguments.bar is not None:
        return series.longer(arguments.bar)
    own = strategy.interval.seconds
    return series.longer(own) if own > series.seconds and own % series.seconds == 0 else series


def _symbol(path: Path) -> str:
    return re.sub(r"[^A-Z0-9&-]", "", path.name.split(".")[0].upper()) or "FILE"


def _instrument(key: str, tick: float, lot: int) -> Instrument:
    exchange, _, symbol = key.partition(":")
    if exchange not in EXCHANGES or not symbol:
        raise BadData(f"{key!r} names no instrument: EXCHANGE:SYMBOL is expected, one of {' '.join(EXCHANGES)}")
    kind = instrument_type_of(exchange, symbol)
    segment = exchange if kind == "EQ" else f"{exchange}-{'FUT' if kind == 'FUT' else 'OPT'}"
    return Instrument(1, 0, symbol, symbol, 0.0, None, 0.0, tick, lot, kind, segment, exchange)


def _params(strategy: type[Strategy], preset: str | None, sets: Sequence[str]) -> Parameters:
    if preset is not None and preset not in strategy.presets:
        raise BadData(f"{strategy.name} has no preset {preset!r}; there are: {', '.join(strategy.presets)}")
    values: dict[str, object] = dict(strategy.presets[preset]) if preset is not None else {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadData(f"--set {text}: NAME=VALUE is expected")
        values[name] = value
    try:
        return strategy.Params.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadData(f"parameters of {strategy.name}: {faults}") from None


# --- telling ---------------------------------------------------------------------------------------------------------


def _print(result: Result, statistics: Statistics) -> None:
    setup = result.setup
    keys = ", ".join(series.instrument.key for series in result.series)
    first, last = min(s.start_s[0] for s in result.series), max(s.start_s[-1] for s in result.series)
    print(f"{setup.strategy.name} on {keys}, {ist(int(first))} to {ist(int(last))} IST")
    print(", ".join(f"{name}={value}" for name, value in setup.params.model_dump().items()))
    for name, value in lines_of(statistics):
        print(f"  {name:<16}{value:>20}")
    for text in assumptions_of(result):
        print(f"- {text}")


def _as_json(result: Result, statistics: Statistics, trades: Sequence[Trade]) -> dict[str, object]:
    setup = result.setup
    return {
        "strategy": setup.strategy.name,
        "parameters": setup.params.model_dump(),
        "instruments": [series.instrument.key for series in result.series],
        "bar_seconds": result.series[0].seconds,
        "from": ist(int(min(s.start_s[0] for s in result.series))),
        "to": ist(int(max(s.start_s[-1] for s in result.series))),
        "product": setup.product,
        "slippage": str(setup.slippage),
        "complete": result.complete,
        "statistics": statistics.as_dict(),
        "assumptions": assumptions_of(result),
        "trades": [_trade(trade) for trade in trades],
        "refused": [refused._asdict() | {"at": ist(refused.at_s)} for refused in result.refused],
    }


def _trade(trade: Trade) -> dict[str, object]:
    row = {name: value for name, value in asdict(trade).items() if not name.startswith("_")}
    closed = None if trade.closed_s is None else ist(trade.closed_s)
    money = {name: getattr(trade, name) / RUPEE for name in ("gross", "charges", "net")}
    return row | money | {"opened": ist(trade.opened_s), "closed": closed}


# --- the command line ------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda backtest",
        description="Play a strategy over history, with the rules, fills and charges of paper trading.",
        epilog=_ABOUT % {"exchanges": " ".join(EXCHANGES)},
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("strategy", choices=sorted(SHIPPED), metavar="STRATEGY", help=", ".join(sorted(SHIPPED)))
    made.add_argument("--data", nargs="+", required=True, metavar="[KEY=]FILE", help="its history")
    made.add_argument("--from", dest="first", type=_day, metavar="YYYY-MM-DD", help="the first Indian day")
    made.add_argument("--to", dest="last", type=_day, metavar="YYYY-MM-DD", help="the last Indian day, included")
    made.add_argument(
        "--bar", type=_seconds, metavar="5m", help="make longer bars (default: the strategy's, or FILE's)"
    )
    made.add_argument("--preset", help="begin with the values of this preset")
    made.add_argument("--set", nargs="+", default=[], action="extend", metavar="NAME=VALUE", help="parameters")
    made.add_argument(
        "--product", choices=get_args(Product), default="MIS", help="what orders are sent as (default: MIS)"
    )
    made.add_argument("--cash", type=_read(float), default=CASH, help="rupees at the start (default: 10 lakh)")
    made.add_argument(
        "--slippage", type=_read(Slippage.of), default=Slippage(), help="2t or 0.05%% worse than shown (default: 1t)"
    )
    made.add_argument("--tick", type=_read(float), default=0.05, help="tick size in rupees (default: 0.05)")
    made.add_argument("--lot", type=_read(int), default=1, help="units in a lot (default: 1)")
    made.add_argument("--closing-auction", action="store_true", help="shares with derivatives: their hours since 2026")
    made.add_argument("--json", action="store_true", help="print one JSON object, trades included")
    made.add_argument("--report", type=Path, metavar="FILE.html", help="write a page with curves and trades")
    return made


def _read(kind: Callable[[str], object]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return kind(text)
        except (ValueError, BadData) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _seconds(text: str) -> int:
    try:
        seconds = period_of(text).seconds
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not seconds:
        raise argparse.ArgumentTypeError(f"{text}: bars of a file can be made longer by time only")
    return seconds


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-23") from None
