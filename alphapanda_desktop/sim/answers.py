"""The envelope every REST answer of Kite comes in, and the errors that travel in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from aiohttp import web

IST: Final = timezone(timedelta(hours=5, minutes=30), "IST")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DataHandler = Callable[[web.Request], Awaitable[object]]


class KiteError(Exception):
    """A refusal as Kite words it: HTTP status, `error_type` and text."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


def bad_input(message: str) -> KiteError:
    """400 InputException."""
    return KiteError(400, "InputException", message)


def missing(field: str) -> KiteError:
    """400 for a field that the call needs."""
    return bad_input(f"Missing or empty field `{field}`")


def not_found(message: str = "The requested resource was not found.") -> KiteError:
    """404 as Kite types it."""
    return KiteError(404, "GeneralException", message)


def success(data: object) -> web.Response:
    """200 with `data`; whole floats print as integers, as on Kite's wire."""
    return _json(200, {"status": "success", "data": plain(data)})


def failure(error: KiteError) -> web.Response:
    """The error envelope with its HTTP status."""
    body = {"status": "error", "message": error.message, "data": None, "error_type": error.error_type}
    return _json(error.status, body)


def _json(status: int, body: Mapping[str, object]) -> web.Response:
    """Without a charset: Zerodha's JavaScript client takes nothing but the bare type."""
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def answering(handler: DataHandler) -> Handler:
    """A route that answers whatever `handler` returns, in the envelope unless it is a response already."""

    async def route(request: web.Request) -> web.StreamResponse:
        data = await handler(request)
        return data if isinstance(data, web.StreamResponse) else success(data)

    return route


def plain(value: object) -> object:
    """The value with whole floats as integers, all the way down."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def stamp(epoch_s: float) -> str:
    """Kite's timestamp: "YYYY-MM-DD HH:MM:SS" in IST, without a zone."""
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(IST).strftime("%Y-%m-%d %H:%M:%S")


def ist(epoch_s: float) -> datetime:
    """Aware IST time of an epoch second."""
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(IST)


async def form_of(request: web.Request) -> dict[str, str]:
    """Form fields of a POST or PUT as text; the first value of a repeated one."""
    fields = await request.post()
    return {name: value for name, value in reversed(list(fields.items())) if isinstance(value, str)}
