"""One language's sentences, by the English ones: whole, by shape, or piece by piece.

Read from a gettext `.po` file, so that every translator's tool opens it. Of gettext's own reading only the words of
whole sentences would be left: it knows no shapes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.folders import resources

ESCAPED: Final = re.compile(r"\\(.)")
GAP: Final = re.compile(r"\{(\d)\}")
LETTERS: Final = re.compile(r"[A-Za-z]{2}")
TAG: Final = re.compile(r"(<[^>]*>)")
PIECES: Final = tuple(
    re.compile(joint)
    for joint in (
        r"(\n+)",
        r"( \((?:Ctrl|Alt|Shift|[A-Z]|F\d)[^()]*\))$",
        r"( · )",
        r"(?<=[.!?])( +)(?=\S)",
        r"(; )",
        r"(, )",
    )
)
"""What sentences and parts of them are joined by, the strongest first."""

SIGNS: Final = re.compile(r"([^\w(<&\"“]*)(.*?)([^\w)>.!?…%\"”]*)", re.DOTALL)
"""What stands before words, the words, and what stands behind them."""
MNEMONIC: Final = re.compile(r"&(?!L\b)(\w)")
TELLING: Final = 16
"""Fewer letters than these might end a sentence that means something else: then a gap before takes a few words."""
FEW_WORDS: Final = 4
FIGURE: Final = re.compile(r"\d")
JOINT: Final = " · "
IN_NUMBER: Final = re.compile(r"\d[.,]\d")
"""A point between digits ends no sentence, and a comma there no part of one."""
KEPT: Final = 4_096
FIRST: Final = 3
"""Shapes are found by so many of their first or last letters."""


class Shape(NamedTuple):
    """A sentence with gaps: what stands between them, and what is said for it."""

    parts: tuple[str, ...]
    said: str

    def gaps_in(self, text: str) -> list[str] | None:
        """What fills the gaps of this sentence in a text of its shape; the last may be empty.

        No pattern of `re`: with several gaps one of those takes milliseconds to find that a long text is not its own.
        """
        if JOINT in text and not any(JOINT in part for part in self.parts):
            return None  # each piece between such joints is told by itself
        first, *between, last = self.parts
        at, end = len(first), len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last):
            return None
        gaps = []
        for part in between:
            found = text.find(part, at + 1, end)
            while found >= 0 and IN_NUMBER.match(text, found - 1):
                found = text.find(part, found + 1, end)
            if found < 0:
                return None
            gaps.append(text[at:found])
            at = found + len(part)
        gaps.append(text[at:end])
        return gaps if (end > at or (end == at and between)) and self._is_told(gaps) else None

    def _is_told(self, gaps: Sequence[str]) -> bool:
        """Whether a text of this shape means this: a few letters behind a gap may end any sentence, or be in any."""
        if self.parts[0] or sum(map(len, self.parts)) >= TELLING:
            return True
        few = gaps[0].count(" ") < FEW_WORDS
        return few and (bool(self.parts[-1]) or all(map(FIGURE.search, gaps)))


class Catalogue:
    """Sentences of one language. Shapes with more letters of their own are tried before those with fewer."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._whole = {english: said for english, said in sentences.items() if not GAP.search(english)}
        self._shapes: dict[str, list[Shape]] = defaultdict(list)
        self._known: dict[str, str] = {}
        self._english: dict[str, str] = {}
        shaped = [(english, said) for english, said in sentences.items() if GAP.search(english)]
        for english, said in sorted(shaped, key=lambda pair: -len(GAP.sub("", pair[0]))):
            parts = tuple(GAP.split(english)[::2])
            self._shapes[_place(parts)].append(Shape(parts, said))

    def said(self, text: str) -> str:
        """The sentence in this language, as far as it is known."""
        whole = self._whole.get(text)
        if whole is not None:
            return whole
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            known = self._known[text] = self._find(text)
        return known

    def english_of(self, said: str) -> str:
        """The whole English sentence that this is said for, or the same again."""
        if not self._english:
            self._english.update((own, english) for english, own in self._whole.items())
        return self._english.get(said, said)

    def knows(self, text: str) -> bool:
        """Whether the whole sentence is said in this language, not only parts of it."""
        return self._as_one(text) is not None

    def _find(self, text: str) -> str:
        if not LETTERS.search(text):
            return text
        as_one = self._as_one(text)
        return as_one if as_one is not None else self._without_stop(text) or self._by_parts(text)

    def _by_parts(self, text: str) -> str:
        return self._between_signs(text) or self._by_pieces(text)

    def _without_stop(self, text: str) -> str | None:
        """A sentence whose full stop was taken off, as a tooltip's is."""
        said = None if text.endswith(".") else self._as_one(f"{text}.")
        return said.removesuffix(".").removesuffix("।") if said is not None else None

    def _as_one(self, text: str) -> str | None:
        whole = self._whole.get(text)
        return whole if whole is not None else self._with_marks(text) or self._by_shape(text)

    def _with_marks(self, text: str) -> str | None:
        """What belongs to a menu stands beside the words: the key behind a tab, the letter behind an &."""
        words, tab, key = text.partition("\t")
        mark = MNEMONIC.search(words)
        if not tab and mark is None:
            return None
        said = self._as_one(MNEMONIC.sub(r"\1", words, count=1))
        if said is None:
            return None
        return f"{said} (&{mark[1].upper()}){tab}{key}" if mark is not None else f"{said}{tab}{key}"

    def _by_shape(self, text: str) -> str | None:
        likely = (self._shapes.get(place, ()) for place in (text[:FIRST], f"…{text[-FIRST:]}", ""))
        for shape in chain.from_iterable(likely):
            gaps = shape.gaps_in(text)
            if gaps is not None:
                return self._filled(shape.said, gaps)
        return None

    def _filled(self, said: str, gaps: Sequence[str]) -> str:
        return GAP.sub(lambda gap: self.said(gaps[int(gap[1])]), said)

    def _between_signs(self, text: str) -> str | None:
        """Words with a sign or room at an end, which stays: "Orders per day ◷", "▲ Reducing"."""
        found = SIGNS.fullmatch(text)
        if found is None or found[2] == text:
            return None
        said = self.said(found[2])
        return f"{found[1]}{said}{found[3]}" if said != found[2] else None

    def _by_pieces(self, text: str) -> str:
        parts = TAG.split(text)
        if len(parts) > 1:
            return "".join(part if place % 2 else self.said(part) for place, part in enumerate(parts))
        for joint in PIECES:
            parts = joint.split(text)
            if len(parts) > 1:  # the last from the rest, which may be one sentence with such a joint in it
                return f"{self.said(''.join(parts[:-2]))}{parts[-2]}{self.said(parts[-1])}"
        return text


def _place(parts: Sequence[str]) -> str:
    """Where a shape is looked for: by its first letters, else by its last, else always."""
    if len(parts[0]) >= FIRST:
        return parts[0][:FIRST]
    return f"…{parts[-1][-FIRST:]}" if len(parts[-1]) >= FIRST else ""


def read_catalogue(code: str) -> Catalogue:
    """The catalogue that came along for a language."""
    return Catalogue(dict(sentences_of(resources() / "words" / f"{code}.po")))


def sentences_of(path: Path) -> Iterator[tuple[str, str]]:
    """Every English sentence of a `.po` file with what is said for it; those without are left out.

    Raises Fatal for a file that is none, naming the line.
    """
    for entry in path.read_text(encoding="utf-8").split("\n\n"):
        texts = {"msgid": "", "msgstr": ""}
        field = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            name, _, quoted = line.partition(" ") if line.startswith("msg") else (field, "", line)
            field = name
            if field not in texts or not (len(quoted) > 1 and quoted[0] == quoted[-1] == '"'):
                raise Fatal(f"The catalogue {path} has a line that is no sentence: {line!r}.")
            texts[field] += ESCAPED.sub(_meant, quoted[1:-1]) if "\\" in quoted else quoted[1:-1]
        if texts["msgid"] and texts["msgstr"]:
            yield texts["msgid"], texts["msgstr"]


def _meant(escaped: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(escaped[1], escaped[1])
