"""Where the broker and the journal disagree: each difference once, with what a person decided about it.

A red row says that what a strategy would build on is not known; strategies stay locked until someone decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from psygnal import Signal, SignalInstance

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.ports import Clock, Event, Journal

DECIDED: Final = "difference decided"
"""The journal's kind of event for a decision."""


class Choice(StrEnum):
    """What a person may do about a difference."""

    ADOPT = "adopt"
    IGNORE = "ignore"
    FLATTEN = "flatten"


class ForeignPolicy(StrEnum):
    """What follows when an order shows up that this program did not make."""

    IGNORE = "ignore"
    PAUSE = "pause strategies"
    ADOPT = "adopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One disagreement. `id` names it the same after a restart; `kind` is one of foreign order, missing order,
    order, fill, position, holding, unknown order.
    """

    id: str
    kind: str
    red: bool
    what: str
    ours: str
    theirs: str
    choices: tuple[Choice, ...]
    at: datetime
    decided: Choice | None = None

    @property
    def open(self) -> bool:
        """Whether strategies wait for a decision about it."""
        return self.red and self.decided is None


Carry = Callable[[Difference, Choice], Awaitable[None]]
"""Does what a choice asks for; raises where it cannot."""


class Differences:
    """The sheet's rows. Signals: `changed()`. The desk's look at the books adds rows, a person decides them."""

    changed = Signal()

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        carry: Carry | None = None,
        tell: Callable[[SignalInstance], None] = SignalInstance.emit,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._carry = carry
        self._tell = tell
        self._rows: dict[str, Difference] = {}
        self._decided: dict[str, Choice] = {}
        self._under_way: set[str] = set()

    def rows(self) -> list[Difference]:
        """Those that wait for a decision first, then the newest."""
        return sorted(self._rows.values(), key=lambda row: (not row.open, -row.at.timestamp(), row.id))

    def red_open(self) -> list[Difference]:
        """What keeps strategies locked."""
        return [row for row in self.rows() if row.open]

    def why_locked(self) -> str:
        """Why no strategy may start or enter, empty when they may."""
        red = self.red_open()
        return f"{len(red)} differences with the broker wait for a decision, first: {red[0].what}" if red else ""

    def get(self, id_: str) -> Difference | None:
        return self._rows.get(id_)

    def decision(self, id_: str) -> Choice | None:
        """What was decided about it today, before a restart too."""
        return self._decided.get(id_)

    def add(self, row: Difference, decided: Choice | None = None) -> bool:
        """Take a difference; False for one that is known, which keeps its time and decision."""
        known = self._rows.get(row.id)
        decided = self._decided.get(row.id) or (known.decided if known else None) or decided
        row = replace(row, at=known.at if known else row.at, decided=decided)
        if row == known:
            return False
        self._rows[row.id] = row
        self._tell(self.changed)
        return known is None

    def withdraw(self, id_: str) -> None:
        """A difference that is none any more; what was decided about it stays to be read."""
        known = self._rows.get(id_)
        if known is not None and known.decided is None:
            del self._rows[id_]
            self._tell(self.changed)

    async def decide(self, id_: str, choice: Choice) -> None:
        """Carry out and journal a decision. Raises Refused for a choice that the row does not offer, and what fails."""
        row = self._rows.get(id_)
        if row is None:
            raise Refused(f"No difference {id_!r} is open.", "difference")
        if choice not in row.choices:
            offered = ", ".join(row.choices) or "none"
            raise Refused(f"{row.what}: {choice} asked, {offered} offered.", "difference")
        if id_ in self._under_way:
            raise Refused(f"{row.what}: a decision about it is being carried out.", "difference")
        if row.decided is Choice.FLATTEN:
            raise Refused(f"{row.what}: it was flattened already.", "difference")
        self._under_way.add(id_)
        try:
            await self._carry_out(row, choice)
        finally:
            self._under_way.discard(id_)

    async def _carry_out(self, row: Difference, choice: Choice) -> None:
        id_ = row.id
        if self._carry is not None:
            await self._carry(row, choice)
        detail = {"id": id_, "choice": choice.value, "what": row.what, "ours": row.ours, "theirs": row.theirs}
        await self._journal.note(Event(DECIDED, self._clock.now(), detail))
        self._decided[id_] = choice
        self._rows[id_] = replace(self._rows.get(id_, row), decided=choice)  # it may have moved on meanwhile
        self._tell(self.changed)

    async def recall(self, since: datetime) -> None:
        """Know today's decisions again after a restart."""
        for event in await self._journal.events(since, DECIDED):
            self._decided[str(event.detail["id"])] = Choice(str(event.detail["choice"]))

    def new_day(self) -> None:
        """Forget an earlier day's rows: the broker's book began anew."""
        self._rows.clear()
        self._decided.clear()
        self._tell(self.changed)
