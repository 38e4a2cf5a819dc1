"""A newer version is offered and fetched only as its owner signed it; whatever else a server does is refused in words.

The server is aiohttp's own on a real port of this computer, in a thread with a loop of its own, as the client has one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alphapanda_desktop import __version__, updates
from alphapanda_desktop.announcement import Source, as_json, checked_address, name_of_key, shipped_keys, source_of
from alphapanda_desktop.commands import update as command
from alphapanda_desktop.domain.errors import AlphaPandaError, BadData, Fatal, Offline, Refused
from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.domain.release import Offer, Release, ReleaseFile, rank
from alphapanda_desktop.updates import Updates, how_to_install

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci" / "package"))
sign = importlib.import_module("sign")

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
AT = ("linux-x86_64", ".tar.zst")
NAME = "alphapanda-9.9.9-linux-x86_64.tar.zst"
BODY = bytes(range(256)) * 2_000
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def public(key: Ed25519PrivateKey) -> dict[str, bytes]:
    return {name_of_key(sign.public_of(key)): sign.public_of(key)}


def a_release(**more: Any) -> Release:
    file = ReleaseFile(AT[0], NAME, len(BODY), hashlib.sha256(BODY).hexdigest())
    release = Release("9.9.9", NOW - timedelta(hours=1), NOW + timedelta(days=90), "0001", "Faster.", (file,))
    return replace(release, **more)


@dataclass
class Host:
    """A web server of files and of whatever else a test wants it to say, by path."""

    root: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    special: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.special:
            return await self.special[request.path](request)
        if request.path not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[request.path])

    def announce(self, release: Release, *keys: Ed25519PrivateKey, folder: str = "/r") -> None:
        """Put announcement and signatures where they are looked for, and the file beside them."""
        manifest = as_json(release)
        lines = [f"{name_of_key(sign.public_of(key))} {base64.b64encode(key.sign(manifest)).decode()}" for key in keys]
        self.files[f"{folder}/release.json"] = manifest
        self.files[f"{folder}/release.json.sig"] = "\n".join(lines).encode()
        self.files[f"{folder}/{NAME}"] = BODY


@pytest.fixture(scope="module")
def server() -> Iterator[Host]:
    host, ready, ends = Host(), threading.Event(), list[Callable[[], object]]()

    async def serve() -> None:
        done = asyncio.Event()
        runner = web.AppRunner(_app(host), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        loop = asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(done.set))
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield host
    ends[0]()
    thread.join(60)


def _app(host: Host) -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", host.answer)
    return app


@pytest.fixture
def host(server: Host) -> Host:
    """The server with a good release, and nothing else."""
    server.files.clear()
    server.special.clear()
    server.asked.clear()
    server.announce(a_release(), KEY)
    return server


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile with one journal, and a second profile beside it."""
    for name in ("default", "second"):
        folder = tmp_path / "profiles" / name
        folder.mkdir(parents=True)
        a_journal(folder / "paper.sqlite")
    return tmp_path / "profiles" / "default"


def a_journal(path: Path, schema: str = "0004") -> None:
    with closing(sqlite3.connect(path)) as line:
        line.execute("CREATE TABLE alembic_version (version_num TEXT)")
        line.execute("INSERT INTO alembic_version VALUES (?)", (schema,))
        line.commit()


def asking(host: Host, profile: Path, running: str = "1.0.0", **more: Any) -> Updates:
    source = Source(f"{host.root}/r/release.json", more.pop("keys", public(KEY)))
    return Updates(source, profile, running, more.pop("now", lambda: NOW), AT, **more)


def left_in(profile: Path) -> list[str]:
    return [path.name for path in (profile / "updates").rglob("*") if path.is_file() and path.name != "seen.json"]


# --- what is well --------------------------------------------------------------------------------------------------


def test_a_newer_version_is_offered_fetched_proved_and_shown_after_the_backups(host: Host, profile: Path) -> None:
    asked = asking(host, profile)
    offer = asked.look()
    assert offer is not None and offer.file is not None
    assert (offer.release.version, offer.release.notes, offer.file.name) == ("9.9.9", "Faster.", NAME)
    progress = Progress("Download")
    fetched = asked.fetch(offer, progress)
    assert fetched.path == profile / "updates" / "9.9.9" / NAME and fetched.path.read_bytes() == BODY
    both = [profile, profile.parent / "second"]
    assert list(fetched.backups) == [folder / "backups" / "paper-2026-11-23.sqlite" for folder in both]
    assert all(copy.is_file() for copy in fetched.backups) and "unpack" in fetched.how
    assert left_in(profile) == [NAME] and not os.access(fetched.path, os.X_OK)
    host.asked.clear()
    assert asked.fetch(offer, progress).path == fetched.path and host.asked == []  # it lies there, whole


def test_the_file_of_a_version_that_runs_by_now_is_taken_away(host: Host, profile: Path) -> None:
    offer = asking(host, profile).look()
    assert offer is not None
    fetched = asking(host, profile).fetch(offer, Progress("Download"))
    (profile / "updates" / "mine").mkdir()
    assert asking(host, profile, running="9.9.8").look() is not None and fetched.path.is_file()
    assert asking(host, profile, running="9.9.9").look() is None
    assert {path.name for path in (profile / "updates").iterdir()} == {"seen.json", "mine"}


def test_the_version_that_runs_is_nothing_newer(host: Host, profile: Path) -> None:
    assert asking(host, profile, running="9.9.9").look() is None
    assert asking(host, profile, running="9.9.9.0").look() is None
    assert (rank("1.10") > rank("1.9")) and rank("1.0") == rank("1.0.0")


def test_while_keys_change_one_good_signature_of_two_is_enough(host: Host, profile: Path) -> None:
    host.announce(a_release(), OTHER, KEY)
    assert asking(host, profile).look() is not None
    assert asking(host, profile, keys=public(OTHER)).look() is not None


def test_a_redirect_within_the_host_is_followed(host: Host, profile: Path) -> None:
    async def moved(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/mirror/file")

    host.special[f"/r/{NAME}"], host.files["/mirror/file"] = moved, BODY
    asked = asking(host, profile)
    offer = asked.look()
    assert offer is not None and asked.fetch(offer, Progress("Download")).path.read_bytes() == BODY


# --- announcements that are refused ----------------------------------------------------------------------------------


def test_what_no_known_key_signed_is_refused_and_not_even_read(host: Host, profile: Path) -> None:
    host.announce(a_release(), OTHER)
    with pytest.raises(Refused, match="not signed by a key"):
        asking(host, profile).look()
    host.announce(a_release(), KEY)
    host.files["/r/release.json"] = host.files["/r/release.json"].replace(b"9.9.9", b"9.9.8")
    with pytest.raises(Refused, match="not signed by a key"):
        asking(host, profile).look()
    mine = name_of_key(sign.public_of(KEY))
    for wrong in (b"", b"\xff\xfe", f"{mine} AAAA".encode(), f"{mine} not base64!".encode(), mine.encode()):
        host.files["/r/release.json.sig"] = wrong
        with pytest.raises(Refused, match="not signed by a key"):
            asking(host, profile).look()
    assert not (profile / "updates" / "seen.json").exists()


@pytest.mark.parametrize(
    ("field_", "value"),
    [("kind", "licence-1"), ("version", "9.9.9-rc1"), ("issued", "2026-11-23T12:00:00"), ("least_database", "first"),
     ("files", []), ("name", "../../.bashrc"), ("name", ".profile"), ("size", 2**40), ("size", "5"), ("sha256", "AB")],
)  # fmt: skip
def test_what_is_signed_but_not_as_it_must_be_is_named(host: Host, profile: Path, field_: str, value: object) -> None:
    told = json.loads(as_json(a_release()))
    (told if field_ in told else told["files"][0])[field_] = value
    manifest = json.dumps(told).encode()
    host.announce(a_release(), KEY)
    mine = f"{name_of_key(sign.public_of(KEY))} {base64.b64encode(KEY.sign(manifest)).decode()}"
    host.files |= {"/r/release.json": manifest, "/r/release.json.sig": mine.encode()}
    with pytest.raises(BadData, match=rf"field .*{field_}"):
        asking(host, profile).look()


def test_an_older_version_is_never_offered(host: Host, profile: Path) -> None:
    with pytest.raises(Refused, match=r"9\.9\.9 is announced, and 10\.0 runs") as refused:
        asking(host, profile, running="10.0").look()
    assert refused.value.rule == "downgrade"


def test_an_announcement_from_before_the_newest_that_was_seen_is_a_replay(host: Host, profile: Path) -> None:
    old = a_release(version="9.9.8", issued=NOW - timedelta(days=2))
    host.announce(old, KEY)
    assert asking(host, profile).look() is not None
    host.announce(a_release(), KEY)
    assert asking(host, profile).look() is not None
    host.announce(old, KEY)
    with pytest.raises(Refused, match="shown again") as refused:
        asking(host, profile).look()
    assert refused.value.rule == "replay"
    (profile / "updates" / "seen.json").write_text("{", encoding="utf-8")
    with pytest.raises(Fatal, match="Take it away"):
        asking(host, profile).look()


def test_what_has_run_out_or_is_of_a_time_to_come_is_refused(host: Host, profile: Path) -> None:
    with pytest.raises(Refused, match="held until 21 Feb 2027"):
        asking(host, profile, now=lambda: NOW + timedelta(days=91)).look()
    with pytest.raises(Refused, match="this computer's clock"):
        asking(host, profile, now=lambda: NOW - timedelta(days=30)).look()
    assert not (profile / "updates" / "seen.json").exists()


def test_a_version_that_cannot_take_over_a_journal_that_lies_here_is_refused(host: Host, profile: Path) -> None:
    a_journal(profile.parent / "second" / "live.sqlite", "0002")
    host.announce(a_release(least_database="0003"), KEY)
    with pytest.raises(Refused, match="one here is of 0002"):
        asking(host, profile).look()
    (profile / "paper.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(Fatal, match="cannot be read, so nothing is offered"):
        asking(host, profile).look()


def test_an_answer_that_does_not_end_is_cut_off(host: Host, profile: Path) -> None:
    host.files["/r/release.json"] = b" " * 100_000
    with pytest.raises(Refused, match=r"more than 65,536 bytes"):
        asking(host, profile).look()


def test_neither_another_host_nor_another_port_nor_a_circle_is_followed(host: Host, profile: Path) -> None:
    to = [""]

    async def moved(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to[-1]})

    host.special["/r/release.json"] = moved
    for to[-1] in ("https://example.com/release.json", "http://127.0.0.1:1/x", "//localhost/x", "file:///etc/passwd",
                  "http://[x", "https" + host.root[4:]):  # fmt: skip
        with pytest.raises(Refused, match="another host"):
            asking(host, profile).look()
    to[-1] = "/r/release.json"
    with pytest.raises(Refused, match="more than 3 times"):
        asking(host, profile).look()
    assert len(host.asked) == 6 + 4


def test_without_a_network_or_a_page_it_is_said_in_words(host: Host, profile: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        nobody = Host(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Offline, match="does not answer"):
            asking(nobody, profile, stall_s=0.2).look()
    with pytest.raises(Offline, match="could not be asked"):
        asking(nobody, profile).look()
    del host.files["/r/release.json.sig"]
    with pytest.raises(Offline, match="answers 404"):
        asking(host, profile).look()


# --- files that are refused ------------------------------------------------------------------------------------------


@pytest.fixture
def offer(host: Host, profile: Path) -> Offer:
    found = asking(host, profile).look()
    assert found is not None
    return found


def streamed(pieces: bytes, *, whole: bool = True, length: int | None = None) -> Answer:
    """Pieces without a length unless one is given; then the end, or the line is cut."""

    async def answer(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        if length is not None:
            reply.content_length = length
        else:
            reply.enable_chunked_encoding()
        await reply.prepare(request)
        await reply.write(pieces)
        if not whole:
            assert request.transport is not None
            request.transport.close()
        return reply

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (streamed(BODY[:-1]), "511,999 came"),
        (streamed(BODY + b"x"), "more come"),
        (streamed(BODY + b"x", length=len(BODY) + 1), "512,001 come"),
        (streamed(BODY[:-1] + b"?"), "SHA-256 is another"),
        (streamed(BODY[:1000], whole=False, length=len(BODY)), "could not be asked"),
        (streamed(BODY[:1000], whole=False), "could not be asked"),
    ],
    ids=["cut short", "one more", "longer by its length", "one byte another", "cut off", "cut off in a chunk"],
)
def test_a_file_that_is_not_the_announced_one_leaves_nothing(
    host: Host, profile: Path, offer: Offer, answer: Answer, words: str
) -> None:
    host.special[f"/r/{NAME}"] = answer
    with pytest.raises((Refused, Offline), match=words):
        asking(host, profile).fetch(offer, Progress("Download"))
    assert left_in(profile) == [] and not (profile / "backups").exists()


def test_a_transfer_that_stands_still_is_given_up_and_one_that_is_stopped_ends(
    host: Host, profile: Path, offer: Offer
) -> None:
    async def hangs(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        reply.content_length = len(BODY)
        await reply.prepare(request)
        await reply.write(BODY[:1000])
        await asyncio.sleep(60)
        return reply

    host.special[f"/r/{NAME}"] = hangs
    with pytest.raises(Offline, match="does not answer"):
        asking(host, profile, stall_s=0.3).fetch(offer, Progress("Download"))

    class Impatient(Progress):
        def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
            super().at(done, total, words)
            if done:
                self.stop()

    with pytest.raises(Stopped):
        asking(host, profile).fetch(offer, Impatient("Download"))
    assert left_in(profile) == []


def test_a_journal_that_cannot_be_backed_up_keeps_the_file_from_being_shown(
    host: Host, profile: Path, offer: Offer
) -> None:
    (profile / "paper.sqlite").write_bytes(b"overwritten by somebody since it was looked at" * 100)
    with pytest.raises(Fatal, match="could not be backed up"):
        asking(host, profile).fetch(offer, Progress("Download"))
    assert left_in(profile) == []


def test_a_disk_without_room_or_without_leave_is_told(
    host: Host, profile: Path, offer: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "a file"
    taken.touch()
    with pytest.raises(Fatal, match="cannot be written to"):
        asking(host, profile).fetch(offer, Progress("Download"), taken)
    monkeypatch.setattr(updates, "SPARE_BYTES", 10**18)
    with pytest.raises(Fatal, match="bytes free"):
        asking(host, profile).fetch(offer, Progress("Download"))
    with pytest.raises(Refused, match="has no file for linux-x86_64"):
        asking(host, profile).fetch(replace(offer, file=None), Progress("Download"))


def test_what_a_killed_program_left_half_is_taken_away_by_the_next_that_looks(
    host: Host, profile: Path, eventually: Any
) -> None:
    """`kill -9` in the middle of a download by the command itself."""
    begun = threading.Event()

    async def trickles(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        reply.content_length = len(BODY)
        await reply.prepare(request)
        await reply.write(BODY[:100_000])
        begun.set()
        await asyncio.sleep(60)
        return reply

    moment = datetime.now(UTC).replace(microsecond=0)
    host.announce(a_release(issued=moment, expires=moment + timedelta(days=1)), KEY)
    host.special[f"/r/{NAME}"] = trickles
    keys = a_folder_of_keys(profile.parent, KEY)
    script = (
        "import sys; from pathlib import Path; from alphapanda_desktop import updates; "
        "from alphapanda_desktop.commands import update; updates.here = lambda: ('linux-x86_64', '.tar.zst'); "
        "update.run(['--download'], Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))"
    )
    line = [sys.executable, "-c", script, str(profile), f"{host.root}/r/release.json", str(keys)]
    child = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        assert begun.wait(60)
        until = time.monotonic() + 60
        while not (halves := list((profile / "updates" / "9.9.9").glob("*.part"))):
            assert time.monotonic() < until and child.poll() is None
            time.sleep(0.02)
    finally:
        child.kill()
        child.wait()
    assert halves[0].is_file() and not halves[0].with_name(NAME).exists()
    os.utime(halves[0], (0, 0))
    assert asking(host, profile, now=lambda: moment).look() is not None
    assert left_in(profile) == []


# --- from where, and whose -------------------------------------------------------------------------------------------


def a_folder_of_keys(folder: Path, *keys: Ed25519PrivateKey, address: str = "") -> Path:
    kept = folder / "release"
    kept.mkdir(exist_ok=True)
    for number, key in enumerate(keys):
        (kept / f"{number}.pub").write_text(base64.b64encode(sign.public_of(key)).decode() + "\n", encoding="ascii")
    if address:
        (kept / "address").write_text(f"{address}\n", encoding="utf-8")
    return kept


def test_this_program_came_without_key_and_address_so_it_asks_nobody() -> None:
    assert shipped_keys() == {}
    told = source_of("")
    assert isinstance(told, str) and "without an address and without a key" in told
    told = source_of("https://updates.example.com/release.json")
    assert isinstance(told, str) and "without a key to trust" in told


def test_keys_and_address_come_with_the_program_and_a_setting_goes_before_the_address(tmp_path: Path) -> None:
    shipped = a_folder_of_keys(tmp_path, KEY, OTHER, address="https://a.example/release.json")
    source = source_of("", shipped)
    assert isinstance(source, Source) and source.keys == public(KEY) | public(OTHER)
    assert source.address == "https://a.example/release.json"
    other = source_of(" https://b.example/release.json ", shipped)
    assert isinstance(other, Source) and other.address == "https://b.example/release.json"
    assert "not https" in str(source_of("http://b.example/release.json", shipped))
    (shipped / "bad.pub").write_text("AAAA", encoding="ascii")
    assert "3 bytes" in str(source_of("", shipped))


def test_only_plain_https_addresses_and_this_computer_are_asked() -> None:
    for good in ("https://a.example/r/release.json", "http://127.0.0.1:8000/r.json", "http://[::1]:80/r.json"):
        assert checked_address(good) == good
    for bad in ("http://a.example/r", "ftp://a.example/r", "https://u:p@a.example/r", "https://a.example/r?x=1",
                "http://127.0.0.1.a.example/r", "https://", "a.example/r", "https://a.example:no/r"):  # fmt: skip
        with pytest.raises(Refused):
            checked_address(bad)


def test_each_kind_of_file_has_its_way_of_installing() -> None:
    ways = {how_to_install(f"alphapanda{ending}") for ending in (".deb", ".exe", ".zip", ".tar.zst")}
    assert len(ways) == 4 and all(way.startswith("Close AlphaPanda") for way in ways)
    assert updates.here()[0].count("-") == 1


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_says_what_runs_looks_and_fetches(
    host: Host, profile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "here", lambda: AT)
    keys, address = a_folder_of_keys(profile.parent, KEY), f"{host.root}/r/release.json"
    assert command.run([], profile, address, keys) == 0
    said = capsys.readouterr().out
    assert f"AlphaPanda Desktop {__version__}" in said and address in said and next(iter(public(KEY))) in said
    moment = datetime.now(UTC).replace(microsecond=0)
    host.announce(a_release(issued=moment, expires=moment + timedelta(days=1)), KEY)
    assert command.run(["--check"], profile, address, keys) == 0
    said = capsys.readouterr().out
    assert "9.9.9" in said and "Faster." in said and left_in(profile) == []
    out = profile / "elsewhere"
    assert command.run(["--download", "--out", str(out)], profile, address, keys) == 0
    assert (out / NAME).read_bytes() == BODY and str(out / NAME) in capsys.readouterr().out
    host.announce(a_release(version=__version__, issued=moment, expires=moment + timedelta(days=1)), KEY)
    (profile / "updates" / "seen.json").unlink()
    assert command.run(["--download"], profile, address, keys) == 0
    assert "newest" in capsys.readouterr().out
    host.files.clear()
    assert command.run(["--check"], profile, address, keys) == 1
    assert "answers 404" in capsys.readouterr().err

    def interrupted(_made: Updates) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Updates, "look", interrupted)
    assert command.run(["--check"], profile, address, keys) == 130
    assert "stopped" in capsys.readouterr().err


def test_the_command_without_a_key_asks_nobody_and_says_so(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run([], profile, "") == 0
    assert "nobody is asked" in capsys.readouterr().out
    assert command.run(["--check"], profile, "") == 1
    assert "nobody is asked" in capsys.readouterr().err


# --- the owner's script ----------------------------------------------------------------------------------------------


def test_the_owners_script_makes_a_key_announces_and_renews(
    host: Host, profile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sign.PASSWORD, "long enough")
    key, dist, notes = tmp_path / "key.pem", tmp_path / "dist", tmp_path / "notes.txt"
    sign.run(["key", str(key)], NOW)
    line = capsys.readouterr().out
    assert key.stat().st_mode & 0o077 == 0 and b"ENCRYPTED" in key.read_bytes()
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "first.pub").write_text(line, encoding="ascii")
    notes.write_text("Faster.\n", encoding="utf-8")
    (tmp_path / NAME).write_bytes(BODY)
    asked = ["release", "--key", str(key), "--version", "9.9.9", "--notes", str(notes), "--out", str(dist)]
    sign.run([*asked, f"linux-x86_64={tmp_path / NAME}"], NOW)

    def serve() -> None:
        host.files |= {f"/r/{path.name}": path.read_bytes() for path in dist.iterdir()} | {f"/r/{NAME}": BODY}

    serve()
    keys = shipped_keys(shipped)
    found = asking(host, profile, keys=keys).look()
    assert found is not None and found.release == a_release(issued=NOW)
    later = NOW + timedelta(days=100)
    with pytest.raises(Refused, match="held until"):
        asking(host, profile, keys=keys, now=lambda: later).look()
    sign.run(["renew", "--key", str(key), str(dist)], later)
    serve()
    assert asking(host, profile, keys=keys, now=lambda: later).look() is not None


def test_the_owners_script_refuses_a_key_that_others_could_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = ROOT / "build" / "never.pem"
    with pytest.raises(sign.Mistake, match="within the repository"):
        sign.make_key(inside, "long enough")
    assert not inside.exists()
    with pytest.raises(sign.Mistake, match="without a password"):
        sign.make_key(tmp_path / "key.pem", "")
    sign.make_key(tmp_path / "key.pem", "long enough")
    with pytest.raises(FileExistsError):
        sign.make_key(tmp_path / "key.pem", "long enough")
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(sign.Mistake, match="chmod 600"):
        sign.read_key(tmp_path / "key.pem", "long enough")
    (tmp_path / "key.pem").chmod(0o600)
    with pytest.raises(ValueError, match=r"(?i)password|decrypt"):
        sign.read_key(tmp_path / "key.pem", "another")
    monkeypatch.setenv(sign.PASSWORD, "long enough")
    with pytest.raises((OSError, AlphaPandaError)):
        sign.run(["renew", "--key", str(tmp_path / "key.pem"), str(tmp_path / "nowhere")], NOW)


# --- attacks ---------------------------------------------------------------------------------------------------------


def test_a_signature_with_letters_that_are_none_is_refused_like_any_other(host: Host, profile: Path) -> None:
    mine = name_of_key(sign.public_of(KEY)).encode()
    good = host.files["/r/release.json.sig"]
    host.files["/r/release.json.sig"] = mine + b" \xff\n" + mine + " ९९९९".encode()
    with pytest.raises(Refused, match="not signed by a key"):
        asking(host, profile).look()
    host.files["/r/release.json.sig"] = mine + b" \xff\n" + good
    assert asking(host, profile).look() is not None


@pytest.mark.parametrize("name", ["." + "example", "a..b", "a" * 64 + ".example", "xn--"])
def test_a_host_whose_name_is_none_is_told_in_words(profile: Path, name: str) -> None:
    source = Source(checked_address(f"https://{name}/release.json"), public(KEY))
    with pytest.raises(Offline, match="could not be asked"):
        Updates(source, profile, "1.0.0", lambda: NOW, AT).look()


def test_whoever_announces_only_goes_on(host: Host, profile: Path) -> None:
    later = {"issued": NOW - timedelta(minutes=1)}
    assert asking(host, profile).look() is not None
    host.announce(a_release(version="9.9.8", **later), KEY)
    with pytest.raises(Refused, match=r"9\.9\.8 is announced, and 9\.9\.9 was seen here before") as refused:
        asking(host, profile).look()
    assert refused.value.rule == "withdrawn"
    other = ReleaseFile(AT[0], NAME, len(BODY), "0" * 64)
    for issued in (a_release().issued, later["issued"]):
        host.announce(a_release(files=(other,), issued=issued), KEY)
        with pytest.raises(Refused, match="announced before with another SHA-256") as refused:
            asking(host, profile).look()
        assert refused.value.rule == "changed"
    added = ReleaseFile("macos-arm64", "alphapanda-9.9.9.zip", 5, "1" * 64)
    host.announce(a_release(files=(*a_release().files, added), **later), KEY)
    assert asking(host, profile).look() is not None
    host.announce(a_release(version="9.9.10", files=(other,), **later), KEY)
    assert asking(host, profile).look() is not None


@pytest.mark.parametrize(
    "kept", ['{"issued": "2026-11-23T12:00:00", "version": "9.9.9"}', '{"issued": "2026-11-23T12:00:00+00:00"}',
             "[" * 100_000, '{"issued": "2026-11-23T12:00:00+00:00", "version": "new", "files": {}}'],
    ids=["without a zone", "without a version", "nested", "no version"],
)  # fmt: skip
def test_what_was_seen_and_cannot_be_read_is_said_not_forgotten(host: Host, profile: Path, kept: str) -> None:
    (profile / "updates").mkdir()
    (profile / "updates" / "seen.json").write_text(kept, encoding="utf-8")
    with pytest.raises(Fatal, match="Take it away to begin anew"):
        asking(host, profile).look()


def test_many_looks_at_once_do_not_stumble_over_each_other(host: Host, profile: Path) -> None:
    found, together = list[object](), threading.Barrier(6)

    def look() -> None:
        release, made = a_release(), asking(host, profile)
        together.wait(60)
        try:
            for _ in range(200):
                made._remember(release)
            found.append(made.look())
        except AlphaPandaError as error:
            found.append(error)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [type(one) for one in found] == [Offer] * 6
    assert [path.name for path in (profile / "updates").iterdir()] == ["seen.json"]


@contextmanager
def a_raw_server(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """An address whose every connection is handed to `answer` once something was asked there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _peer = listening.accept()
                except OSError:
                    return
                with closing(line), suppress(OSError):
                    answer(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def test_a_head_that_comes_letter_by_letter_for_ever_is_given_up_and_can_be_stopped(
    profile: Path, offer: Offer
) -> None:
    asked, progress = threading.Event(), Progress("Download")

    def drips(line: socket.socket) -> None:
        line.recv(4096)
        asked.set()
        line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        line.settimeout(0.02)
        while True:
            line.sendall(b"x")
            try:
                if not line.recv(1):
                    return
            except TimeoutError:
                continue

    with a_raw_server(drips) as root:
        slow = Host(f"http://{root}")
        with pytest.raises(Offline, match="does not answer"):
            asking(slow, profile, head_s=0.3).look()
        with pytest.raises(Offline, match="does not answer"):
            asking(slow, profile, head_s=0.3).fetch(offer, progress)
        asked.clear()
        stops = threading.Thread(target=lambda: asked.wait(60) and progress.stop())
        stops.start()
        with pytest.raises(Stopped):
            asking(slow, profile, head_s=60).fetch(offer, progress)
        stops.join(60)
    assert left_in(profile) == []


def test_passwords_of_a_netrc_go_to_nobody(profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = list[bytes]()

    def refuses(line: socket.socket) -> None:
        heads.append(line.recv(4096))
        line.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password a-netrc-password\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    source = Source("https://updates.example/release.json", public(KEY))
    with a_raw_server(refuses) as root:
        for proxy in (f"http://{root}", f"http://me:mine@{root}"):
            monkeypatch.setenv("https_proxy", proxy)
            with pytest.raises(Offline):
                Updates(source, profile, "1.0.0", lambda: NOW, AT).look()
    assert [head.split(b"\r\n")[0] for head in heads] == [b"CONNECT updates.example:443 HTTP/1.1"] * 2
    assert b"uthorization" not in heads[0]
    assert base64.b64encode(b"me:mine") in heads[1]


def test_another_folder_keeps_what_others_left_half_there(host: Host, profile: Path, tmp_path: Path) -> None:
    out = tmp_path / "downloads"
    out.mkdir()
    theirs, ours = out / "a film.part", out / f"{NAME}.abc.part"
    for half in (theirs, ours):
        half.touch()
        os.utime(half, (0, 0))
    asked = asking(host, profile)
    found = asked.look()
    assert found is not None
    asked.fetch(found, Progress("Download"), out)
    assert sorted(path.name for path in out.iterdir()) == ["a film.part", NAME]


@pytest.mark.skipif(os.name != "posix", reason="modes of a file are looked at where it has them")
def test_what_others_could_change_after_the_proof_is_not_offered(
    host: Host, profile: Path, offer: Offer, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(Fatal, match="is not yours alone"):
        asking(host, profile).fetch(offer, Progress("Download"), shared)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / NAME).write_bytes(BODY)
    (mine / NAME).chmod(0o666)
    fetched = asking(host, profile).fetch(offer, Progress("Download"), mine)
    assert fetched.path.stat().st_mode & 0o077 == 0
    (tmp_path / "elsewhere").write_bytes(BODY)
    fetched.path.unlink()
    fetched.path.symlink_to(tmp_path / "elsewhere")
    assert not asking(host, profile).fetch(offer, Progress("Download"), mine).path.is_symlink()


def test_a_name_server_without_an_answer_does_not_hold_the_programs_end(tmp_path: Path) -> None:
    script = (
        "import socket, sys, threading; from datetime import UTC, datetime; from pathlib import Path\n"
        "asked, never = threading.Event(), threading.Event()\n"
        "socket.getaddrinfo = lambda *_, **__: (asked.set(), never.wait())\n"
        "from alphapanda_desktop.announcement import Source; from alphapanda_desktop.store.threads import *\n"
        "from alphapanda_desktop.updates import Updates\n"
        "made = Updates(Source('https://a.example/r', {}), Path(sys.argv[1]), '1.0', lambda: datetime.now(UTC))\n"
        "in_daemon_thread('look', made.look)\n"
        "print(asked.wait(60), flush=True)\n"
    )
    line = [sys.executable, "-c", script, str(tmp_path)]
    ended = subprocess.run(line, check=False, cwd=ROOT, capture_output=True, timeout=60)
    assert (ended.stdout, ended.returncode) == (b"True\n", 0)
