"""Opening range: the first minutes set a range, the close that leaves it sets the side, its other end is the stop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from alphapanda_desktop.domain.calendar import TradingDay, session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, number
from alphapanda_desktop.strategies.one_position import Direction, OnePosition, OnePositionParams, Signal

BARS_OF_A_DAY: Final = 1_000
"""No session has more bars of a minute: the longest, of commodities, is 14.5 hours."""


class OpeningRangeParams(OnePositionParams):
    """Parameters of `OpeningRange`."""

    minutes: int = number(15, "Length of the range from the open", unit="min", ge=1, le=180, step=5)
    buffer: float = number(0.05, "How far beyond the range a close must lie", unit="%", ge=0, le=5, step=0.05)
    exit_before: int = number(15, "Minutes before the close at which to be out", unit="min", ge=1, le=180, step=5)
    latest_entry: int = number(240, "Minutes after the open after which nothing is entered", unit="min", ge=2, le=860)
    entries: int = number(1, "Entries in an instrument a day", unit="entries", ge=1, le=10, step=1)


class Range(NamedTuple):
    """Highest and lowest price of the first minutes."""

    high: float
    low: float


class OpeningRange(OnePosition):
    """Buys a close above the range of the day's first minutes; out at the stop, the target, or before the close."""

    name = "opening_range"
    title = "Opening-range breakout"
    description = (
        "Takes the highest and lowest price of the first minutes, buys the first close above them, and closes the "
        "position before the session ends. The other end of the range is its stop, unless the loss allowed is nearer."
    )
    Params: ClassVar[type[Parameters]] = OpeningRangeParams
    presets: ClassVar[Presets] = {
        "15 minutes": {"minutes": 15, "stop_loss": 1.0},
        "half an hour": {"minutes": 30, "buffer": 0.1, "stop_loss": 1.0, "target": 2.0},
        "both ways": {"minutes": 15, "allow_short": True, "stop_loss": 0.7, "entries": 2},
    }

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self._ranges: dict[str, tuple[date, Range | None]] = {}
        self._entered: dict[tuple[str, date], int] = {}

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Where the last close is against the day's range, and whether the hour still allows an entry."""
        bars = ctx.bars(instrument, 1)
        local = datetime.fromtimestamp(bars[-1].start_s, IST) if bars else ctx.now.astimezone(IST)
        day = session_on(instrument.exchange, local.date())
        if day is None or not bars:
            return Signal("none", f"no session of {instrument.exchange} on {local.date()}")
        if ctx.now >= day.close - timedelta(minutes=self.params.exit_before):
            held = ctx.position(instrument).quantity
            side: Direction = "none" if not held else "down" if held > 0 else "up"
            return Signal(side, f"{self.params.exit_before} min to the close at {_at(day.close)}", enter=False)
        opening = self._range(ctx, instrument, day, bars[-1])
        if isinstance(opening, str):
            return Signal("none", opening)
        return self._against(ctx, instrument, day, opening, bars[-1].close)

    def _against(self, ctx: Context, instrument: Instrument, day: TradingDay, opening: Range, close: float) -> Signal:
        ctx.show(range_high=opening.high, range_low=opening.low)
        apart = self.params.buffer / 100
        where = f"close {close:.2f}"
        why_not = self._why_not(ctx, instrument, day)
        if close > opening.high * (1 + apart):
            text = f"{where} above the opening range's {opening.high:.2f}"
            return self._entry(instrument, day, Signal("up", text, stop=opening.low), why_not)
        if close < opening.low * (1 - apart):
            text = f"{where} below the opening range's {opening.low:.2f}"
            return self._entry(instrument, day, Signal("down", text, stop=opening.high), why_not)
        return Signal("none", f"{where} within the opening range of {opening.low:.2f} to {opening.high:.2f}")

    def _entry(self, instrument: Instrument, day: TradingDay, seen: Signal, why_not: str) -> Signal:
        return seen._replace(enter=False, reason=f"{seen.reason}; {why_not}") if why_not else seen

    def _enter(self, ctx: Context, instrument: Instrument, seen: Signal, price: float) -> None:
        key = instrument.key, ctx.now.astimezone(IST).date()
        self._entered[key] = self._entered.get(key, 0) + 1
        super()._enter(ctx, instrument, seen, price)

    def _why_not(self, ctx: Context, instrument: Instrument, day: TradingDay) -> str:
        """Why no entry may follow now, empty when one may."""
        if ctx.now > day.open + timedelta(minutes=self.params.latest_entry):
            return f"later than {self.params.latest_entry} min after the open"
        done = self._entered.get((instrument.key, day.day), 0)
        return f"{done} entries today, {self.params.entries} allowed" if done >= self.params.entries else ""

    def _range(self, ctx: Context, instrument: Instrument, day: TradingDay, last: Bar) -> Range | str:
        """The day's range, or why there is none."""
        first_s = int(day.open.timestamp())
        end_s = first_s + 60 * self.params.minutes
        if last.start_s < first_s:
            return f"{instrument.exchange} opens at {_at(day.open)}"
        if last.start_s < end_s:
            return f"the opening range is made until {_at(day.open + timedelta(minutes=self.params.minutes))}"
        known = self._ranges.get(instrument.key)
        if known is None or known[0] != day.day:
            known = self._ranges[instrument.key] = day.day, _made(ctx.bars(instrument, BARS_OF_A_DAY), first_s, end_s)
        return known[1] or f"no bars of the open at {_at(day.open)}: no range today"


def _made(bars: Sequence[Bar], first_s: int, end_s: int) -> Range | None:
    """Highest and lowest of these bars within the span; None where they may begin after its start."""
    within = [bar for bar in bars if first_s <= bar.start_s < end_s]
    if not within or bars[0].start_s > first_s:
        return None  # an earlier bar proves that none is missing: nothing was traded at the open
    return Range(max(bar.high for bar in within), min(bar.low for bar in within))


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(IST):%H:%M}"
