"""Figures as they are read in India."""

from __future__ import annotations


def in_lakhs(value: float, decimals: int = 2) -> str:
    """Digits in Indian groups: 25,00,000.00."""
    whole, dot, fraction = f"{abs(value):.{decimals}f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    text = ",".join([*reversed(pairs), tail]) + dot + fraction
    return f"-{text}" if value < 0 and text.strip("0.,") else text
