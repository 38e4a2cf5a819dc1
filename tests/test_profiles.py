"""Profiles: several accounts beside one another, each with its own folder, lock, keyring entries and title."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphapanda_desktop import noticing, profiles
from alphapanda_desktop.commands.profiles import run as command
from alphapanda_desktop.domain.errors import Fatal, Refused
from alphapanda_desktop.folders import data_dir, label_in, root_dir, title_of
from alphapanda_desktop.single import hold
from alphapanda_desktop.store.vault import service_of
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.venues.venue import API_SECRET


class Keyring:
    """A vault that lasts."""

    lasting = True

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    async def put(self, name: str, secret: str) -> None:
        self.secrets[name] = secret

    async def drop(self, name: str) -> None:
        self.secrets.pop(name, None)


NOW = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", "-huf", "a b", "con", "LPT1", "é", "x" * 33, "huf", "HUF", "a\nb", "huf.1"]
)
def test_what_is_no_folders_name_everywhere_or_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    profiles.make(tmp_path, "huf")
    with pytest.raises(Refused):
        profiles.make(tmp_path, name)
    assert [card.name for card in profiles.cards_of(tmp_path, hold)] == ["huf"]


def test_a_label_is_the_title_and_survives_in_a_file_of_its_own(tmp_path: Path) -> None:
    folder = profiles.make(tmp_path, "huf", "  Family account ")
    assert (label_in(folder), title_of(folder, "huf")) == ("Family account", "Family account")
    profiles.set_label(tmp_path, "huf", "")
    assert title_of(folder, "huf") == "huf" and title_of(data_dir("default", tmp_path), "default") == ""
    for label in ("x" * 41, "two\nlines"):
        with pytest.raises(Refused):
            profiles.set_label(tmp_path, "huf", label)
    for broken in ("[]", "{", '{"label": 7}', '{"label": "a\\u0000b"}'):
        (folder / "profile.json").write_text(broken, encoding="utf-8")
        assert title_of(folder, "huf") == "huf"


def test_the_list_says_what_is_open_here_and_elsewhere(tmp_path: Path) -> None:
    for name in ("default", "huf", "mum"):
        profiles.make(tmp_path, name)
    (tmp_path / "profiles" / "mum" / "settings.json").write_text(
        '{"general": {"mode": "paper"}, "account": {"api_key": "abcdefgh12345678"}}', encoding="utf-8"
    )
    owner = hold(tmp_path / "profiles" / "huf")
    assert owner is not None
    default, huf, mum = profiles.cards_of(tmp_path, hold, "default")
    owner.release()
    assert (default.open, default.here, huf.open, huf.here, mum.open) == (True, True, True, False, False)
    assert (mum.mode, mum.api_key, mum.used_at is not None, huf.used_at) == ("paper", "abcdefgh12345678", True, None)
    files = [path for path in (tmp_path / "profiles" / "mum").rglob("*") if path.is_file()]
    assert mum.size == sum(path.stat().st_size for path in files)


def test_an_open_profile_is_not_removed_and_a_removed_one_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = profiles.make(tmp_path, "huf", "Family")
    (folder / "live.sqlite").write_bytes(b"orders")
    owner = hold(folder)
    assert owner is not None
    with pytest.raises(Refused, match="open in a window"):
        profiles.remove(tmp_path, "huf", hold, NOW)
    assert (folder / "live.sqlite").read_bytes() == b"orders"
    owner.release()
    kept = profiles.remove(tmp_path, "huf", hold, NOW)
    assert not folder.exists() and (kept / "live.sqlite").read_bytes() == b"orders"
    profiles.make(tmp_path, "huf")
    again = profiles.remove(tmp_path, "huf", hold, NOW)
    assert again != kept and profiles.removed_of(tmp_path) == [kept.name, again.name]
    profiles.make(tmp_path, "other")
    with pytest.raises(Refused, match="already"):
        profiles.restore(tmp_path, kept.name, "Other")
    assert profiles.restore(tmp_path, kept.name, "huf") == folder
    assert (label_in(folder), (folder / "live.sqlite").read_bytes()) == ("Family", b"orders")


@pytest.mark.parametrize("name", ["nobody", "", "..", "../profiles/huf", "link"])
def test_nothing_outside_the_profiles_is_labelled_or_removed(tmp_path: Path, name: str) -> None:
    profiles.make(tmp_path, "huf")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "profiles" / "link").symlink_to(tmp_path / "elsewhere")
    for act in (
        lambda: profiles.remove(tmp_path, name, hold, NOW),
        lambda: profiles.set_label(tmp_path, name, "x"),
        lambda: profiles.restore(tmp_path, name, "new"),
    ):
        with pytest.raises(Refused):
            act()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "profiles"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_removing_a_profile_deletes_every_secret_that_the_program_keeps(arun, tmp_path: Path) -> None:
    assert set(profiles.SECRETS) == {API_SECRET, ACCESS_TOKEN, *noticing.Deliveries.secrets}
    profiles.make(tmp_path, "huf")
    vaults = [Keyring(), Keyring()]

    async def story() -> str:
        for vault in vaults:
            for name in profiles.SECRETS:
                await vault.put(name, "s")
        shelf = profiles.Profiles(tmp_path, "default", hold, lambda _root, _name: vaults)  # type: ignore[arg-type,return-value]
        return await shelf.remove("huf")

    said = arun(story())
    assert "secrets are deleted" in said and all(not vault.secrets for vault in vaults)


def test_the_secrets_of_two_profiles_and_of_two_data_folders_are_apart(tmp_path: Path, monkeypatch) -> None:
    services = {service_of(mode, name, data_dir(name, tmp_path)) for mode in ("paper", "live") for name in ("a", "b")}
    assert len(services) == 4
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    one = data_dir("a", Path("data"))
    monkeypatch.chdir(tmp_path / "two")
    two = data_dir("a", Path("data"))
    assert service_of("live", "a", one) != service_of("live", "a", two)  # else one account's secrets serve another's
    assert one == data_dir("a", tmp_path / "one" / "data") and root_dir(Path("data")).is_absolute()


def test_a_window_of_another_profile_is_this_program_with_its_name(arun, tmp_path: Path, monkeypatch) -> None:
    line = profiles.opening(tmp_path, "huf")
    assert line[-4:] == ["--profile", "huf", "--data-dir", str(tmp_path)]
    shelf = profiles.Profiles(tmp_path, "default", hold)
    said = [sys.executable, "-c", "print('one'); print('it cannot be'); raise SystemExit(3)"]
    monkeypatch.setattr(profiles, "opening", lambda _root, _name: said)
    assert arun(shelf.open("huf")) == "it cannot be"


def test_the_command_lists_makes_labels_removes_and_restores(tmp_path: Path, capsys) -> None:
    class Given:
        data_dir = tmp_path

    def say(*words: str) -> tuple[int, str]:
        code = command(list(words), Given, hold)  # type: ignore[arg-type]
        told = capsys.readouterr()
        return code, told.out + told.err

    assert say("list") == (0, f"no profiles in {tmp_path}\n")
    assert say("make", "huf", "--label", "Family")[0] == 0
    assert say("make", "HUF") == (1, "alphapanda profiles: There is a profile 'huf' already.\n")
    assert say("label", "huf", "Mum", "and", "Dad") == (0, "huf is called 'Mum and Dad' now\n")
    assert "closed" in say("list")[1] and "Mum and Dad" in say("list")[1]
    assert say("remove", "huf")[0] == 1 and (tmp_path / "profiles" / "huf").is_dir()
    assert say("remove", "huf", "--really")[0] == 0
    kept = profiles.removed_of(tmp_path)[0]
    assert f"{kept}  removed" in say("list")[1]
    assert say("restore", kept)[0] == 0 and (tmp_path / "profiles" / "huf").is_dir()
    assert say("restore", kept)[0] == 1


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    folder = profiles.make(tmp_path, "huf")
    (tmp_path / "removed").write_text("a file", encoding="utf-8")
    with pytest.raises(Fatal, match="could not be moved away"):
        profiles.remove(tmp_path, "huf", hold, NOW)
    assert folder.is_dir() and profiles.cards_of(tmp_path, hold)[0].open is False
    (folder / "profile.part").mkdir()
    with pytest.raises(Fatal, match="label could not be kept"):
        profiles.set_label(tmp_path, "huf", "x")


def test_the_program_knows_the_command(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "alphapanda_desktop", "--data-dir", str(tmp_path), "profiles", "list"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, f"no profiles in {tmp_path}")
