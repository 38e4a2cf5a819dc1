"""Domain values as rows and back, exactly; and the hash that links a row to the one before it."""

from __future__ import annotations

import hashlib
import json
import math
import operator
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from numbers import Integral, Real
from typing import Any, Final, TypeVar

from sqlalchemy import Boolean, Float, Integer, RowMapping, Table

from alphapanda_desktop.domain.errors import BadData

Row = dict[str, Any]
T = TypeVar("T")

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

FIRST_HASH: Final = hashlib.sha256(b"AlphaPanda journal").hexdigest()
"""What the first row of a journal has for its predecessor's hash."""

_MOMENTS: Final = frozenset({"order_timestamp", "exchange_timestamp", "exchange_update_timestamp", "fill_timestamp"})
_LISTS: Final = frozenset({"tags"})
_DICTS: Final = frozenset({"meta"})
_NOT_KEPT: Final = frozenset({"closes"})
"""Fields that matter only until a request leaves; one that is read back is never sent."""


def to_ns(moment: datetime) -> int:
    """Epoch nanoseconds of an aware time, exact; a naive one raises TypeError."""
    return (moment - EPOCH) // MICROSECOND * 1000


def of_ns(ns: int) -> datetime:
    """Aware UTC of epoch nanoseconds."""
    return EPOCH + timedelta(microseconds=ns // 1000)


def text_of(value: object) -> str:
    """A value as JSON, the same text for the same value; what JSON cannot say is said in words."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Integral):  # numpy's too
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    return _clean(str(value))


def _clean(text: str) -> str:
    # A lone surrogate, which JSON from outside may carry, is no UTF-8 and would be refused by SQLite.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def row_of(thing: Any) -> Row:
    """Columns of an OrderRequest, Order or Fill: one per field, times as `…_ns`, tags and meta as JSON."""
    row: Row = {}
    for name in _names(type(thing)):
        value = getattr(thing, name)
        if name in _MOMENTS:
            row[f"{name}_ns"] = None if value is None else to_ns(value)
        else:
            row[name] = text_of(value) if name in _LISTS or name in _DICTS else value
    return row


def thing_of(kind: type[T], row: RowMapping) -> T:
    """The domain value that `row_of` wrote."""
    values: Row = {}
    for name in _names(kind):
        if name in _MOMENTS:
            ns = row[f"{name}_ns"]
            values[name] = None if ns is None else of_ns(ns)
        elif name in _LISTS:
            values[name] = tuple(json.loads(row[name]))
        else:
            values[name] = json.loads(row[name]) if name in _DICTS else row[name]
    return kind(**values)


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _NOT_KEPT)


def checked(table: Table, row: Mapping[str, Any]) -> Row:
    """The row in the very values SQLite will give back, so that its hash is the same then.

    Raises BadData, naming the column, for what a column cannot hold: no number, no whole number, too large.
    """
    return {name: _checked(table.name, name, kind, row[name]) for name, kind in _kinds(table) if name in row}


@cache
def _kinds(table: Table) -> tuple[tuple[str, type], ...]:
    return tuple((column.name, type(column.type)) for column in table.columns)


def _checked(table: str, name: str, kind: type, value: Any) -> Any:
    if value is None:
        return None
    try:
        if kind is Integer:
            return _whole(value)
        if kind is Float:
            return _finite(value)
        return bool(value) if kind is Boolean else _clean(str(value))
    except (TypeError, ValueError) as error:
        raise BadData(f"{table}.{name} cannot hold {value!r}: {error}") from error


def _whole(value: Any) -> int:
    number = operator.index(value)  # takes numpy's integers, refuses 75.5
    if not -(2**63) <= number < 2**63:
        raise ValueError("more than 64 bits")
    return number


def _finite(value: Any) -> float:
    number = float(value) + 0.0  # SQLite keeps no minus zero
    if not math.isfinite(number):
        raise ValueError("no price")
    return number


def link(prev_hash: str, seq: int, kind: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the former hash and the row's content.

    Columns that are NULL are left out: a later schema may add columns, and old rows keep their hashes.
    """
    content = {name: value for name, value in row.items() if value is not None}
    text = json.dumps([prev_hash, seq, kind, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
