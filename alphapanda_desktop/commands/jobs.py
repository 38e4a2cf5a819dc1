"""What `backtest` and `sweep` are asked alike: a strategy, its history, and the assumptions of the test."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, get_args

from platformdirs import user_cache_path

from alphapanda_desktop.authoring.probe import probe
from alphapanda_desktop.backtest.engine import CASH
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.commands.history import Profile, candles_of
from alphapanda_desktop.domain.charges import EXCHANGES, instrument_type_of
from alphapanda_desktop.domain.errors import BadData, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import period_of
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.strategies.models import FOLDER
from alphapanda_desktop.strategies.with_model import WithModel
from alphapanda_desktop.sweeps.bars import DataRef, refer
from alphapanda_desktop.sweeps.job import Job, StrategyFile
from alphapanda_desktop.sweeps.past import interval_for, refer_past

HISTORY: Final = """\
STRATEGY is one that comes with the program: %(strategies)s;
or a FILE.py of your own. That file is code: it is run as you, in a child process, because you named it.
DATA is CSV, or Parquet with the extra [parquet]. A line of names comes first; these are read, others are not:
  time (or ts, date, datetime, timestamp, start_s): when the bar begins; ISO, or epoch seconds; without an offset
  Indian time.  open, high, low, close in rupees.  volume may be missing.
Several files are several instruments, played together. What trades is said before the file, NFO:NIFTYFUT=nifty.csv;
else it is a share on NSE that is called like the file. Exchanges: %(exchanges)s.
DATA is EXCHANGE:SYMBOL alone, NSE:INFY, for Kite's own candles: with the login that the window has today, from the
disk where they are kept; `alphapanda --mode practice %(command)s …` takes the practice exchange's. --from is needed.
"""
_EVERY_S: Final = 0.2

SMALLEST_TICK: Final = 0.0001
LARGEST_TICK: Final = 1_000.0
LARGEST_LOT: Final = 1_000_000


def about(command: str, more: str) -> str:
    """The epilogue of a command's help."""
    told = {"strategies": ", ".join(sorted(SHIPPED)), "exchanges": " ".join(EXCHANGES), "command": command}
    return HISTORY % told + more


def add_to(parser: argparse.ArgumentParser, *, needs_data: bool = True) -> None:
    """The arguments that say what is played, on what and how."""
    parser.add_argument("strategy", metavar="STRATEGY", help="a name, or FILE.py")
    parser.add_argument(
        "--data", nargs="+", required=needs_data, default=[], metavar="DATA", help="its history: [KEY=]FILE or KEY"
    )
    parser.add_argument("--from", dest="first", type=_day, metavar="YYYY-MM-DD", help="the first Indian day")
    parser.add_argument("--to", dest="last", type=_day, metavar="YYYY-MM-DD", help="the last Indian day, included")
    parser.add_argument(
        "--bar", type=_seconds, metavar="5m", help="make longer bars (default: the strategy's, or FILE's)"
    )
    parser.add_argument("--preset", help="begin with the values of this preset")
    parser.add_argument("--set", nargs="+", default=[], action="extend", metavar="NAME=VALUE", help="parameters")
    parser.add_argument(
        "--product", choices=get_args(Product), default="MIS", help="what orders are sent as (default: MIS)"
    )
    parser.add_argument("--cash", type=read(float), default=CASH, help="rupees at the start (default: 10 lakh)")
    parser.add_argument(
        "--slippage", type=read(Slippage.of), default=Slippage(), help="2t or 0.05%% worse than shown (default: 1t)"
    )
    parser.add_argument("--tick", type=read(_tick), default=0.05, help="tick size in rupees (default: 0.05)")
    parser.add_argument("--lot", type=read(_lot), default=1, help="units in a lot (default: 1)")
    parser.add_argument(
        "--closing-auction", action="store_true", help="shares with derivatives: their hours since 2026"
    )


def job_of(given: argparse.Namespace, options: argparse.Namespace | None = None) -> Job:
    """The job that the arguments describe; its history has been read, from Kite where no file is named.

    Raises BadData, StrategyError, or what asking Kite raises.
    """
    chosen = chosen_strategy(given.strategy)
    _tell_where_models_are(given.strategy, options)
    asked = [text for text in given.data if _is_instrument(text)]
    fetched = _fetched(asked, given.bar or chosen.seconds, given.first, given.last, options) if asked else {}
    return Job(
        strategy=chosen.which,
        params=values_of(given.strategy, chosen.presets, given.preset, given.set),
        data=tuple(fetched.get(text) or _of_file(text, given.tick, given.lot) for text in given.data),
        first=given.first,
        last=given.last,
        bar_s=given.bar,
        product=given.product,
        cash=given.cash,
        slippage=given.slippage,
        closing_auction=given.closing_auction,
    )


def _tell_where_models_are(name: str, options: argparse.Namespace | None) -> None:
    """A strategy with a model loads it from the profile's folder, unless a person named another."""
    if name in SHIPPED and issubclass(SHIPPED[name], WithModel):
        profile = Profile.of(options)
        os.environ.setdefault(FOLDER, str(data_dir(profile.name, profile.data_dir) / "models"))


class Chosen(NamedTuple):
    """A strategy as the command line names it."""

    which: str | StrategyFile
    presets: Mapping[str, Mapping[str, object]]
    seconds: int
    """Of the bars that it wants."""


def chosen_strategy(text: str) -> Chosen:
    """Which strategy it is; a file is read and probed in a child."""
    if text in SHIPPED:
        return Chosen(text, SHIPPED[text].presets, SHIPPED[text].interval.seconds)
    if not text.endswith(".py"):
        raise BadData(f"no strategy is called {text!r}: a FILE.py, or one of {', '.join(sorted(SHIPPED))}")
    probed = probe(Path(text))
    if probed.spec is None:
        raise StrategyError("; ".join(probed.words()))
    return Chosen(StrategyFile.of(probed.source), probed.spec.presets, probed.spec.interval.seconds)


def values_of(
    name: str, presets: Mapping[str, Mapping[str, object]], preset: str | None, sets: Sequence[str]
) -> dict[str, object]:
    """Parameters as they are asked for, the preset's first. Raises BadData."""
    if preset is not None and preset not in presets:
        raise BadData(f"{name} has no preset {preset!r}; there are: {', '.join(presets) or 'none'}")
    values: dict[str, object] = dict(presets[preset]) if preset is not None else {}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals:
            raise BadData(f"--set {text}: NAME=VALUE is expected")
        values[key] = value
    return values


def _is_instrument(text: str) -> bool:
    return "=" not in text and text.partition(":")[0] in EXCHANGES and not Path(text).exists()


def _fetched(
    keys: Sequence[str], seconds: int, first: date | None, last: date | None, options: argparse.Namespace | None
) -> dict[str, DataRef]:
    """Kite's candles of these instruments, by key; what lacks in them is told on stderr."""
    if first is None:
        raise BadData(f"--from is needed for the history of {', '.join(keys)}")
    last = last or SystemClock().now().astimezone(IST).date()
    pasts = candles_of(keys, interval_for(seconds), first, last, Profile.of(options), _say)
    return {key: refer_past(past, bars_folder()) for key, past in zip(keys, pasts, strict=True)}


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _of_file(text: str, tick: float, lot: int) -> DataRef:
    key, _, name = text.rpartition("=")
    path = Path(name)
    return refer(path, instrument_of(key or f"NSE:{_symbol(path)}", tick, lot), bars_folder())


def bars_folder() -> Path:
    """Where history that was read once is kept as columns; it can be deleted at any time."""
    return user_cache_path("alphapanda", appauthor=False) / "bars"


def _symbol(path: Path) -> str:
    return re.sub(r"[^A-Z0-9&-]", "", path.name.split(".")[0].upper()) or "FILE"


def instrument_of(key: str, tick: float, lot: int) -> Instrument:
    """What trades, from its exchange and symbol. Raises BadData."""
    exchange, _, symbol = key.partition(":")
    if exchange not in EXCHANGES or not symbol:
        raise BadData(f"{key!r} names no instrument: EXCHANGE:SYMBOL is expected, one of {' '.join(EXCHANGES)}")
    kind = instrument_type_of(exchange, symbol)
    segment = exchange if kind == "EQ" else f"{exchange}-{'FUT' if kind == 'FUT' else 'OPT'}"
    return Instrument(1, 0, symbol, symbol, 0.0, None, 0.0, tick, lot, kind, segment, exchange)


class Progress:
    """One line on stderr that changes, where stderr is a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._at = 0.0
        self._width = 0

    def __call__(self, text: str) -> None:
        """Show how far it is, a few times a second at most."""
        if self._shown and time.monotonic() - self._at >= _EVERY_S:
            self._at = time.monotonic()
            self._write(text)

    def end(self) -> None:
        """Take the line away."""
        if self._width:
            self._write("")

    def _write(self, text: str) -> None:
        print(f"\r{text:<{self._width}}" if text else f"\r{'':<{self._width}}\r", end="", file=sys.stderr, flush=True)
        self._width = len(text)


def read(kind: Callable[[str], object]) -> Callable[[str], object]:
    """A type for argparse whose refusal is told in its own words."""

    def made(text: str) -> object:
        try:
            return kind(text)
        except (ValueError, BadData) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return made


def page_path(text: str) -> Path:
    """Where a page or results are to be written; refused before anything is played where that cannot be."""
    path = Path(text)
    if path.is_dir():
        raise ValueError(f"{text} is a folder: the name of a file is expected")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{text} cannot be written: there is no folder {path.absolute().parent}")
    return path


def _tick(text: str) -> float:
    rupees = float(text)
    if not SMALLEST_TICK <= rupees <= LARGEST_TICK:
        raise ValueError(f"a tick of {text} rupees: {SMALLEST_TICK} to {LARGEST_TICK:g} can be")
    return rupees


def _lot(text: str) -> int:
    units = int(text)
    if not 1 <= units <= LARGEST_LOT:
        raise ValueError(f"a lot of {text} units: 1 to {LARGEST_LOT:,} can be")
    return units


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
