"""Alerts out of the house: a Telegram bot and e-mail, each tried a few times behind a bounded queue.

A message that got no answer is sent again: an alert that comes twice is better than one that does not come.
No secret is ever in a message of an error: Telegram's token is part of its addresses.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final, Literal, Protocol

from psygnal import Signal

from alphapanda_desktop.domain.errors import Rejected, Retry
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.store.threads import in_daemon_thread

TELEGRAM: Final = "https://api.telegram.org"
LIMIT_S: Final = 15.0
"""How long one try may take."""

WAITS_S: Final = (2.0, 8.0, 30.0)
"""Between the tries of one message: four of them in all."""

WAITING_MOST: Final = 50
LONGEST: Final = 4096
"""Letters of a message; Telegram refuses a longer one.  Source: core.telegram.org/bots/api#sendmessage."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
HINTS: Final = {
    400: " Is the chat id right?",
    401: " The bot's token is wrong.",
    403: " Write to the bot first, or unblock it.",
    404: " The bot's token is wrong.",
}
"""What to do about Telegram's refusals, by status."""

PERMANENT: Final = 500
"""SMTP's answers from here on are a no for good; below it one may ask again."""

Security = Literal["starttls", "tls", "none"]


class Courier(Protocol):
    """One way out."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    async def deliver(self, subject: str, text: str) -> None:
        """Raises Retry where it may be tried again, Rejected where that brings the same answer."""
        ...


class Telegram:
    """A bot's messages to one chat.  Source: core.telegram.org/bots/api#sendmessage, Bot API 9, read November 2026."""

    name = "Telegram"

    def __init__(self, token: str, chat: str, root: str = TELEGRAM) -> None:
        self._token = token
        self._chat = chat
        self._root = root

    async def deliver(self, subject: str, text: str) -> None:
        import aiohttp

        body = {"chat_id": self._chat, "text": f"{subject}\n{text}"[:LONGEST]}
        limit = aiohttp.ClientTimeout(total=LIMIT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(f"{self._root}/bot{self._token}/sendMessage", json=body) as answer,
            ):
                status, said = answer.status, _plain(await answer.text())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The error's own words may carry the address, and with it the token.
            raise Retry(f"Telegram cannot be reached ({type(error).__name__})") from None
        self._judge(status, said)

    def _judge(self, status: int, said: Mapping[str, Any]) -> None:
        if status == 200 and said.get("ok") is True:
            return
        words = str(said.get("description") or f"HTTP {status}")
        if status == 429:
            waits = said.get("parameters")
            after = waits.get("retry_after") if isinstance(waits, dict) else None
            raise Retry(f"Telegram: {words}", float(after) if isinstance(after, int | float) else 5.0)
        if status >= 500 or status == 200:
            raise Retry(f"Telegram: {words}")
        raise Rejected(f"Telegram: {words}.{HINTS.get(status, '')}", code=status)


def _plain(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """E-mail over one SMTP server, on a thread of its own for each message."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    sender: str
    to: str
    name: str = "E-mail"

    async def deliver(self, subject: str, text: str) -> None:
        if self.password and self.security == "none" and self.host not in LOOPBACK:
            raise Rejected(f"E-mail: {self.host} would be sent the password in the clear. Choose starttls or tls.")
        message = self._message(subject, text)
        try:
            await asyncio.wrap_future(in_daemon_thread("e-mail", lambda: self._send(message)))
        except smtplib.SMTPAuthenticationError as error:
            raise Rejected(f"E-mail: {self.host} refuses user and password ({error.smtp_code})") from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(next(iter(error.recipients.values()))[0], f"{self.host} refuses the recipient") from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, f"{self.host} says {error.smtp_code} {_text(error.smtp_error)}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise Rejected(f"E-mail: {self.host} cannot do what is asked: {error}") from None
        except UnicodeError:  # its own words quote the password
            why = "user and password must be in plain English letters, digits and signs"
            raise Rejected(f"E-mail: {self.host} cannot be told them: {why}.") from None
        except ssl.SSLCertVerificationError as error:
            raise Rejected(f"E-mail: {self.host} cannot prove who it is: {error.verify_message}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Retry(f"E-mail: {self.host}:{self.port} cannot be reached ({error})") from None

    def _message(self, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        try:
            message["Subject"] = " ".join(subject.split())
            message["From"] = self.sender or self.user
            message["To"] = self.to
        except ValueError as error:
            raise Rejected(f"E-mail: an address is not one: {error}") from None
        message["Date"] = formatdate()
        message.set_content(text)
        return message

    def _send(self, message: EmailMessage) -> None:
        """Runs on a thread."""
        context = ssl.create_default_context()
        with self._connection(context) as smtp:
            if self.security == "starttls":
                smtp.starttls(context=context)
            if self.password:
                smtp.login(self.user, self.password)
            smtp.send_message(message)

    def _connection(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=LIMIT_S, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=LIMIT_S)


def _refused(code: int, words: str) -> Retry | Rejected:
    return Rejected(f"E-mail: {words}", code=code) if code >= PERMANENT else Retry(f"E-mail: {words}")


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message by one courier."""

    courier: str
    at: datetime
    ok: bool
    words: str

    def __str__(self) -> str:
        when = self.at.astimezone(IST)
        return f"{'✓' if self.ok else '✕'} {when:%H:%M:%S} {self.words}"


class Dispatch:
    """Sends each message by every courier, one message after another, without anybody waiting for it.

    Signals: `ended(Outcome)` for each message and courier. `pause` is how a wait is made.
    """

    ended = Signal(object)

    def __init__(
        self, couriers: Sequence[Courier], now: Callable[[], datetime], waits_s: Sequence[float] = WAITS_S
    ) -> None:
        self.couriers = tuple(couriers)
        self._now = now
        self._waits_s = tuple(waits_s)
        self._queues: dict[str, deque[tuple[str, str]]] = {courier.name: deque() for courier in self.couriers}
        self._more = asyncio.Event()

    def send(self, subject: str, text: str) -> None:
        """Have it sent; where too many wait already the oldest is given up, which is told."""
        for courier in self.couriers:
            queue = self._queues[courier.name]
            if len(queue) >= WAITING_MOST:
                del queue[min(1, len(queue) - 1)]  # the first is on its way
                self._end(courier, False, f"{courier.name}: {WAITING_MOST} messages wait, the oldest was given up")
            queue.append((subject, text))
        self._more.set()

    def waiting(self) -> list[str]:
        """Texts that at least one courier has not carried to its end, oldest first."""
        return list(dict.fromkeys(text for queue in self._queues.values() for _, text in queue))

    async def run(self) -> None:
        """Send what is to be sent until cancelled; a slow courier holds up no other."""
        async with asyncio.TaskGroup() as group:
            for courier in self.couriers:
                group.create_task(self._carry_on(courier), name=f"alerts by {courier.name}")

    async def _carry_on(self, courier: Courier) -> None:
        queue = self._queues[courier.name]
        while True:
            while queue:
                await self.carry(courier, *queue[0])
                queue.popleft()
            self._more.clear()
            await self._more.wait()

    async def carry(self, courier: Courier, subject: str, text: str) -> bool:
        """Send one message now, with its tries; whether it got there. What became of it is told."""
        for tries, wait_s in enumerate((*self._waits_s, None), 1):
            try:
                await courier.deliver(subject, text)
            except Rejected as error:
                self._end(courier, False, str(error))
                return False
            except Retry as error:
                if wait_s is None:
                    self._end(courier, False, f"{error}; given up after {tries} {'try' if tries == 1 else 'tries'}")
                    return False
                await asyncio.sleep(max(wait_s, min(error.after_s, 60.0) if error.after_s > 1 else 0.0))
            else:
                self._end(courier, True, f"{courier.name}: sent")
                return True
        return False

    def _end(self, courier: Courier, ok: bool, words: str) -> None:
        self.ended.emit(Outcome(courier.name, self._now(), ok, words))
