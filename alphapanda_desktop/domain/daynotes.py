"""What a person writes of a trading day, with the tags by which results are summed up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

LONGEST_TAG: Final = 40


@dataclass(frozen=True, slots=True)
class DayNote:
    """The note of a day. `about` is "" for the whole day, or an instrument's key, or a strategy's name."""

    day: date
    about: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()


def tags_in(text: str) -> tuple[str, ...]:
    """Tags as typed, parted by commas or blanks, in small letters, without "#", each once."""
    words = (word.strip("#").lower()[:LONGEST_TAG] for word in re.split(r"[,;\s]+", text))
    return tuple(dict.fromkeys(word for word in words if word))


def latest(notes: Iterable[DayNote]) -> list[DayNote]:
    """The last word on each day and thing, of notes oldest first; one that was emptied is none."""
    last = {(note.day, note.about): note for note in notes}
    return sorted((note for note in last.values() if note.text or note.tags), key=lambda n: (n.day, n.about))
