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
    results_of,
)
from alphapanda_desktop.domain.risk_profiles import loosened, tightest
from alphapanda_desktop.domain.session import trading_day

_T = TypeVar("_T", Limits, StrategyLimits, InstrumentLimits)
KIND: Final = "limits"
"""The journal's events of this keeper: `limits` as they were in force, `why`, and the `peak` of the `day`."""


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
        self._kept_peak = 0.0
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
        self._pnl, self._peaks = None, {}
        own = [event for event in events if event.detail.get("day") == day.date().isoformat()]
        self._peak = self._kept_peak = max((_number(event.detail.get("peak")) for event in own), default=0.0)
        if not events:
            await self._note("the day began", limits)
        self._take(limits)

    def examine(self, request: OrderRequest, instrument: Instrument, exposure: Exposure) -> tuple[RuleResult, ...]:
        """Every rule with its value and limit, the day's result included; see domain.risk.examine."""
        seen = replace(
            exposure,
            day_pnl=self._pnl if exposure.day_pnl is None else exposure.day_pnl,
            day_peak=max(self._peak, exposure.day_peak),
            strategy_peak=self._strategy_peak(request.strategy, exposure),
        )
        return examine(request, instrument, self.limits, seen)

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

    async def keep_peak(self) -> None:
        """Journal the day's peak if it has risen by a tenth of the drawdown limit since, so that a restart knows it."""
        step = self.limits.desk.max_drawdown / 10
        if step and self._peak >= self._kept_peak + step:
            self._kept_peak = self._peak
            await self._note("a new peak of the day", self.limits)

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

    def _strategy_peak(self, run_id: str, exposure: Exposure) -> float:
        peak = max(self._peaks.get(run_id, 0.0), exposure.strategy_peak, exposure.strategy_pnl or 0.0)
        if run_id:
            self._peaks[run_id] = peak
        return peak

    async def _note(self, why: str, limits: RiskLimits) -> None:
        detail = {"day": self._day.date().isoformat(), "why": why, "limits": asdict(limits), "peak": self._peak}
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


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _told(limit: float) -> str:
    return in_lakhs(limit).removesuffix(".00") if limit else "off"
