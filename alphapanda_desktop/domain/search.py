"""Search in the instrument master as one types: an index of the pieces that symbols, names and dates are made of.

A piece is a run of letters or of figures ("NIFTY26AUG26000CE" has five). Every word typed is cut the same way; a row
is found when each piece of each word is in one of its own, short ones at its beginning. What the pieces cannot tell,
that they stand next to one another, is then looked up in the symbols, and in the whole text of the few rows left.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import Instrument

SHORT: Final = 2
"""Pieces of up to so many characters are looked for at the beginning of a row's pieces only."""

KEPT: Final = 64
"""Words of which the rows are kept: whoever types on asks for the earlier words again with every letter."""

FEW: Final = 2_000
"""How many rows may be looked at one by one."""

Mask = NDArray[np.bool_]
Rows = NDArray[np.int32]

_PIECES: Final = re.compile(r"[a-z]+|[0-9][0-9.]*")


def search_text(i: Instrument) -> str:
    """All that can be typed to find an instrument, in lower case."""
    expiry = i.expiry.strftime("%d %b %Y") if i.expiry else ""
    strike = f"{i.strike:g}" if i.strike else ""
    return f"{i.tradingsymbol} {i.name} {i.exchange} {i.instrument_type} {strike} {expiry}".lower()


def kind_of(i: Instrument) -> str:
    """Kite's type of an instrument, and IDX for an index."""
    return i.instrument_type if i.tradable else "IDX"


@dataclass(frozen=True, slots=True)
class Among:
    """What a search is narrowed to: any of these exchanges, any of these kinds, that expiry. Empty narrows nothing."""

    exchanges: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    expiry: date | None = None

    def __bool__(self) -> bool:
        return bool(self.exchanges or self.kinds or self.expiry)

    def takes(self, i: Instrument) -> bool:
        """Whether it is one of them."""
        return (
            (not self.exchanges or i.exchange in self.exchanges)
            and (not self.kinds or kind_of(i) in self.kinds)
            and (self.expiry is None or i.expiry == self.expiry)
        )


ANY: Final = Among()


class SearchIndex:
    """Finds rows of a master by words. Made once, in any thread, and never changed; about 100 bytes a row."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        rows = list(instruments)
        symbols = np.array([i.tradingsymbol.lower().encode() for i in rows], dtype="S")
        keyed = np.argsort(symbols, kind="stable")
        expiry = np.array([i.expiry.toordinal() if i.expiry else 0 for i in rows], np.int32)
        strike = np.array([i.strike for i in rows])
        # Cash before derivatives, nearest expiry, lowest strike, then by symbol.
        best_first = keyed[np.lexsort((strike[keyed], expiry[keyed]))] if rows else keyed
        self._rows: list[Instrument] = [rows[n] for n in best_first.tolist()]
        place = np.empty(len(rows), np.int32)
        place[best_first] = np.arange(len(rows), dtype=np.int32)
        self._symbols = symbols[keyed]
        self._places = place[keyed]
        self._pieces = _Pieces(self._rows)
        self._text = _Lines([i.tradingsymbol.lower() for i in self._rows])
        self._expiries = expiry[best_first]
        self._exchanges = _Coded([i.exchange for i in self._rows])
        self._kinds = _Coded([kind_of(i) for i in self._rows])
        self._kept: OrderedDict[str, Mask] = OrderedDict()

    def find(self, text: str, limit: int, among: Among | None = None) -> list[Instrument]:
        """Instruments that hold every word: the very symbol first, then symbols that begin with the first word.

        Without a word, all of what the search is narrowed to.
        """
        words = text.lower().split()
        if not (words or among) or not self._rows:
            return []
        found = self._found(words, among or ANY)
        if not words:
            return [self._rows[n] for n in np.flatnonzero(found)[:limit].tolist()]
        return [self._rows[n] for n in self._ordered(found, words, limit)]

    def expiries(self, text: str, among: Among | None = None, limit: int = 6) -> list[date]:
        """Expiry days of what these words find, the nearest first, whatever expiry the search is narrowed to."""
        words = text.lower().split()
        if not words or not self._rows:
            return []
        wanted = Among(among.exchanges, among.kinds) if among else ANY
        days = self._expiries[self._found(words, wanted)]
        return [date.fromordinal(day) for day in np.unique(days[days > 0])[:limit].tolist()]

    def _found(self, words: Sequence[str], among: Among) -> Mask:
        found = np.ones(len(self._rows), np.bool_)
        for word in words:
            found &= self._holding(word)
        if among.exchanges:
            found &= self._exchanges.among(among.exchanges)
        if among.kinds:
            found &= self._kinds.among(among.kinds)
        if among.expiry is not None:
            found &= self._expiries == among.expiry.toordinal()
        return found

    def _holding(self, word: str) -> Mask:
        """Rows that hold the word; not to be written to."""
        if word not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.popitem(last=False)
            self._kept[word] = self._look_for(word)
        self._kept.move_to_end(word)
        return self._kept[word]

    def _look_for(self, word: str) -> Mask:
        pieces = _PIECES.findall(word)
        if pieces == [word]:
            return self._pieces.rows_with(word)
        among = np.ones(len(self._rows), np.bool_)
        for piece in pieces:
            among &= self._pieces.rows_with(piece)
        found = among & self._text.rows_with(word)
        rest = np.flatnonzero(among & ~found)
        if len(rest) <= FEW:
            found[[n for n in rest.tolist() if word in search_text(self._rows[n])]] = True
        return found

    def _ordered(self, found: Mask, words: Sequence[str], limit: int) -> list[int]:
        typed, first = " ".join(words).encode(), words[0].encode()
        exact = [n for n in self._beginning(typed, typed) if found[n]]
        begins = np.zeros(len(found), np.bool_)
        begins[self._beginning(first, first + b"\xff")] = True
        found = found.copy()
        found[exact] = False
        best: list[int] = exact + np.flatnonzero(found & begins)[:limit].tolist()
        if len(best) < limit:
            best += np.flatnonzero(found & ~begins)[:limit].tolist()
        return best[:limit]

    def _beginning(self, low: bytes, high: bytes) -> Rows:
        """Rows whose symbols lie from one text to another, both included."""
        start, end = np.searchsorted(self._symbols, low, "left"), np.searchsorted(self._symbols, high, "right")
        return np.sort(self._places[start:end])


class _Coded:
    """One of a few words for each row, as a number."""

    def __init__(self, words: Sequence[str]) -> None:
        self._numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self._of_row = np.array([self._numbers[word] for word in words], np.uint8)

    def among(self, words: Iterable[str]) -> Mask:
        """Rows that have one of these words."""
        table = np.zeros(max(len(self._numbers), 1), np.bool_)
        table[[self._numbers[word] for word in words if word in self._numbers]] = True
        found: Mask = table[self._of_row]
        return found


class _Pieces:
    """Every piece once, in order, and for each the rows that have it."""

    def __init__(self, rows: Sequence[Instrument]) -> None:
        self._size = len(rows)
        known: dict[str, int] = {}
        ids, owners = _pairs(rows, known)
        words = sorted(known)
        number = np.empty(len(words) + 1, np.int32)
        number[[known[word] for word in words]] = np.arange(len(words), dtype=np.int32)
        numbered = number[ids]
        order = np.argsort(numbered, kind="stable")
        self._owners = owners[order]
        self._of_pair = numbered[order]
        self._starts = np.searchsorted(self._of_pair, np.arange(len(words) + 1))
        self._words = words
        self._lines = _Lines(words)

    def rows_with(self, piece: str) -> Mask:
        """Rows with a piece that holds this one, or begins with it if it is short."""
        mask = np.zeros(self._size, np.bool_)
        if len(piece) <= SHORT:
            first, last = bisect_left(self._words, piece), bisect_right(self._words, piece + "\x7f")
            mask[self._owners[self._starts[first] : self._starts[last]]] = True
            return mask
        wanted = self._lines.rows_with(piece)
        which = np.flatnonzero(wanted)
        if len(which) <= FEW:
            for first, last in zip(self._starts[which].tolist(), self._starts[which + 1].tolist(), strict=True):
                mask[self._owners[first:last]] = True
        else:
            mask[self._owners[wanted[self._of_pair]]] = True
        return mask


class _Lines:
    """Texts one after another in one array of bytes."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [text.encode() for text in texts]
        ends = np.cumsum(np.array([len(text) + 1 for text in encoded], np.int64))
        self._starts = ends - [len(text) + 1 for text in encoded] if encoded else ends
        self._bytes = np.frombuffer(b"\n".join(encoded), np.uint8)

    def rows_with(self, piece: str) -> Mask:
        """Which of the texts hold the piece."""
        mask = np.zeros(len(self._starts), np.bool_)
        mask[np.searchsorted(self._starts, self._hits(piece.encode()), "right") - 1] = True
        return mask

    def _hits(self, piece: bytes) -> NDArray[np.int64]:
        room = len(self._bytes) - len(piece) + 1
        if room <= 0:
            return np.empty(0, np.int64)
        # The last character first: strikes and months differ most at their ends.
        found = np.flatnonzero(self._bytes[len(piece) - 1 : len(piece) - 1 + room] == piece[-1])
        for offset, byte in enumerate(piece[:-1]):
            found = found[self._bytes[found + offset] == byte]
        return found


def _pairs(rows: Sequence[Instrument], known: dict[str, int]) -> tuple[Rows, Rows]:
    """Piece and row, once for each piece of each row; `known` numbers the pieces as they come."""
    cached: dict[str, tuple[int, ...]] = {}
    number: Callable[[str, int], int] = known.setdefault
    ids: list[int] = []
    counts: list[int] = []

    def of(text: str) -> tuple[int, ...]:
        numbers = cached.get(text)
        if numbers is None:
            numbers = cached[text] = tuple([number(piece, len(known)) for piece in _PIECES.findall(text.lower())])
        return numbers

    for i in rows:
        before = len(ids)
        ids.extend([number(piece, len(known)) for piece in _PIECES.findall(i.tradingsymbol.lower())])
        ids.extend(of(i.name))
        ids.extend(of(i.exchange))
        ids.extend(of(i.instrument_type))
        if i.strike:
            ids.extend(of(f"{i.strike:g}"))
        if i.expiry:
            ids.extend(of(i.expiry.strftime("%d %b %Y")))
        counts.append(len(ids) - before)
    owners = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
    return np.array(ids, np.int32), owners
