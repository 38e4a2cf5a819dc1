"""Alerts by Telegram and e-mail, against servers on this machine that speak the real protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from aiohttp import web

from alphapanda_desktop.couriers import WAITING_MOST, Dispatch, Mail, Outcome, Telegram
from alphapanda_desktop.domain.errors import Rejected, Retry

Arun = Callable[..., Any]
Eventually = Callable[..., Any]
TOKEN = "123456:secret-of-the-bot"
AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@dataclass
class Bots:
    """Telegram's sendMessage; `answers` are given first, then 200."""

    root: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)

    async def send(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        if self.answers:
            status, body = self.answers.pop(0)
            return web.json_response(body, status=status)
        self.heard.append(await request.json())
        return web.json_response({"ok": True, "result": {"message_id": len(self.heard)}})


@asynccontextmanager
async def bots() -> AsyncIterator[Bots]:
    made = Bots()
    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", made.send)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@dataclass
class Post:
    """An SMTP server for one recipient; `says` replaces its answer to a command."""

    port: int = 0
    letters: list[bytes] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post ready\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                verb = line.split()[0].upper()
                answer = self.says.get(verb) or {"EHLO": "250-post\r\n250 AUTH PLAIN", "DATA": "354 go on",
                                                 "QUIT": "221 bye", "AUTH": "235 yes"}.get(verb, "250 ok")  # fmt: skip
                writer.write(f"{answer}\r\n".encode())
                if verb == "DATA" and answer.startswith("354"):
                    self.letters.append(await reader.readuntil(b"\r\n.\r\n"))
                    writer.write(b"250 taken\r\n")
                await writer.drain()
                if verb == "QUIT":
                    break
        finally:
            writer.close()


@asynccontextmanager
async def a_post() -> AsyncIterator[Post]:
    post = Post()
    server = await asyncio.start_server(post.serve, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    yield post
    server.close()
    await server.wait_closed()


def a_mail(post: Post, **more: Any) -> Mail:
    words: dict[str, Any] = {"host": "127.0.0.1", "port": post.port, "security": "none", "user": "asha",
                             "password": "", "sender": "desk@example.in", "to": "asha@example.in"}  # fmt: skip
    return Mail(**{**words, **more})


def test_telegram_gets_the_words_and_the_chat(arun: Arun) -> None:
    async def story() -> None:
        async with bots() as server:
            await Telegram(TOKEN, "42", server.root).deliver("◇ PRACTICE alert", "NSE:INFY is at 1,510.00")
            assert server.heard == [{"chat_id": "42", "text": "◇ PRACTICE alert\nNSE:INFY is at 1,510.00"}]

    arun(story())


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, {"ok": False, "description": "Bad Request: chat not found"}, Rejected, "Is the chat id right"),
        (403, {"ok": False, "description": "Forbidden: bot was blocked"}, Rejected, "Write to the bot first"),
        (429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 7}}, Retry, "Too Many"),
        (502, {}, Retry, "HTTP 502"),
        (200, {"ok": False}, Retry, "HTTP 200"),
    ],
)
def test_what_telegram_refuses_is_told_apart_from_what_may_be_tried_again(
    arun: Arun, status: int, body: Any, kind: type[Exception], said: str
) -> None:
    async def story() -> None:
        async with bots() as server:
            server.answers.append((status, body))
            with pytest.raises(kind, match=said) as caught:
                await Telegram(TOKEN, "42", server.root).deliver("a", "b")
            assert getattr(caught.value, "after_s", 7.0) in (1.0, 7.0)

    arun(story())


def test_no_error_tells_the_bot_s_token(arun: Arun) -> None:
    async def story() -> None:
        async with bots() as server:
            with pytest.raises(Rejected, match="token is wrong") as wrong:
                await Telegram("999:not-the-token", "42", server.root).deliver("a", "b")
        with pytest.raises(Retry) as gone:
            await Telegram(TOKEN, "42", server.root).deliver("a", "b")
        assert "not-the-token" not in str(wrong.value)
        assert "secret-of-the-bot" not in f"{gone.value} {gone.value.__cause__}"
        assert gone.value.__cause__ is None and gone.value.__suppress_context__  # a traceback tells no more

    arun(story())


def test_a_letter_arrives_with_its_words_and_no_second_header(arun: Arun) -> None:
    async def story() -> None:
        async with a_post() as post:
            await a_mail(post).deliver("◇ PRACTICE alert\nBcc: thief@example.in", "NSE:INFY is at ₹ 1,510.00")
            letter = message_from_bytes(post.letters[0])
            assert str(make_header(decode_header(letter["Subject"]))) == "◇ PRACTICE alert Bcc: thief@example.in"
            assert (letter["To"], letter["Bcc"]) == ("asha@example.in", None)
            body = letter.get_payload(decode=True)
            assert isinstance(body, bytes)
            assert "₹ 1,510.00" in body.decode()

    arun(story())


def test_a_password_that_smtp_cannot_say_is_refused_in_words_that_do_not_tell_it(arun: Arun) -> None:
    async def story() -> None:
        async with a_post() as post:
            for more in ({"password": "पासवर्ड-of-asha"}, {"user": "आशा", "password": "of-asha"}):
                with pytest.raises(Rejected, match="plain English letters") as refused:
                    await a_mail(post, **more).deliver("a", "b")
                assert "of-asha" not in f"{refused.value!r}" and refused.value.__suppress_context__
            assert post.letters == []

    arun(story())


@pytest.mark.parametrize(
    ("says", "kind", "said"),
    [
        ({"RCPT": "550 no such person"}, Rejected, "refuses the recipient"),
        ({"RCPT": "451 later"}, Retry, "refuses the recipient"),
        ({"MAIL": "421 busy"}, Retry, "421 busy"),
        ({"DATA": "554 spam"}, Rejected, "554 spam"),
        ({"AUTH": "535 wrong"}, Rejected, "refuses user and password"),
    ],
)
def test_what_a_mail_server_refuses_for_good_is_not_tried_again(
    arun: Arun, says: dict[str, str], kind: type[Exception], said: str
) -> None:
    async def story() -> None:
        async with a_post() as post:
            post.says = says
            with pytest.raises(kind, match=said) as caught:
                await a_mail(post, password="open sesame" if "AUTH" in says else "").deliver("a", "b")
            assert "sesame" not in str(caught.value)

    arun(story())


def test_a_password_leaves_only_over_tls_and_a_server_without_it_is_refused(arun: Arun) -> None:
    async def story() -> None:
        async with a_post() as post:
            with pytest.raises(Rejected, match="in the clear"):
                await a_mail(post, host="mail.example.in", password="open sesame").deliver("a", "b")
            with pytest.raises(Rejected, match="STARTTLS"):
                await a_mail(post, security="starttls", password="open sesame").deliver("a", "b")
            assert not any("AUTH" in line for line in post.heard)
            assert "sesame" not in repr(a_mail(post, password="open sesame"))

    arun(story())


@asynccontextmanager
async def dispatching(*couriers: Any) -> AsyncIterator[tuple[Dispatch, list[Outcome]]]:
    dispatch, ended = Dispatch(couriers, lambda: AT, waits_s=(0.0, 0.0)), []
    dispatch.ended.connect(ended.append)
    running = asyncio.get_running_loop().create_task(dispatch.run())
    yield dispatch, ended
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_message_is_tried_again_and_given_up_in_words(arun: Arun, eventually: Eventually) -> None:
    async def story() -> None:
        async with bots() as server, dispatching(Telegram(TOKEN, "42", server.root)) as (dispatch, ended):
            server.answers = [(502, {}), (502, {})]
            dispatch.send("a", "comes at the third try")
            await eventually(lambda: ended)
            assert (ended[0].ok, str(ended[0])) == (True, "✓ 12:00:00 Telegram: sent")
            server.answers = [(502, {})] * 3
            dispatch.send("a", "never comes")
            dispatch.send("a", "comes after it")
            await eventually(lambda: len(ended) == 3)
            assert [outcome.ok for outcome in ended] == [True, False, True]
            assert "given up after 3 tries" in ended[1].words
            assert [m["text"] for m in server.heard] == ["a\ncomes at the third try", "a\ncomes after it"]

    arun(story())


def test_a_courier_that_hangs_holds_up_no_other_and_its_queue_is_bounded(arun: Arun, eventually: Eventually) -> None:
    class Hangs:
        name = "Pigeon"

        async def deliver(self, subject: str, text: str) -> None:
            await asyncio.Event().wait()

    async def story() -> None:
        async with bots() as server, dispatching(Hangs(), Telegram(TOKEN, "42", server.root)) as (dispatch, ended):
            dispatch.send("a", "first")
            await eventually(lambda: server.heard)
            for number in range(WAITING_MOST + 1):
                dispatch.send("a", str(number))
            assert any(not o.ok and "the oldest was given up" in o.words for o in ended)

    arun(story())
