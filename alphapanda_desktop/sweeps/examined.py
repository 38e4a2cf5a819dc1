"""A strategy scrutinised in a worker: its checks, what it opened meanwhile, and a digest of all it did."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from alphapanda_desktop.authoring.load import MODULE
from alphapanda_desktop.backtest.engine import Setup
from alphapanda_desktop.backtest.scrutiny import Finding, scrutinised
from alphapanda_desktop.backtest.tracing import Trace, traced
from alphapanda_desktop.sweeps.bars import load
from alphapanda_desktop.sweeps.job import TELLER, Job, params_of, strategy_of

REACHES: Final = ("open", "socket.connect", "subprocess.Popen", "os.system", "urllib.Request")
"""What Python tells of a program that looks beyond itself."""

LOOKS_UP: Final = 50

MOST_BARS: Final = 20_000
"""The last so many bars of each instrument are played, more than twenty times over."""


class Examined(NamedTuple):
    """What came of it, in plain values."""

    name: str
    keys: tuple[str, ...]
    bars: int
    decisions: int
    orders: int
    digest: str
    findings: tuple[Finding, ...]


class _Reach:
    """What the strategy file's own code opens; hooks of this kind cannot be taken out of an interpreter again."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._on = False
        self._hooked = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is opened within."""
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._hear)
        self.found, self._on = {}, True
        try:
            yield
        finally:
            self._on = False

    def _hear(self, event: str, told: tuple[Any, ...]) -> None:
        if not self._on or event not in REACHES:
            return
        frame: Any = sys._getframe(1)
        for _ in range(LOOKS_UP):
            if frame is None or frame.f_code.co_filename.startswith("<frozen importlib"):
                return  # Python itself, looking for a module
            if frame.f_globals.get("__name__") == MODULE:
                what = str(told[0])[:300] if told else ""
                self.found.setdefault(f"{event} {what}".strip(), frame.f_lineno)
                return
            frame = frame.f_back


_REACH: Final = _Reach()


def examine(job: Job, tolerance: float = 1e-9) -> Examined:
    """All checks of a job's strategy on its bars. What the strategy raises passes."""
    with _REACH.watched():
        setup = _setup(job)
        trace, findings = scrutinised(setup, tolerance, TELLER.get())
    findings = [*_beyond(_REACH.found, findings), *findings]
    return Examined(
        setup.strategy.name,
        tuple(series.instrument.key for series in setup.series),
        sum(len(series) for series in setup.series),
        len(trace.decisions),
        len(trace.orders()),
        _digest(trace),
        tuple(findings),
    )


def fingerprint(job: Job) -> str:
    """A digest of all that the strategy does on its bars, to be compared with that of another process."""
    trace, _ = traced(_setup(job), TELLER.get())
    return _digest(trace)


def _beyond(found: dict[str, int], findings: list[Finding]) -> Iterator[Finding]:
    """What it opened, which no check can cut at a moment; damning where the prices do not matter to it besides."""
    blind = any(finding.check == "prices" and "the prices are others" in finding.text for finding in findings)
    for what, line in sorted(found.items(), key=lambda pair: pair[1]):
        words = f"line {line}: {what}: what it learns there is not cut at the bar, it may know the future"
        yield Finding("reach", f"{words}; and its orders do not depend on the prices" if blind else words, blind)


def _digest(trace: Trace) -> str:
    return hashlib.sha256(repr(trace.acts).encode()).hexdigest()


def _setup(job: Job) -> Setup:
    strategy = strategy_of(job.strategy)
    series = []
    for ref in job.data:
        bars, own = load(ref), strategy.interval.seconds
        seconds = job.bar_s or (own if own > bars.seconds and own % bars.seconds == 0 else bars.seconds)
        series.append(bars.longer(seconds).between(job.first, job.last)[-MOST_BARS:])
    return Setup(
        strategy=strategy,
        params=params_of(strategy, job.params),
        series=series,
        product=job.product,
        cash=job.cash,
        slippage=job.slippage,
        limits=job.limits,
        with_derivatives=frozenset(ref.instrument.key for ref in job.data) if job.closing_auction else frozenset(),
    )
