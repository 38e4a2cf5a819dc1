"""Instruments made by columns: a master of 150,000 rows in a tenth of a second, row by row in a whole one."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

from alphapanda_desktop.domain.instruments import Instrument


def from_columns(columns: Mapping[str, Sequence[Any]]) -> list[Instrument]:
    """Instruments of equally long columns, one for each of their fields, of the fields' own types."""
    # Half the time of making a frozen dataclass goes into getting round its own frost. Filling its slots column by
    # column through their descriptors is done in C, takes less than half as long, and gives the very same values.
    made = list(map(Instrument.__new__, repeat(Instrument, len(columns["tradingsymbol"]))))
    for name, column in columns.items():
        deque(map(getattr(Instrument, name).__set__, made, column), maxlen=0)
    return made


@contextmanager
def no_collection() -> Iterator[None]:
    """No search for cycles meanwhile: rows have none, and each search would hold up the loop for 40 ms and more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
