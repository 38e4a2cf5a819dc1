"""Words in a cell of a CSV: a spreadsheet takes what begins like a formula for one, and does what it says."""

from __future__ import annotations

from typing import Final, TypeVar

T = TypeVar("T")

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for a formula when a CSV cell begins so, the wide signs of East Asian ones among them."""
QUOTE: Final = "'"
"""Before a cell it says that words follow, and is not shown."""


def as_cell(value: T) -> T | str:
    """The value as it stands in a cell: words never as a formula, all else as it is."""
    return f"{QUOTE}{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def from_cell(text: str) -> str:
    """The words that `as_cell` wrote."""
    return text[1:] if text.startswith(QUOTE) and text[1:].startswith(FORMULA) else text
