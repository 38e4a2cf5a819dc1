"""What an answer that is no success, or no answer at all, means for the caller.

Judged by HTTP status, then error_type, then message, in that order of trust (CONTRACT 1.7): 429 arrives as a
NetworkException, static-IP refusals under varying types, and a proxy's HTML reaches clients.  The one question that
costs money: may it have happened?  A request that sends an order and got no clear no is Unknown, never a Retry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from alphapanda_desktop.domain.errors import (
    AlphaPandaError,
    BadData,
    NotPermitted,
    Offline,
    RateLimited,
    Rejected,
    SessionEnded,
    Unknown,
)
from alphapanda_desktop.kite.contract import Envelope, envelope_of

CONSOLE: Final = "https://developers.kite.trade/apps"

_IP_REFUSAL: Final = re.compile(r"No IPs configured|\bIP \(?.*\bis not allowed to place|Allowed IPs", re.IGNORECASE)
_REFUSED_ADDRESS: Final = re.compile(r"\bIP \(?([0-9a-f.:]+)\)? is ", re.IGNORECASE)
_PERMISSION_HELP: Final = f" Look at the app's plan and permissions at {CONSOLE}."
_DAY_CAP: Final = re.compile(r"Maximum allowed order", re.IGNORECASE)
_BAD_HEADER: Final = re.compile(r"`api_key` or `access_token`", re.IGNORECASE)


@dataclass(eq=False)
class Unwelcome(Exception):
    """An answer that is no success, as it came: `garbled` where it is not in Kite's own form."""

    status: int
    kind: str
    text: str
    garbled: bool = False


def judge(response: Any, **_: object) -> None:
    """Hook of a requests session: raises Unwelcome unless the answer is Kite's JSON success, or CSV.

    It runs before the official client looks, which forgets the HTTP status of what is no JSON.
    """
    status: int = response.status_code
    content_type = str(response.headers.get("content-type", "")).lower()
    if "json" not in content_type:
        if status == 200 and "csv" in content_type:
            return
        response.close()
        raise Unwelcome(status, "DataException", content_type.split(";")[0] or "no content type", garbled=True)
    try:
        envelope = envelope_of(response.content)
    except BadData:
        raise Unwelcome(status, "DataException", "broken JSON", garbled=True) from None
    if status >= 400 or envelope.failed:
        raise Unwelcome(status, envelope.error_type or "GeneralException", envelope.message or "no reason given")
    if status >= 300:
        raise Unwelcome(status, "DataException", "a redirect", garbled=True)
    response.envelope = envelope


def envelope_in(response: Any) -> Envelope:
    """The envelope that `judge` found good."""
    envelope = getattr(response, "envelope", None)
    if not isinstance(envelope, Envelope):
        raise Unwelcome(response.status_code, "DataException", "CSV where JSON was expected", garbled=True)
    return envelope


def failure(error: Unwelcome | OSError, what: str, sends: bool) -> AlphaPandaError:
    """The error of our tree that `what` ended in; `sends` where it may have changed something at Kite."""
    if isinstance(error, Unwelcome):
        return _of_answer(error, what, sends)
    if _never_left(error):
        return Offline(f"{what}: Kite cannot be reached ({_reason(error)})", after_s=2.0)
    return _no_answer(what, _reason(error), sends)


def _of_answer(answer: Unwelcome, what: str, sends: bool) -> AlphaPandaError:
    if answer.status == 429 and not _DAY_CAP.search(answer.text):
        return RateLimited(f"{what}: Kite answered 429, too many requests; nothing was accepted", after_s=1.0)
    if answer.garbled or answer.status >= 500:
        return _no_answer(what, f"HTTP {answer.status}, {answer.text}", sends)
    if _session_is_over(answer):
        return SessionEnded(f"the Kite session has ended: {answer.text}")
    if _IP_REFUSAL.search(answer.text):
        return NotPermitted(f"{what}: {_static_ip(answer.text)}", answer.kind, answer.status)
    if answer.kind in ("PermissionException", "PermissionError"):
        return NotPermitted(f"{answer.text}{_PERMISSION_HELP}", answer.kind, answer.status)
    return Rejected(answer.text, answer.kind, answer.status)


def _static_ip(text: str) -> str:
    """A static-IP refusal in plain words: what happened, from which address, what to do.  Source: CONTRACT 2.5, 3.4."""
    found = _REFUSED_ADDRESS.search(text)
    address = _address(found.group(1)) if found else None
    if address is None:
        came = "Zerodha knows no static IP address of this app, and takes orders from a registered one only"
        remedy = f"Register this machine's public address at {CONSOLE}."
    else:
        came = f"Zerodha takes orders from this app's registered addresses only, and this one came from {address}"
        other = "IPv4" if address.version == 6 else "IPv6"
        remedy = (
            f"Register {address} at {CONSOLE}, where it may be changed once in a calendar week. If another address of"
            f" this machine is there already, it left by IPv{address.version} this time and not by {other}, or through"
            " a VPN or another line: register this one as the secondary address, or send this connection the old way."
        )
    return f"{came}. The order was not accepted. {remedy} Reading data works from any address. (Kite: {text})"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _session_is_over(answer: Unwelcome) -> bool:
    if answer.kind == "TokenException":
        return True
    return answer.kind == "InputException" and _BAD_HEADER.search(answer.text) is not None


def _no_answer(what: str, why: str, sends: bool) -> AlphaPandaError:
    if sends:
        return Unknown(f"{what}: no clear answer ({why}); it may have happened, so look before sending again")
    return Offline(f"{what}: Kite did not answer ({why})", after_s=2.0)


_NOTHING_SENT: Final = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout", "gaierror",
     "ConnectionRefusedError", "SSLCertVerificationError", "InvalidURL", "MissingSchema"}
)  # fmt: skip
"""Names of what is raised before a request has left: by the socket, by urllib3 and by requests."""


def _never_left(error: BaseException) -> bool:
    return any(type(cause).__name__ in _NOTHING_SENT for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    """The innermost cause by its type alone: a transport's own words may hold an address with a token in it."""
    names = [type(cause).__name__ for cause in _causes(error)]
    return _WORDS.get(names[-1], names[-1])


_WORDS: Final = {
    "gaierror": "the name of its host does not resolve: is this machine online?",
    "ConnectionRefusedError": "connection refused",
    "TimeoutError": "no reply in time",
    "RemoteDisconnected": "the link was dropped",
    "ConnectionResetError": "the link was dropped",
    "SSLCertVerificationError": "its TLS certificate is not trusted: is a proxy or virus scanner in between?",
}
