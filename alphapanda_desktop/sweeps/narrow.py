"""Reading what a worker answers: values of known kinds, and nothing that could act.

A worker has run a strategy file's code, so its answer may be anything. Unpickling calls whatever the pickle names; here
it can name the program's own records, numpy's arrays and dates, and no function but those that rebuild them.
"""

from __future__ import annotations

import importlib
import io
import pickle
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final

PLAIN: Final = frozenset({
    ("builtins", "set"), ("builtins", "frozenset"), ("builtins", "complex"), ("builtins", "bytearray"),
    ("collections", "deque"), ("datetime", "date"), ("datetime", "datetime"), ("datetime", "timedelta"),
    ("datetime", "timezone"), ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"), ("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode"),
})  # fmt: skip
"""Kinds from outside that cannot do more than hold values, and what numpy rebuilds its arrays with."""

OURS: Final = ("alphapanda_desktop.domain.", "alphapanda_desktop.backtest.", "alphapanda_desktop.sweeps.")
TROUBLE: Final = (
    pickle.PickleError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError, MemoryError,
    OverflowError,
)  # fmt: skip
"""What reading an answer that is none raises."""


class _Narrow(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The kind of that name, if it is a record of ours or one of the plain ones."""
        if (module, name) in PLAIN:
            return getattr(importlib.import_module(module), name)
        if module.startswith(OURS) and name.isidentifier():
            kind = getattr(importlib.import_module(module), name)
            if isinstance(kind, type) and kind.__module__ == module and _is_record(kind):
                return kind
        raise pickle.UnpicklingError(f"an answer may not hold {module}.{name}")


def _is_record(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, Enum) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


def value_of(answer: bytes) -> Any:
    """The value that was answered. Raises one of TROUBLE for what is no answer."""
    return _Narrow(io.BytesIO(answer)).load()
