"""What the program knows of itself, as lines: memory, processor, threads, children, queues, feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alphapanda_desktop.ui.diagnostics import Fact
from alphapanda_desktop.usage import Chronicle, all_threads, children, memory_of, threads

if TYPE_CHECKING:
    from alphapanda_desktop.domain.progress import Works
    from alphapanda_desktop.trading.arming import Arming
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.meter import Meter
    from alphapanda_desktop.trading.runner import Runner


@dataclass(frozen=True, slots=True)
class Watched:
    """The parts of an open desk that are told of, and who is logged in."""

    desk: Desk
    market: Market
    runner: Runner
    arming: Arming
    user_id: str
    queues: Callable[[], str]
    """What waits for the disk, in words."""


@dataclass(slots=True)
class Figures:
    """`ui.diagnostics.Sources` of this process; `watched` once a desk is open. `more` are lines of who else tells."""

    meter: Meter
    works: Works
    more: Callable[[], Sequence[Fact]]
    chronicle: Chronicle
    watched: Watched | None = None

    def sample(self) -> None:
        """Note how the program is doing, where that is due."""
        if self.chronicle.due:
            (lag_ns,) = self.meter.lag.quantiles(0.99)
            self.chronicle.add(lag_ns, self.meter.ticks_per_s())

    def facts(self) -> list[Fact]:
        """Everything, as it is now; asks the system."""
        waits = f"{self.meter.backlog:,} callbacks, {self.meter.deepest:,} at most"
        running = ", ".join(work.told() for work in self.works.running) or "none"
        return [
            Fact("Memory", self._memory()),
            Fact("Processor", self._processor()),
            Fact("Threads", f"{all_threads()}; of Python: {', '.join(threads())}"),
            Fact("Child processes", _children()),
            Fact("Waiting", waits),
            *self._of_desk(),
            Fact("Long work", running),
            *self.more(),
        ]

    def _memory(self) -> str:
        memory, growth = memory_of(), self.chronicle.growth_per_h()
        most = max(self.chronicle.most_memory, memory)
        grew = f", {growth / 1e6:+,.1f} MB an hour" if growth is not None else ""
        return f"{memory / 1e6:,.0f} MB resident, {most / 1e6:,.0f} at most{grew}" if memory else "not known here"

    def _processor(self) -> str:
        samples = self.chronicle.samples
        return f"{100 * samples[-1].processor:,.1f} % of a core over the last 20 s" if len(samples) > 1 else "–"

    def _of_desk(self) -> list[Fact]:
        watched = self.watched
        if watched is None:
            return [Fact("Desk", "not open")]
        desk, market = watched.desk, watched.market
        rate = desk.governor.gauges()
        waits = f"{rate.waiting} waiting" + (f" for {rate.why_waiting}" if rate.why_waiting else "")
        link = market.link
        return [
            Fact("Desk", f"{desk.state}; {sum(order.live for order in desk.orders())} orders live"),
            Fact("Orders to send", waits),
            Fact("To be written", watched.queues()),
            Fact("Feed", f"{link.state} {link.detail}".strip()),
            Fact("Strategies", f"{sum(not run.state.over for run in watched.runner.runs)} loaded or running"),
        ]


def _children() -> str:
    found = children()
    if not found:
        return "none that the system tells of"
    whole = sum(child.memory for child in found) / 1e6
    return f"{len(found)}, {whole:,.0f} MB: " + ", ".join(
        f"{child.name} {child.pid} {child.memory / 1e6:,.0f} MB" for child in found
    )
