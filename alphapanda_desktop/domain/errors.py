"""The whole error tree, classed by what the caller may do about it.

Retry: ask again later. Refused: our own rule said no. Rejected: the broker or exchange said no.
Unknown: no answer, so it may have happened: look it up, never send it again. Fatal: stop and tell a person.
"""

from __future__ import annotations

from typing import Final

NOT_BEGUN: Final = "not begun: nothing was sent"
"""What a cancellation says that came before the call it ended had begun; no class, for timeouts know but one."""


def never_begun(error: BaseException) -> bool:
    """Whether the call that was cancelled certainly sent nothing."""
    return error.args == (NOT_BEGUN,)


class AlphaPandaError(Exception):
    """Root of every error that this program raises on purpose."""


class Retry(AlphaPandaError):
    """Nothing happened; the same request may be sent again after `after_s` seconds."""

    def __init__(self, message: str, after_s: float = 1.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class RateLimited(Retry):
    """Kite answered 429: the request was not accepted."""


class Offline(Retry):
    """The request could not leave this machine or Kite is down; a read may be repeated."""


class Refused(AlphaPandaError):
    """Our own rule refused; the message names the rule, the value and the limit."""

    def __init__(self, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


class Rejected(AlphaPandaError):
    """Kite or the exchange said no; sending the same again brings the same answer.

    `kind` is Kite's `error_type`, `code` the HTTP status (0 for a rejection that came through the book).
    """

    def __init__(self, message: str, kind: str = "GeneralException", code: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


class NotPermitted(Rejected):
    """This app, user or IP address may not make that call; the remedy is in the developer console."""


class Unknown(AlphaPandaError):
    """No answer came to a request that may have been carried out."""


class SessionEnded(AlphaPandaError):
    """The Kite session is gone (403 TokenException or 06:00 IST): one login is needed, no retry helps."""


class LoginFailed(AlphaPandaError):
    """Kite did not complete the login; the message says what to do next."""


class BadData(AlphaPandaError):
    """Something outside sent what its contract does not allow; the message names the field and value."""


class Fatal(AlphaPandaError):
    """The program cannot go on safely; the message says why and what a person can do."""


class StrategyError(AlphaPandaError):
    """A strategy could not be loaded, started or fed; the message names the file, line and remedy."""


class WrongName(StrategyError, AttributeError):
    """A strategy asked for a field by a name that ticks do not carry; the message has the right name."""
