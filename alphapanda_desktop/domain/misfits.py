"""What is wrong with values that a model refuses, in words: each tells the value and what can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

_LONGEST: Final = 60

_LIMITS: Final = {
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
}
_KINDS: Final = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of reasonable size",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "yes or no",
    "bool_type": "yes or no",
    "string_type": "a text",
}


class Misfit(NamedTuple):
    """One complaint. `where` is the field, "" for all of them together."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def misfits_of(error: ValidationError, known: Iterable[str] = ()) -> list[Misfit]:
    """Every complaint of a validation, in the model's order; `known` are names that a wrong name is told."""
    there = ", ".join(known)
    return [Misfit(".".join(map(str, one["loc"])), _worded(one, there)) for one in error.errors(include_url=False)]


def _worded(fault: Mapping[str, Any], there: str) -> str:
    kind, limits = fault["type"], fault.get("ctx", {})
    if kind in _LIMITS:
        words, name = _LIMITS[kind]
        return f"{_shown(fault['input'])} given, {words} {_shown(limits[name])} can be"
    if kind in _KINDS:
        return f"{_shown(fault['input'])} given, {_KINDS[kind]} is expected"
    if kind == "literal_error":
        return f"{_shown(fault['input'])} given, it can be {limits['expected']}"
    if kind == "extra_forbidden":
        return f"there is no such parameter{'; there are: ' + there if there else ''}"
    if kind == "missing":
        return "no value given"
    text = fault["msg"]
    return str(text).removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
