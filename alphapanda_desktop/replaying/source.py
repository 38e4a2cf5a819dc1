"""Recordings to be played: the program's own day files and CSV, as frames of Kite's ticker in the order of time."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Final, Protocol, Self, final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.ticklog import MAGIC, Frame
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.csvticks import read_csv
from alphapanda_desktop.replaying.listing import instrument_named
from alphapanda_desktop.store.dayfile import Recording as DayRecording

Known = Callable[[str], Instrument | None]
"""The row of the day's master behind "EXCHANGE:SYMBOL", where it is known."""

LOOKED_AT: Final = 20_000
"""Ticks of a day file, about, from which it is told which tick size the prices of its instruments keep to."""


class Part(Protocol):
    """One file of a recording: what its tokens mean, when it begins and ends, and its frames from a time on."""

    instruments: tuple[Instrument, ...]
    begin_ns: int
    end_ns: int
    count: int

    def frames(self, from_ns: int = 0) -> Iterator[Frame]: ...

    def damage(self) -> str: ...

    def close(self) -> None: ...


@final
class Recording:
    """A recorded market: `frames` from any time on, at the cost of the blocks that are read.

    `begin_ns` and `end_ns` are the times of its first and last frame, epoch nanoseconds.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        if not parts:
            raise BadData("a recording needs at least one file of ticks")
        self._parts = tuple(parts)
        self.begin_ns = min(part.begin_ns for part in parts)
        self.end_ns = max(part.end_ns for part in parts)
        self.count = sum(part.count for part in parts)
        """Frames, as far as it is known beforehand."""
        self.instruments = _told_once(parts)

    @classmethod
    def open(
        cls, files: Sequence[Path], *, keys: Mapping[Path, str] | None = None, known: Known = lambda _key: None
    ) -> Self:
        """Recordings of these files, played together. `keys` says what a CSV is of, where its name does not tell.

        Raises BadData, naming the file, for what is no recording, and OSError for what cannot be read.
        """
        parts: list[Part] = []
        whole = False
        try:
            parts += (_opened(path, (keys or {}).get(path, ""), known) for path in files)
            made = cls(parts)
            whole = True
        finally:
            if not whole:
                for part in parts:
                    part.close()
        return made

    def frames(self, from_ns: int = 0) -> Iterator[Frame]:
        """Every frame from then on with the epoch nanoseconds at which it was read, in the order of time."""
        if len(self._parts) == 1:
            return self._parts[0].frames(from_ns)
        return merge(*(part.frames(from_ns) for part in self._parts), key=itemgetter(0))

    def find(self, key: str) -> Instrument | None:
        """The recorded instrument of that key."""
        return next((each for each in self.instruments if each.key == key), None)

    @property
    def damage(self) -> str:
        """What had to be left out so far, in words; empty where nothing is lost."""
        return "; ".join(filter(None, (part.damage() for part in self._parts)))

    def close(self) -> None:
        """Nothing is open afterwards."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _told_once(parts: Sequence[Part]) -> tuple[Instrument, ...]:
    """All instruments, ordered by key; one token must not mean two of them, nor one of them have two."""
    found: dict[int, Instrument] = {}
    tokens: dict[str, int] = {}
    for each in (each for part in parts for each in part.instruments):
        other, token = found.setdefault(each.instrument_token, each), each.instrument_token
        if other.key != each.key:
            raise BadData(f"token {token} is {other.key} in one file and {each.key} in another")
        if tokens.setdefault(each.key, token) != token:
            raise BadData(
                f"{each.key} has token {tokens[each.key]} in one file and {token} in another: play them apart"
            )
    return tuple(sorted(found.values(), key=lambda each: each.key))


def _opened(path: Path, key: str, known: Known) -> Part:
    with path.open("rb") as file:
        own = file.read(len(MAGIC)) == MAGIC
    return DayTicks(path, known) if own else read_csv(path, key, known)


@final
class DayTicks:
    """A day file of the recorder."""

    def __init__(self, path: Path, known: Known) -> None:
        self._path = path
        self._day = DayRecording(path)
        held = [block for block in self._day.blocks if block.holds_frames]
        if not held:
            self._day.close()
            raise BadData(f"{path.name}: holds no ticks")
        self.begin_ns, self.end_ns = held[0].first_ns, max(block.last_ns for block in held)
        self.count = sum(block.count for block in held)
        self.instruments = self._named(known)

    def _named(self, known: Known) -> tuple[Instrument, ...]:
        """Those that the day names; one whose name tells not what it is cannot be traded and is left out."""
        collections.deque(self._day.between(2**63), maxlen=0)  # reads no frame, but every block of names
        names = dict(self._day.names)
        rows = {token: known(key) for token, key in names.items()}
        prices = self._prices_of({token for token, row in rows.items() if row is None})
        found = []
        for token, row in rows.items():
            with contextlib.suppress(BadData):
                made = row or instrument_named(names[token], token, prices[token])
                found.append(replace(made, instrument_token=token))
        return tuple(found)

    def _prices_of(self, tokens: set[int]) -> dict[int, list[float]]:
        if not tokens:
            return {}
        found: dict[int, list[float]] = {token: [] for token in tokens}
        seen = 0
        for at_ns, frame in self._day.between():
            ticks = decode_frame(frame, at_ns)
            for tick in ticks:
                if tick.instrument_token in found:
                    found[tick.instrument_token].append(tick.last_price)
            seen += len(ticks)
            if seen > LOOKED_AT:
                break
        return found

    def frames(self, from_ns: int = 0) -> Iterator[Frame]:
        return self._day.between(from_ns)

    def damage(self) -> str:
        text = self._day.damage.text()
        return f"{self._path.name}: {text}" if text else ""

    def close(self) -> None:
        self._day.close()
