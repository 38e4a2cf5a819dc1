"""Whether the web view may and can start: the sandbox is guarded, and a broken engine costs words, not the program."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.ui import webprobe
from alphapanda_desktop.ui.webprobe import ProbeResult, guard_sandbox, web_engine_works

SWITCH, FLAGS, DEBUGGING = "QTWEBENGINE_DISABLE_SANDBOX", "QTWEBENGINE_CHROMIUM_FLAGS", "QTWEBENGINE_REMOTE_DEBUGGING"


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An ordinary user, with nothing set."""
    monkeypatch.setattr(webprobe, "is_root", lambda: False)
    for name in (SWITCH, FLAGS, DEBUGGING):
        monkeypatch.setenv(name, "")  # or what the program sets would stay for the files that come next
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def root(person: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    person.setattr(webprobe, "is_root", lambda: True)
    return person


@pytest.mark.parametrize("practice", [True, False])
@pytest.mark.parametrize("value", ["1", "0", ""])
def test_an_ordinary_user_cannot_switch_the_sandbox_off(practice: bool, value: str, person: pytest.MonkeyPatch) -> None:
    person.setenv(SWITCH, value)
    person.setenv(DEBUGGING, "9222")
    guard_sandbox(practice)
    assert SWITCH not in webprobe.os.environ  # set to 0 it counts as set
    assert DEBUGGING not in webprobe.os.environ  # a door into the login page


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ("--no-sandbox", ""),
        ("--no-sandbox --disable-gpu", "--disable-gpu"),
        ("--single-process --disable-gpu --no-sandbox", "--disable-gpu"),
        ("-no-sandbox --lang=en", "--lang=en"),
        ("--no-sandbox=1 --NO-SANDBOX", ""),
        ("--remote-debugging-port=9222 --disable-web-security --ignore-certificate-errors", ""),
        ("--disable-gpu --force-device-scale-factor=2", "--disable-gpu --force-device-scale-factor=2"),
    ],
)
def test_switches_that_open_the_login_page_are_dropped(flags: str, kept: str, person: pytest.MonkeyPatch) -> None:
    person.setenv(FLAGS, flags)
    guard_sandbox(False)
    assert webprobe.os.environ[FLAGS] == kept


def test_engine_arguments_on_the_command_line_are_dropped(person: pytest.MonkeyPatch) -> None:
    person.setattr(sys, "argv", ["alphapanda", "--mode", "live", "--webEngineArgs", "--no-sandbox"])
    guard_sandbox(False)
    assert sys.argv == ["alphapanda", "--mode", "live"]


def test_root_may_show_the_practice_page_without_the_sandbox(root: pytest.MonkeyPatch) -> None:
    guard_sandbox(practice=True)
    assert webprobe.os.environ[SWITCH] == "1"


def test_root_never_shows_zerodhas_page_without_the_sandbox(root: pytest.MonkeyPatch) -> None:
    root.setenv(SWITCH, "1")
    guard_sandbox(practice=False)
    assert SWITCH not in webprobe.os.environ


def answers(monkeypatch: pytest.MonkeyPatch, *said: ProbeResult) -> list[ProbeResult]:
    left = list(said)

    async def ask() -> ProbeResult:
        return left.pop(0)

    monkeypatch.setattr(webprobe, "_ask_child", ask)
    return left


def test_root_is_sent_to_the_browser_unasked(arun: Any, root: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(root)
    result = arun(web_engine_works(tmp_path / "web.json", practice=False))
    assert not result.ok and "root" in result.why


def test_root_who_chose_live_after_the_start_is_sent_to_the_browser_too(
    arun: Any, root: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first page asks for the mode when the sandbox question is long settled."""
    guard_sandbox(practice=True)
    answers(root)
    assert not arun(web_engine_works(tmp_path / "web.json", practice=False)).ok


def test_a_good_answer_is_remembered(arun: Any, person: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left = answers(person, ProbeResult(True))
    for _ in range(3):
        assert arun(web_engine_works(tmp_path / "web.json", practice=False)).ok
    assert left == []


def test_a_bad_answer_is_asked_again(arun: Any, person: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(person, ProbeResult(False, "no library"), ProbeResult(True))
    assert arun(web_engine_works(tmp_path / "web.json", practice=False)).why == "no library"
    assert arun(web_engine_works(tmp_path / "web.json", practice=False)).ok


def test_another_version_is_asked_again(arun: Any, person: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left = answers(person, ProbeResult(True), ProbeResult(True))
    arun(web_engine_works(tmp_path / "web.json", practice=False))
    person.setattr(webprobe, "__version__", "99.0")
    arun(web_engine_works(tmp_path / "web.json", practice=False))
    assert left == []


@pytest.mark.parametrize("text", ["", "[]", "{", '{"ok": true}', "null", "\x00"])
def test_a_spoilt_memory_is_asked_again(text: str, arun: Any, person: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "web.json").write_text(text)
    left = answers(person, ProbeResult(True))
    assert arun(web_engine_works(tmp_path / "web.json", practice=False)).ok
    assert left == []
    assert json.loads((tmp_path / "web.json").read_text())["ok"] is True


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as a machine may take that has other work."""
    monkeypatch.setattr(webprobe, "LIMIT_S", 90.0)


@pytest.mark.usefixtures("patience")
def test_the_real_child_shows_a_page_here(arun: Any) -> None:
    assert arun(webprobe._ask_child()) == ProbeResult(True)


def a_program(path: Path, text: str) -> str:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


@pytest.mark.usefixtures("patience")
def test_a_broken_engine_is_reported_in_its_last_words(
    arun: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = "import sys; print('noise', file=sys.stderr); sys.exit('libnss3.so: cannot open shared object file')"
    monkeypatch.setattr(sys, "executable", a_program(tmp_path / "broken", words))
    result = arun(webprobe._ask_child())
    assert result == ProbeResult(False, "The web view cannot start here (libnss3.so: cannot open shared object file).")


@pytest.mark.usefixtures("patience")
def test_an_engine_that_crashes_is_no_crash_of_ours(arun: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(sys, "executable", a_program(tmp_path / "crash", words))
    assert arun(webprobe._ask_child()) == ProbeResult(False, "The web view cannot start here (no message).")


HANGS = """import os, time
note = os.path.dirname(__file__) + '/pid'
with open(note + '.new', 'w') as file:
    file.write(str(os.getpid()))
os.rename(note + '.new', note)  # it may be ended in any moment, and half a note would be taken for its number
time.sleep(60)
"""


def test_an_engine_that_hangs_is_given_up(arun: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", a_program(tmp_path / "hangs", HANGS))
    monkeypatch.setattr(webprobe, "LIMIT_S", 1.0)
    assert "within 1 seconds" in arun(webprobe._ask_child()).why
    assert not _alive(tmp_path / "pid")


def test_closing_the_program_leaves_no_probe_behind(
    arun: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", a_program(tmp_path / "hangs", HANGS))

    async def story() -> None:
        probe = asyncio.create_task(webprobe._ask_child())
        await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert probe.cancelled()

    arun(story())
    assert not _alive(tmp_path / "pid")


def _alive(note: Path) -> bool:
    return note.exists() and Path(f"/proc/{note.read_text()}").exists()
