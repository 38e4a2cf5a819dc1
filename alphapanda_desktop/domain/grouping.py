"""Figures in Indian groups, for every layer that puts one into words."""

from __future__ import annotations

from typing import Final

MINUS: Final = "−"


def grouped(value: float, decimals: int = 0) -> str:
    """Digits in Indian groups: 12,34,567.80; a true minus in front of a negative."""
    whole, _, fraction = f"{abs(value):.{decimals}f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    text = ",".join([*reversed(pairs), tail]) + (f".{fraction}" if fraction else "")
    is_negative = value < 0 and any(digit in "123456789" for digit in text)
    return MINUS + text if is_negative else text
