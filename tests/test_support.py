"""The support bundle: helps, and holds nothing that somebody else must not see."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.commands import support as command
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.preflight import Check, Standing
from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.preflight import Places
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.support import bundle

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
CANARIES = ("kiteApiKeyCanary", "accessTokenCanary", "apiSecretCanary", "AB9876", "someone@example.com", "203.0.113.77")


async def a_used_profile(folder: Path) -> None:
    """A profile in which every canary stands where it could stand by a mistake of ours."""
    mine = settings_.Settings()
    mine.account.api_key = "kiteApiKeyCanary"
    settings_.save(mine, folder / "settings.json")
    (folder / "logs").mkdir()
    (folder / "logs" / "alphapanda.log").write_text(
        "INFO logged in as user AB9876 with accessTokenCanary\nERROR secret apiSecretCanary from 203.0.113.77\n"
        "mail someone@example.com about AB9876\n",
        encoding="utf-8",
    )
    (folder / "logs" / "crash.log").write_text("token=accessTokenCanary", encoding="utf-8")
    database = Database(folder / "paper.sqlite")
    await database.open()
    await SqlJournal(database).note(Event("noted", NOW, {"access_token": "accessTokenCanary"}))
    await database.close()


def texts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_no_canary_is_anywhere_in_it(arun: Any, tmp_path: Path) -> None:
    arun(a_used_profile(tmp_path))
    out = tmp_path / "bundle.zip"
    bundle(tmp_path, out, NOW, [Check("Disk", Standing.GOOD, "70 GB free")],
        ["kiteApiKeyCanary", "accessTokenCanary", "apiSecretCanary"])  # fmt: skip
    found = texts(out)
    assert [(name, canary) for name, text in found.items() for canary in CANARIES if canary in text] == []
    assert out.stat().st_mode & 0o077 == 0


def test_it_says_what_helps(arun: Any, tmp_path: Path) -> None:
    arun(a_used_profile(tmp_path))
    out = tmp_path / "bundle.zip"
    names = bundle(tmp_path, out, NOW, [Check("Disk", Standing.BAD, "0 GB free")], [])
    found = texts(out)
    assert list(found) == names
    assert json.loads(found["databases.json"])["paper.sqlite"]["events"] == 1
    assert json.loads(found["preflight.json"])[0]["standing"] == "wrong"
    assert json.loads(found["about.json"])["libraries"]["pydantic"][0].isdigit()
    assert "ERROR" in found["logs/alphapanda.log"]


def test_a_link_that_lies_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    mine, shared = tmp_path / "mine", tmp_path / "shared"
    mine.write_text("kept")
    shared.mkdir()
    for name in ("out.zip.part", "out.zip"):
        (shared / name).symlink_to(mine)
    bundle(tmp_path, shared / "out.zip", NOW, [], [])
    assert mine.read_text() == "kept" and not (shared / "out.zip").is_symlink()
    assert (shared / "out.zip").stat().st_mode & 0o077 == 0


def test_a_place_that_takes_no_file_is_said_and_nothing_half_is_left(arun: Any, tmp_path: Path) -> None:
    arun(a_used_profile(tmp_path))
    with pytest.raises(Fatal, match="could not be written"):
        bundle(tmp_path, tmp_path / "nowhere" / "bundle.zip", NOW, [], [])


def test_the_command_names_what_is_in_the_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "b.zip"
    assert command.run(["--out", str(out)], Places(tmp_path, "practice", "", ""), "default") == 0
    assert "preflight.json" in capsys.readouterr().out
    assert "about.json" in texts(out)
    assert command.run(["--out", str(tmp_path / "no" / "b.zip")], Places(tmp_path, "practice", "", ""), "default") == 2


def test_it_can_be_stopped_and_then_nothing_is_left_of_it(arun: Any, tmp_path: Path) -> None:
    arun(a_used_profile(tmp_path))
    seen = list[str]()

    class Impatient(Progress):
        def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
            seen.append(words or "")
            if done == 9:
                self.stop()
            super().at(done, total, words)

    with pytest.raises(Stopped):
        bundle(tmp_path, tmp_path / "b.zip", NOW, [], [], progress=Impatient("support bundle"))
    assert len(seen) == 10 and seen[-1] == "writing settings.json"
    assert list(tmp_path.glob("b.zip*")) == []


def test_what_a_running_program_adds_is_struck_out_as_well(arun: Any, tmp_path: Path) -> None:
    arun(a_used_profile(tmp_path))
    out = tmp_path / "b.zip"
    more = {"faults.json": [{"trace": "ValueError: accessTokenCanary of AB9876"}]}
    bundle(tmp_path, out, NOW, [], ["accessTokenCanary"], more=more)
    text = texts(out)["faults.json"]
    assert "ValueError" in text and not [canary for canary in CANARIES if canary in text]
