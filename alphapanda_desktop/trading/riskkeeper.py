"""The limits in force, and the day's limits that can be tightened at once but loosened only from tomorrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from psygnal import Signal

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.figures import in_lakhs
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Clock, Event, Journal
from alphapanda_desktop.domain.risk import (
    Exposure,
    InstrumentLimits,
    Limits,
    RiskLimits,
    RuleResult,
    StrategyLimits,
    examine,
    reduces,
    results_of,
)
from alphapanda_desktop.domain.risk_profiles import loosened, tightest
from alphapanda_desktop.domain.session import trading_day

_T = TypeVar("_T", Limits, StrategyLimits, InstrumentLimits)
KIND: Final = "limits"
"""The journal's events of this keeper: `limits` as they were in force, `why`, and of the `day` the `peak`, the
`peaks` of strategies, and which of them are `over` their limits and why.
"""


class RiskKeeper:
    """Owner of the limits of one venue; the desk asks it about every order and tells it every result.

    Signals: `changed()` when other limits are in force, or wanted from tomorrow on: keep `wanted` at once.
    """

    changed = Signal()

    def __init__(self, journal: Journal, clock: Clock, limits: RiskLimits) -> None:
        self.limits = limits
        self._journal = journal
        self._clock = clock
        self._wanted = limits
        self._pnl: float | None = None
        self._peak = 0.0
        self._peaks: dict[str, float] = {}
        """Best results of the day by strategy."""
        self._over: dict[str, str] = {}
        """Why a strategy may enter no more today."""
        self._kept_peak = 0.0
        self._kept_peaks: dict[str, float] = {}
        self._day = trading_day(clock.now())

    async def recall(self, day: datetime) -> None:
        """Take up the limits of the day that began at `day`: as tight as any that were in force on it before.

        What was wanted for tomorrow, and settings loosened since, hold from the first recall of the next day on.
        """
        events = await self._journal.events(day, KIND)
        limits, self._day = self._wanted, day
        for event in events:
            if "limits" in event.detail:
                limits = tightest(limits, limits_from(event.detail["limits"]))
        self._pnl = None
        own = [event for event in events if event.detail.get("day") == day.date().isoformat()]
        self._peak = self._kept_peak = max((_number(event.detail.get("peak")) for event in own), default=0.0)
        self._recall_strategies(own)
        if not events:
            await self._note("the day began", limits)
        self._take(limits)

    def _recall_strategies(self, events: list[Event]) -> None:
        self._peaks, self._over = {}, {}
        for event in events:
            for name, peak in _mapping(event.detail.get("peaks")).items():
                self._peaks[name] = max(self._peaks.get(name, 0.0), _number(peak))
            self._over |= {name: str(why) for name, why in _mapping(event.detail.get("over")).items()}
        self._kept_peaks = dict(self._peaks)

    def examine(
        self, request: OrderRequest, instrument: Instrument, exposure: Exposure, strategy: str = ""
    ) -> tuple[RuleResult, ...]:
        """Every rule with its value and limit, the day's result included; see domain.risk.examine.

        `strategy` is the name of the run's strategy: results of the day are of all its runs together.
        """
        name = strategy or request.strategy
        seen = replace(
            exposure,
            day_pnl=self._pnl if exposure.day_pnl is None else exposure.day_pnl,
            day_peak=max(self._peak, exposure.day_peak),
            strategy_peak=self._strategy_peak(name, max(exposure.strategy_peak, exposure.strategy_pnl or 0.0)),
        )
        results, why = examine(request, instrument, self.limits, seen), self._over.get(name, "")
        if not why or not request.strategy:
            return results
        passed = reduces(request, exposure)
        text = "" if passed else f"No entry until tomorrow: {why}"
        return (*results, RuleResult("strategy's day", passed, why, "within its limits, or an exit", text))

    def heed(self, pnl: float | None) -> str:
        """Hear the account's net result of the day; a sentence when the desk must go REDUCING, else empty.

        The sentence names rule, value and limit. None, an unknown result, changes nothing and says nothing.
        """
        if pnl is None:
            return ""
        self._pnl, self._peak = pnl, max(self._peak, pnl)
        desk = self.limits.desk
        hit = [r for r in results_of("", pnl, self._peak, desk.max_loss_per_day, desk.max_drawdown) if not r.passed]
        return hit[0].text if hit else ""

    def heed_strategies(self, results: Mapping[str, float | None]) -> dict[str, str]:
        """Hear the net results of the day by strategy; those that have just gone over a limit of theirs, and why.

        They stay so until tomorrow, whatever their results become; `keep_peak` journals it.
        """
        own, found = self.limits.strategy, dict[str, str]()
        for name, pnl in results.items():
            peak = self._strategy_peak(name, pnl or 0.0)
            hit = [
                r for r in results_of("strategy ", pnl, peak, own.max_loss_per_day, own.max_drawdown) if not r.passed
            ]
            if hit and name not in self._over:
                found[name] = hit[0].text
        self._over |= found
        return found

    async def keep_peak(self) -> None:
        """Journal the day's peak if it has risen by a tenth of the drawdown limit since, so that a restart knows it."""
        step, own = self.limits.desk.max_drawdown / 10, self.limits.strategy.max_drawdown / 10
        kept = self._kept_peaks
        risen = own and any(peak >= kept.get(name, 0.0) + own for name, peak in self._peaks.items())
        if risen or (step and self._peak >= self._kept_peak + step):
            await self.keep_day("a new peak of the day")

    async def keep_day(self, why: str) -> None:
        """Journal peaks of the day, and which strategies are over their limits."""
        self._kept_peak, self._kept_peaks = self._peak, dict(self._peaks)
        await self._note(why, self.limits)

    async def change(self, limits: RiskLimits) -> None:
        """Put other limits in force, journaled first. Raises Refused where one of the day's would be loosened."""
        looser = loosened(self.limits, limits)
        if looser:
            name, in_force, asked = looser[0]
            raise Refused(
                f"Day limits can be tightened, not loosened, until tomorrow: {name} is {_told(in_force)}, "
                f"{_told(asked)} asked.",
                name,
            )
        await self._note("changed", limits)
        self._wanted = limits
        self._take(limits)

    @property
    def wanted(self) -> RiskLimits:
        """The limits that are to hold from tomorrow on; those of today may be tighter."""
        return self._wanted

    def want(self, limits: RiskLimits) -> None:
        """Have these limits from tomorrow on: what `change` refuses today."""
        self._wanted = limits
        self.changed.emit()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _strategy_peak(self, name: str, result: float) -> float:
        peak = max(self._peaks.get(name, 0.0), result)
        if name and peak:
            self._peaks[name] = peak
        return peak

    async def _note(self, why: str, limits: RiskLimits) -> None:
        detail = {"day": self._day.date().isoformat(), "why": why, "limits": asdict(limits), "peak": self._peak}
        detail |= {"peaks": dict(self._peaks), "over": dict(self._over)}
        await self._journal.note(Event(KIND, self._clock.now(), detail))

    def _take(self, limits: RiskLimits) -> None:
        self.limits = limits
        self.changed.emit()


def limits_from(row: object) -> RiskLimits:
    """Limits as they were journaled; what a newer or older program does not know is left at its default."""
    whole = row if isinstance(row, Mapping) else {}
    instruments = whole.get("instruments")
    return RiskLimits(
        desk=_filled(Limits, whole.get("desk")),
        strategy=_filled(StrategyLimits, whole.get("strategy")),
        instruments={
            str(key): _filled(InstrumentLimits, own)
            for key, own in (instruments if isinstance(instruments, Mapping) else {}).items()
        },
        profile=str(whole.get("profile", "own")),
    )


def _filled(kind: type[_T], row: object) -> _T:
    known: dict[str, Any] = {str(k): v for k, v in row.items()} if isinstance(row, Mapping) else {}
    names = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in known.items() if name in names})


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _told(limit: float) -> str:
    return in_lakhs(limit).removesuffix(".00") if limit else "off"
