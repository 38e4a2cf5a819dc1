"""Our own rules, applied to one order: the limits in force, the exchange's rules, and what is locked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.order_rules import comply
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.pnl import sum_of
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.risk import Exposure, RuleResult, reduces, within_held
from alphapanda_desktop.trading.exposures import exposure_of
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.prices import Prices
from alphapanda_desktop.trading.reconcile import journaled


class Rules:
    """Counts the day's intents and judges orders. `why_locked` says why strategies may not enter."""

    def __init__(self, parts: Parts, why_locked: Callable[[], str]) -> None:
        self._parts = parts
        self._why_locked = why_locked
        self._prices = Prices(parts.market, parts.books, parts.broker, parts.clock)
        self._strategy_of: dict[str, str] = {}
        self._by_strategy: Counter[str] = Counter()
        self.orders_today = 0

    def name(self, run_id: str, strategy: str) -> None:
        """Know which strategy a run is of: its day's count spans all its runs."""
        self._strategy_of[run_id] = strategy

    def recount(self, requests: Iterable[OrderRequest]) -> None:
        """Begin the day's counts with these intents."""
        self.orders_today = 0
        self._by_strategy.clear()
        for request in requests:
            self.count(request)

    def count(self, request: OrderRequest) -> None:
        """One more intent of today."""
        self.orders_today += 1
        if request.strategy:
            self._by_strategy[self._strategy(request)] += 1

    def exposure(self, request: OrderRequest) -> Exposure:
        """What is known when the order is judged."""
        parts = self._parts
        return exposure_of(
            request,
            parts.books,
            last_price=self._prices.for_limits(request),
            orders_today=self.orders_today,
            strategy_orders_today=self._by_strategy[self._strategy(request)],
            ledger=parts.ledger,
            state=parts.gate.latch,
            multiplier=parts.ledger.units(request.key),
            strategy_pnl=self._result(self._strategy(request)) if request.strategy else None,
        )

    def results(self) -> dict[str, float | None]:
        """Net result of the day by strategy, of all its runs together; None where it is not known."""
        return {name: self._result(name) for name in dict.fromkeys(map(self.strategy_of, self._parts.ledger.runs()))}

    def _result(self, strategy: str) -> float | None:
        ledger = self._parts.ledger
        own = [run_id for run_id in ledger.runs() if self.strategy_of(run_id) == strategy]
        return sum_of(ledger.of_run(run_id, self.last_price) for run_id in own).net

    def strategy_of(self, run_id: str) -> str:
        """Name of a run's strategy, its own id where that is not known."""
        return self._strategy_of.get(run_id, run_id)

    def last_price(self, key: str) -> float | None:
        """What a unit of an instrument is worth, by its key; None where that is not known."""
        return self._prices.of(key)

    async def ask_price(self, request: OrderRequest, exposure: Exposure) -> None:
        """See that an order by hand in a silent instrument can be judged, by its quote.

        Raises Refused where the quote cannot be had and the order is no exit, for nothing could be held against it.
        """
        if within_held(request, exposure):
            return  # held against no price, and it shall not wait
        why = await self._prices.ask(request)
        if not why:
            return
        text = f"Price band: {request.key} does not tick now, and its quote cannot be had: {why}."
        text += " Try again, or wait for its next tick."
        await self.enforce(request, [RuleResult("price band", False, "unknown", "a price of now", text)])

    def examine(
        self, request: OrderRequest, instrument: Instrument, exposure: Exposure, *, changing: bool = False
    ) -> tuple[RuleResult, ...]:
        """Every rule with its value and limit, the desk's own first; `changing` for an order that rests already."""
        parts = self._parts
        own = parts.risk.examine(request, instrument, exposure, self._strategy(request))
        exchange = comply(
            request,
            instrument,
            at=parts.clock.now(),
            has_derivatives=parts.market.master.has_derivatives(instrument),
            hours=parts.hours,
            limits=parts.governor.limits,
            changing=changing,
        )
        return _each_once([*own, *self._known(request, exposure), *self._lock(request, exposure), *exchange])

    async def enforce(self, request: OrderRequest, results: Sequence[RuleResult]) -> None:
        """Journal and raise the first refusal, if there is one."""
        failed = next((result for result in results if not result.passed), None)
        if failed is None:
            return
        parts, told = self._parts, {"order": request.key, "tag": request.tag, "strategy": request.strategy}
        detail = {"rule": failed.rule, "text": failed.text, "value": failed.value, "limit": failed.limit} | told
        event = Event("refused", parts.clock.now(), detail)
        parts.voice.report(await journaled(parts.journal.note(event)), "a refusal")
        raise Refused(failed.text, failed.rule)

    def _known(self, request: OrderRequest, exposure: Exposure) -> tuple[RuleResult, ...]:
        """No entry while the day's result cannot be known: its limits would be held against an old one."""
        why = self._parts.books.why_behind()
        passed = not why or reduces(request, exposure)
        text = "" if passed else f"Positions: {why}. Only exits pass until they are read."
        return (RuleResult("positions", passed, why or "read", "read, or an exit", text),)

    def _lock(self, request: OrderRequest, exposure: Exposure) -> tuple[RuleResult, ...]:
        if not request.strategy:
            return ()
        why = self._why_locked()
        passed = not why or reduces(request, exposure)
        text = "" if passed else f"Strategies are locked: {why}."
        return (RuleResult("differences", passed, why or "none open", "none open, or an exit", text),)

    def _strategy(self, request: OrderRequest) -> str:
        return self.strategy_of(request.strategy)


def _each_once(results: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """Each rule by name once, where two tables know it: the first that failed, else the first."""
    told: dict[str, RuleResult] = {}
    for result in results:
        if result.rule not in told or (told[result.rule].passed and not result.passed):
            told[result.rule] = result
    return tuple(told.values())
