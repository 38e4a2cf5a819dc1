"""The loop's heartbeat: measures how late it comes, says what is shed, and knows when the loop is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.shedding import Shedding

BEAT_S: Final = 0.01
CALM_S: Final = 0.03
CALM_NS: Final = 1_000_000_000
"""Without a frame for so long, and with nothing to do, the heart beats every `CALM_S`: that is sooner than the watchdog
of the loop (`logs.STALL_S`) looks for who holds it."""
REST_S: Final = 0.12
REST_NS: Final = 5_000_000_000
"""After so long a silence the heart beats every `REST_S`: with nobody at work and no price to come, who measures lag
would be most of what there is to measure."""
LOOK_NS: Final = 250_000_000
IDLE_LAG_NS: Final = 2_000_000
"""A loop whose heartbeat is this little late on the average has time to spare."""


@dataclass(slots=True)
class Heart:
    """Beats until it is cancelled. All that it calls must return at once.

    `alive` is called at each beat with the time to the next; `backlog` says how many callbacks wait, `drawn_ns` how
    long was drawn since the start; `rest` is told four times a second whether the loop has nothing to do.
    """

    meter: Meter
    shedding: Shedding
    alive: Callable[[float], None]
    backlog: Callable[[], int]
    drawn_ns: Callable[[], int]
    rest: Callable[[bool], None]
    _late_ns: int = 0
    _waiting: int = 0
    _beats: int = 0
    _looked_ns: int = 0
    _drawn_ns: int = 0
    _calm: bool = False

    async def run(self) -> None:
        """Beat for as long as the loop lives."""
        now_ns = self.meter.now_ns
        self._looked_ns, self._drawn_ns = now_ns(), self.drawn_ns()
        while True:
            beat_s = self._pace_s()
            self.alive(beat_s)
            due_ns = now_ns() + round(beat_s * 1e9)
            await asyncio.sleep(beat_s)
            self._beat(max(0, now_ns() - due_ns))

    def _pace_s(self) -> float:
        silent_ns = self.meter.silent_ns()
        if not self._calm or silent_ns <= CALM_NS:
            return BEAT_S
        return REST_S if min(silent_ns, self.meter.still_ns()) > REST_NS else CALM_S

    def _beat(self, late_ns: int) -> None:
        waiting = self.backlog()
        self.meter.looked(late_ns, waiting)
        self._late_ns += late_ns
        self._waiting = max(self._waiting, waiting)
        self._beats += 1
        now_ns = self.meter.now_ns()
        if now_ns - self._looked_ns >= LOOK_NS:
            self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        drawn_ns, lag_ns = self.drawn_ns(), self._late_ns / self._beats
        share = (drawn_ns - self._drawn_ns) / (now_ns - self._looked_ns)
        self.shedding.look(lag_ns, share)
        self.meter.shed = self.shedding.words()
        self._calm = lag_ns < IDLE_LAG_NS and not self._waiting
        self.rest(self._calm)
        self._late_ns = self._waiting = self._beats = 0
        self._looked_ns, self._drawn_ns = self.meter.now_ns(), drawn_ns
