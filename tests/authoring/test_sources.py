"""Files found, enabled by a person and watched; packages that offer strategies are read, not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.authoring.probe import Probed, probe
from alphapanda_desktop.authoring.sources import Enabled, Source, files_in, packaged, read
from alphapanda_desktop.authoring.templates import template
from alphapanda_desktop.authoring.watch import Changed, Watch
from alphapanda_desktop.domain.errors import StrategyError

ROOT = Path(__file__).resolve().parents[2]


def save(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def enabled(tmp_path: Path) -> Enabled:
    return Enabled(tmp_path / "own" / "enabled.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "strategies"
    made.mkdir()
    return made


def watch(folder: Path, enabled: Enabled) -> Watch:
    return Watch(folder, enabled, packages=list)


def only(news: list[Changed]) -> Changed:
    (one,) = news
    return one


# --- enabling ----------------------------------------------------------------------------------------------------


def test_what_a_person_enabled_is_that_content_and_no_other(folder: Path, enabled: Enabled, tmp_path: Path) -> None:
    path = save(folder, "a.py", "x = 1\n")
    enabled.enable(read(path)[0])
    assert enabled.has(read(path)[0])
    save(folder, "a.py", "x = 2\n")
    assert not enabled.has(read(path)[0])
    again = Enabled(tmp_path / "own" / "enabled.json")
    save(folder, "a.py", "x = 1\n")
    assert again.has(read(path)[0])
    again.disable(read(path)[0])
    assert not Enabled(tmp_path / "own" / "enabled.json").has(read(path)[0])


def test_a_file_that_is_followed_may_change(folder: Path, enabled: Enabled) -> None:
    path = save(folder, "a.py", "x = 1\n")
    enabled.enable(read(path)[0], follow=True)
    save(folder, "a.py", "x = 2\n")
    assert enabled.has(read(path)[0])
    enabled.disable(read(path)[0])
    assert not enabled.has(read(save(folder, "a.py", "x = 1\n"))[0])


@pytest.mark.skipif(sys.platform == "win32", reason="modes are Unix's")
def test_the_list_is_the_persons_alone(folder: Path, enabled: Enabled, tmp_path: Path) -> None:
    enabled.enable(read(save(folder, "a.py", ""))[0])
    assert (tmp_path / "own" / "enabled.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["{", "[]", "5", '{"hashes": 1, "followed": []}', '{"hashes": {}}'])
def test_a_damaged_list_is_an_error_and_enables_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(StrategyError, match="cannot be read"):
        Enabled(save(tmp_path, "enabled.json", text))


def test_files_are_found_by_name_and_too_large_ones_refused(folder: Path) -> None:
    for name in ("b.py", "a.py", "_own.py", ".hidden.py", "notes.txt"):
        save(folder, name, "")
    (folder / "sub.py").mkdir()
    assert [path.name for path in files_in(folder)] == ["a.py", "b.py"]
    assert files_in(folder / "nowhere") == []
    with pytest.raises(StrategyError, match="1,000,000 allowed"):
        read(save(folder, "c.py", "#" * 1_000_001))
    with pytest.raises(StrategyError, match="cannot be read"):
        read(folder / "gone.py")
    if Path("/dev/zero").exists():
        (folder / "endless.py").symlink_to("/dev/zero")
        with pytest.raises(StrategyError, match="1,000,001 bytes, 1,000,000 allowed"):
            read(folder / "endless.py")


# --- packages ----------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, "their_ideas 1.2", whose import would leave a trace."""
    site = tmp_path / "site"
    (site / "their_ideas").mkdir(parents=True)
    save(site / "their_ideas", "__init__.py", f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    save(site / "their_ideas", "idea.py", template("their_idea"))
    info = site / "their_ideas-1.2.dist-info"
    info.mkdir()
    save(info, "METADATA", "Metadata-Version: 2.1\nName: their-ideas\nVersion: 1.2\n")
    save(info, "entry_points.txt", "[alphapanda.strategies]\nidea = their_ideas.idea:TheirIdea\n")
    save(info, "RECORD", "their_ideas/__init__.py,,\ntheir_ideas/idea.py,,\n")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_packages_are_found_without_being_imported(package: Path, tmp_path: Path) -> None:
    found = [row for row in packaged() if row[2].startswith("their-ideas")]
    assert found == [(package / "their_ideas" / "idea.py", "their_ideas.idea:TheirIdea", "their-ideas 1.2")]
    assert not (tmp_path / "imported").exists()
    assert read(*found[0])[0].label == "their_ideas.idea:TheirIdea (their-ideas 1.2)"


def test_nothing_of_a_package_is_executed_where_its_file_is_not_the_enabled_one(package: Path, tmp_path: Path) -> None:
    path, entry, _name = next(row for row in packaged() if row[2].startswith("their-ideas"))
    good = read(path)[0].sha256
    path.write_bytes(path.read_bytes() + f"open({str(tmp_path / 'changed')!r}, 'w')\n".encode())
    script = (
        "import sys; from alphapanda_desktop.authoring.load import imported; sys.path.insert(0, sys.argv[1]);"
        "print(imported(*sys.argv[2:]).__name__)"
    )

    def asked(entry: str, sha256: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-c", script, str(package), entry, sha256]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "is not the file that was enabled" in asked(entry, good).stderr
    assert not (tmp_path / "changed").exists() and not (tmp_path / "imported").exists()
    assert "there is no module" in asked("their_ideas.gone:X", good).stderr
    assert asked(entry, read(path)[0].sha256).stdout == "TheirIdea\n"
    assert (tmp_path / "changed").exists()


# --- watching ----------------------------------------------------------------------------------------------------


def test_a_file_is_not_executed_before_it_is_enabled(folder: Path, enabled: Enabled, tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    path = save(folder, "a.py", f"open({str(trace)!r}, 'w')\n")
    eyes = watch(folder, enabled)
    news = only(eyes.look())
    assert (news.enabled, news.probed and news.probed.spec, trace.exists()) == (False, None, False)
    assert eyes.look() == []
    enabled.enable(read(path)[0])
    eyes.forget(path)
    assert only(eyes.look()).enabled
    assert trace.exists()


def test_saving_loads_again_and_an_error_has_its_line(folder: Path, enabled: Enabled) -> None:
    path = save(folder, "my_idea.py", template("my_idea"))
    enabled.enable(read(path)[0], follow=True)
    eyes = watch(folder, enabled)
    assert _spec(only(eyes.look())).name == "my_idea"
    save(folder, "my_idea.py", template("my_idea").replace("bar.close >", "bar.ltp >"))
    broken = only(eyes.look())
    assert broken.probed is not None and broken.probed.spec is None
    assert broken.probed.words()[0] == "my_idea.py:52: a bar has no 'ltp': use 'close'"
    save(folder, "my_idea.py", template("my_idea").replace("20,", "30,"))
    assert _spec(only(eyes.look())).fields[0].default == 30
    path.touch()
    assert eyes.look() == []
    path.unlink()
    assert only(eyes.look()) == Changed(path, None)
    assert eyes.look() == []


def test_a_file_that_cannot_be_read_is_told_once(folder: Path, enabled: Enabled) -> None:
    save(folder, "large.py", "#" * 1_000_001)
    eyes = watch(folder, enabled)
    news = only(eyes.look())
    assert news.probed is not None and "1,000,000 allowed" in news.probed.words()[0]
    assert eyes.look() == []


def test_packages_are_watched_with_the_folder(folder: Path, enabled: Enabled, package: Path) -> None:
    path = package / "their_ideas" / "idea.py"
    asked: list[Any] = []

    def ask(source: Source, _content: bytes) -> Probed:
        asked.append((source.path, source.entry, source.package))
        return Probed(source, None)

    rows = [row for row in packaged() if row[2].startswith("their-ideas")]
    eyes = Watch(folder, enabled, packages=lambda: rows, ask=ask)
    assert not only(eyes.look()).enabled
    enabled.enable(read(*rows[0])[0])
    eyes.forget(path)
    eyes.look()
    assert asked == rows


def _spec(news: Changed) -> Any:
    assert news.probed is not None and news.probed.spec is not None, news.probed and news.probed.words()
    return news.probed.spec


def test_probing_a_file_that_is_not_there_says_so(folder: Path) -> None:
    with pytest.raises(StrategyError, match="cannot be read"):
        probe(folder / "gone.py")
