"""What the window says, in the person's language; and counts and stop coverage in words.

The English sentence is the key. `say` is called where words are shown, with the finished sentence: a catalogue's
"{0} asked, {1} allowed" finds "500 asked, 100 allowed" by its shape, and carries what stands in the gaps over as it
is, or said in its turn. So a refusal from the desk is said without the desk knowing of languages, a figure cannot be
lost or changed, and what no catalogue knows is shown in English.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from alphapanda_desktop.ui.formats import grouped

if TYPE_CHECKING:  # the first paint does not wait for these
    from collections.abc import Callable, Iterable

    from alphapanda_desktop.domain.coverage import Coverage
    from alphapanda_desktop.ui.catalogue import Catalogue
    from alphapanda_desktop.ui.theme import Role

LANGUAGES: Final = {"English": "", "हिन्दी": "hi"}
"""Every language by its own name, with its catalogue in resources/words."""

_spoken: list[Catalogue] = []
"""The one state of its kind: a program speaks one language from its first window to its last."""

_worded: list[Callable[[], None]] = []
"""Each forgets the answers of a function that keeps what was said."""

Said = TypeVar("Said", bound="Callable[..., object]")


def keeps_words(most: int) -> Callable[[Said], Said]:
    """Keep the answers of a function that says something, so many of them, until another language is spoken."""

    def keeping(function: Said) -> Said:
        kept = lru_cache(most)(function)
        _worded.append(kept.cache_clear)
        return kept  # type: ignore[return-value]  # it is called as the function is

    return keeping


def say(text: str) -> str:
    """The same in the person's language; as it is where that is English or nothing is known for it."""
    return _spoken[0].said(text) if _spoken else text


def in_english(said: str) -> str:
    """The English of what `say` gave; what it did not give stays."""
    return _spoken[0].english_of(said) if _spoken else said


def side_word(side: str) -> str:
    """BUY or SELL, which are the exchange's words in every language, with the person's own beside it."""
    own = say(side.lower())
    return side if own == side.lower() else f"{side} {own}"


def speak(language: str) -> None:
    """Say everything in this language from now on: call it before there is a window."""
    _spoken.clear()
    for forget in _worded:
        forget()
    if code := LANGUAGES.get(language, ""):
        from alphapanda_desktop.ui.catalogue import read_catalogue

        _spoken.append(read_catalogue(code))


def count_of(number: int, thing: str) -> str:
    """A count in words: "1 order", "2 orders"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def in_words(row: Coverage) -> str:
    """One position's coverage in a few words: "all 10 at the broker", "5 only here, 5 unprotected"."""
    whole = abs(row.position.quantity)
    if row.at_broker >= whole:
        return f"all {grouped(whole)} at the broker"
    parts = ((row.at_broker, "at the broker"), (row.in_program, "only here"), (row.unprotected, "unprotected"))
    return ", ".join(f"{grouped(count)} {where}" for count, where in parts if count) or "nothing to protect"


def summary_of(rows: Iterable[Coverage]) -> tuple[str, Role]:
    """What the coverage of all positions comes to, in a sentence, and how grave it is."""
    rows = list(rows)
    bare, here = sum(row.unprotected > 0 for row in rows), sum(row.in_program > 0 for row in rows)
    parts = []
    if bare:
        parts.append(f"{count_of(bare, 'position')} with units that no stop protects")
    if here:
        parts.append(f"{count_of(here, 'position')} whose stop lives only in this program")
    if parts:
        return "; ".join(parts) + ".", "danger" if bare else "warn"
    return ("Every position is protected at the broker." if rows else ""), "good"
