"""What every Kite payload has in common: tolerant models, IST times, the envelope, and BadData for what cannot be read.

Unknown fields are ignored, missing optional ones take their default, ints and floats are one, null text is "".
Source: CONTRACT 1.5 and 7 (kite.trade/docs/connect/v3/response-structure).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.session import IST

SECRETS: Final = frozenset({"access_token", "public_token", "enctoken", "refresh_token", "request_token", "checksum"})
"""Fields whose value no message may show."""

_NEVER: Final = 1990
"""Kite writes "never" as null, "", epoch 0 or year 1: no real time lies before this year."""


def ist_time(value: object) -> datetime | None:
    """Kite's time as aware UTC; a time without zone is IST, and null, "", epoch 0 and year 1 are None.

    Raises ValueError for text that is no time.
    """
    if value is None or value in ("", 0):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value)
    when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if when.year < _NEVER:
        return None
    try:
        return (when if when.tzinfo else when.replace(tzinfo=IST)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{when} is no time") from None


def _epoch(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{seconds} is no time") from None


def ist_text(when: datetime) -> str:
    """An aware time as Kite writes it: "YYYY-MM-DD HH:MM:SS" in IST, without a zone."""
    return when.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def ist_date(value: object) -> date | None:
    """Kite's date; null and "" are None."""
    if value is None or value == "":
        return None
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])


def _text(value: object) -> object:
    return "" if value is None else value


def _number(value: object) -> object:
    return 0 if value is None or value == "" else value


def _list(value: object) -> object:
    return () if value is None else value


def _map(value: object) -> object:
    return value if isinstance(value, Mapping) else {}


Text = Annotated[str, BeforeValidator(_text)]
Int = Annotated[int, BeforeValidator(_number)]
Float = Annotated[float, BeforeValidator(_number)]
When = Annotated[datetime | None, BeforeValidator(ist_time)]
Day = Annotated[date | None, BeforeValidator(ist_date)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_list)]
Meta = Annotated[dict[str, Any], BeforeValidator(_map)]


class Wire(BaseModel):
    """A payload as it came: extra fields ignored, numbers in text and text in numbers accepted."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, allow_inf_nan=False, frozen=True)


W = TypeVar("W", bound=Wire)


def parse(model: type[W], data: object, what: str = "") -> W:
    """The payload as `model`. Raises BadData with the field and its value."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _bad(what or model.__name__, error) from None


def parse_list(model: type[W], data: object, what: str = "") -> list[W]:
    """A list of payloads; null counts as an empty list. Raises BadData."""
    if data is None:
        return []
    if isinstance(data, str | bytes | Mapping) or not isinstance(data, Sequence):
        raise BadData(f"{what or model.__name__}: a list was expected, {type(data).__name__} came")
    return [parse(model, row, f"{what or model.__name__}[{k}]") for k, row in enumerate(data)]


def parse_map(model: type[W], data: object, what: str = "") -> dict[str, W]:
    """A map of payloads by name; null or an empty list counts as an empty map. Raises BadData."""
    if data is None or data == []:
        return {}
    if not isinstance(data, Mapping):
        raise BadData(f"{what or model.__name__}: a map was expected, {type(data).__name__} came")
    return {str(key): parse(model, row, f"{what or model.__name__}[{key}]") for key, row in data.items()}


def _bad(what: str, error: ValidationError) -> BadData:
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(step) for step in first["loc"]) or "the whole"
    if first["type"] == "missing":
        return BadData(f"{what}: {field} is missing")
    secret = not SECRETS.isdisjoint(str(step) for step in first["loc"])
    shown = type(first["input"]).__name__ if secret else _short(first["input"])
    return BadData(f"{what}: {field} is {shown}: {first['msg']}")


def _short(value: object, limit: int = 80) -> str:
    """The value for a message; what holds other values is only named, for it may hold a secret."""
    if isinstance(value, Mapping | list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"


class Envelope(Wire):
    """Success with `data`, or an error with `message` and `error_type`. Source: CONTRACT 1.5."""

    status: Text = ""
    data: Any = None
    message: Text = ""
    error_type: Text = ""

    @property
    def failed(self) -> bool:
        return self.status == "error" or bool(self.error_type)


def envelope_of(body: str | bytes) -> Envelope:
    """The envelope of a JSON body. Raises BadData where the body is none."""
    try:
        return parse(Envelope, json.loads(body), "envelope")
    except (ValueError, RecursionError):
        raise BadData(f"envelope: {len(body)} bytes that are no JSON") from None


class OrderId(Wire):
    """Answer to placing, modifying and cancelling: accepted for processing. Source: CONTRACT 2.4."""

    order_id: str


class TriggerId(Wire):
    """Answer to creating, modifying and deleting a GTT. Source: CONTRACT 2.13."""

    trigger_id: int


class SipId(Wire):
    """Answer to mutual-fund SIP calls. Source: kite.trade/docs/connect/v3/mutual-funds."""

    sip_id: str


class AuthoriseRequest(Wire):
    """Answer to asking for authorisation of holdings. Source: CONTRACT 2.10."""

    request_id: str
