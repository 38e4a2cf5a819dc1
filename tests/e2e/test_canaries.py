"""The search for canaries finds them: wherever one is planted, and nowhere else."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.canaries import DEMO, KEPT, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path / "house")
    made.furnish()
    made.vault.write_text(
        json.dumps({**KEPT, "access_token": json.dumps(["key", "TokenOfTheRun0123456789", "AP1234", ""])})
    )
    return made


def test_a_house_that_nobody_lived_in_has_no_leak(house: House) -> None:
    (house.root / "log").write_text(f"AlphaPanda for {DEMO.api_key} at 1763724681000, request_token is asked for")
    assert house.leaks(b"nothing") == []


@pytest.mark.parametrize(
    ("secret", "name"),
    [
        (DEMO.api_secret, "api_secret"),
        ("TokenOfTheRun0123456789", "access token"),
        (KEPT["telegram_token"], "telegram_token"),
        (KEPT["mail_password"], "mail_password"),
        ("request_token=abcdefghijklmnop0123", "request token"),
        ("totp: 246810", "246810"),
        ("password=panda&", "panda"),
    ],
)
def test_each_secret_is_found_where_it_is_left(house: House, secret: str, name: str) -> None:
    (house.root / "tmp" / "left").write_bytes(b"\x00\xff" + secret.encode() + b"\x00")
    assert house.leaks() == [f"tmp/left: {name}"]
    if name in (*KEPT, "api_secret", "access token"):  # Windows and Qt write so
        (house.root / "tmp" / "left").write_bytes(b"\x00\xff" + secret.encode("utf-16-le") + b"\x00")
        assert house.leaks() == [f"tmp/left: {name}"]
    assert f"shown or said: {name}" in house.leaks(f"x {secret}".encode())


def test_a_secret_in_a_page_that_sqlite_freed_is_found(house: House) -> None:
    with closing(sqlite3.connect(house.profile / "practice.sqlite")) as database:
        database.execute("CREATE TABLE kept (text)")
        database.execute("INSERT INTO kept VALUES (?)", (DEMO.api_secret,))
        database.commit()
        database.execute("PRAGMA secure_delete=OFF")
        database.execute("DROP TABLE kept")
        database.commit()
    assert house.leaks() == ["data/profiles/tour/practice.sqlite: api_secret"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_secret_on_a_grandchilds_command_line_or_environment_is_seen(house: House) -> None:
    waits = "import sys; print(flush=True); sys.stdin.read()"
    backwards = DEMO.api_secret[::-1]  # so that the secret is on the last one's command line alone
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}, {backwards!r}[::-1]])"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    environment = {**os.environ, "SECRET": KEPT["mail_password"]}
    process = subprocess.Popen([sys.executable, "-c", starts], env=environment, text=True, stdin=-1, stdout=-1)
    with house.watched(process):
        assert process.stdout is not None
        process.stdout.readline()
        while not {name for name in house.leaks() if name.startswith("shown")} >= {
            "shown or said: api_secret", "shown or said: mail_password"
        }:  # fmt: skip
            pass
        process.communicate("")


def test_what_others_may_read_is_named(house: House) -> None:
    (house.profile / "open").touch()
    (house.profile / "open").chmod(0o604)
    assert {"data/profiles 777", "data/profiles/tour/open 604"} <= set(house.open_to_others())
    assert not [place for place in house.open_to_others() if place.startswith(("home", "tmp"))]
