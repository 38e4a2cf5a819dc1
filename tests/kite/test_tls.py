"""A server that cannot prove to be Kite gets no token and no order, over REST and over the socket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import requests.adapters

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Offline, Unknown
from alphapanda_desktop.domain.ports import LinkState
from alphapanda_desktop.domain.session import Token
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.venues.venue import ZERODHA
from tests.kite.test_ticker import SECRET, a_ticker, running

TOKEN = Token("key123", SECRET, "AB1234", datetime(2026, 11, 20, 3, tzinfo=UTC))
WRONG = ["of nobody's trust", "of another host", "of last year"]
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
BODY = b'{"status": "success", "data": {"order_id": "1"}}'


def a_certificate(file: Path, name: str, ends: datetime) -> Path:
    """Key and certificate for `name`, signed by itself, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(ends - timedelta(days=365)).not_valid_after(ends)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem, form, bare = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, form, bare) + certificate)
    return file


def names_the_token(heard: bytes) -> bool:
    """As it is in a header, or as the feed's address has it."""
    return any(form.encode() in heard for form in (SECRET, quote(SECRET, safe=""), quote(SECRET)))


@dataclass
class Impostor:
    """A server on this machine, and all that it was told in the clear or after a handshake."""

    port: int = 0
    answer: bytes = GOOD % (len(BODY), BODY)
    heard: bytearray = field(default_factory=bytearray)
    visits: int = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            while data := await reader.read(4096):
                self.heard += data
                if b"\r\n\r\n" in self.heard or data.startswith(b"\x16\x03"):  # a handshake, which plain text answers
                    writer.write(self.answer)
                    break
            await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(certificate: Path | None, **more: Any) -> AsyncIterator[Impostor]:
    impostor = Impostor(**more)
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(impostor.hear, "127.0.0.1", 0, ssl=tls)
    impostor.port = server.sockets[0].getsockname()[1]
    async with server:
        yield impostor


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate with which one thing is wrong; where that is not its signer, its signer is trusted."""
    name = "kite.example" if request.param == WRONG[1] else "localhost"
    ends = datetime.now(UTC) + timedelta(days=-300 if request.param == WRONG[2] else 1)
    file = a_certificate(tmp_path / "server.pem", name, ends)
    if request.param != WRONG[0]:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(file))
        monkeypatch.setenv("SSL_CERT_FILE", str(file))  # what ssl's own contexts read
    return file


async def placed(root: str) -> object:
    client = KiteClient("key123", root=root, clock=SystemClock(), timeout_s=60)
    client.use(TOKEN)
    try:
        params = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1,
                  "product": "MIS", "order_type": "MARKET", "market_protection": -1, "tag": "ap1"}  # fmt: skip
        return await client.place("regular", params)
    finally:
        await client.close()


def test_no_order_goes_to_a_server_with_a_certificate(arun: Any, wrong: Path) -> None:
    async def story() -> None:
        async with listening(wrong) as impostor:
            with pytest.raises(Offline, match="cannot be reached"):
                await placed(f"https://localhost:{impostor.port}")
            assert impostor.heard == b""

    arun(story())


def test_no_token_goes_to_a_feed_with_a_certificate(
    arun: Any, eventually: Any, wrong: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # aiohttp makes its context once, at import; the trusted file is to be in this one.
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context())

    async def story() -> None:
        async with listening(wrong) as impostor:
            ticker = await a_ticker(impostor, root=f"wss://localhost:{impostor.port}")
            async with running(ticker) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
                assert "certificate of localhost is not trusted" in ear.links[1].detail
            assert impostor.heard == b""

    arun(story())


def test_a_certificate_with_which_nothing_is_wrong_is_taken(
    arun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = a_certificate(tmp_path / "server.pem", "localhost", datetime.now(UTC) + timedelta(days=1))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(file))

    async def story() -> None:
        async with listening(file) as kite:
            assert await placed(f"https://localhost:{kite.port}") == "1"
            assert SECRET.encode() in kite.heard  # so the impostors above would have heard it

    arun(story())


def test_a_server_that_speaks_plain_text_hears_no_token(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with listening(None) as impostor:
            with pytest.raises((Offline, Unknown)):
                await placed(f"https://localhost:{impostor.port}")
            ticker = await a_ticker(impostor, root=f"wss://localhost:{impostor.port}")
            async with running(ticker) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
            assert impostor.visits >= 2 and not names_the_token(impostor.heard)

    arun(story())


@pytest.mark.parametrize("kind", [b"application/json", b"text/html", b"text/csv"])
def test_a_redirect_is_followed_nowhere(arun: Any, eventually: Any, kind: bytes) -> None:
    async def story() -> None:
        async with listening(None) as elsewhere:
            away = b"HTTP/1.1 307 Go\r\nLocation: http://localhost:%d/x\r\nContent-Type: %s\r\n" % (
                elsewhere.port,
                kind,
            )
            answer = away + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
            async with listening(None, answer=answer) as kite:
                with pytest.raises(Exception, match=r"redirect|307|unreadable|understood|content"):
                    await placed(f"http://localhost:{kite.port}")
                ticker = await a_ticker(kite, root=f"ws://localhost:{kite.port}")
                async with running(ticker) as ear:
                    await eventually(lambda: LinkState.WAITING in ear.states())
                    assert "not followed" in ear.links[1].detail
            assert elsewhere.visits == 0

    arun(story())


def test_an_answer_that_is_no_http_brings_the_feeds_address_into_no_words(
    arun: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The client's own error quotes the address, and the token in it."""
    caplog.set_level("DEBUG")

    async def story() -> None:
        async with listening(None, answer=b"HTTP/1.1 banana\r\n\r\n") as kite:
            ticker = await a_ticker(kite, root=f"ws://localhost:{kite.port}")
            async with running(ticker) as ear:
                await eventually(lambda: LinkState.WAITING in ear.states())
                assert names_the_token(kite.heard)
                assert not names_the_token(f"{ear.links} {caplog.text}".encode())

    arun(story())


def test_zerodhas_own_addresses_are_all_over_tls() -> None:
    assert ZERODHA.rest.startswith("https://") and ZERODHA.login.startswith("https://")
    assert ZERODHA.feed.startswith("wss://")
