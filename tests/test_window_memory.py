"""What the window remembers: read by hand before the settings, kept in them afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop import settings
from alphapanda_desktop.domain.watchlists import WatchedList
from alphapanda_desktop.memory import Looks, WindowMemory, looks_of


def test_the_looks_are_those_that_the_settings_hold(tmp_path: Path) -> None:
    path, mine = tmp_path / "settings.json", settings.Settings()
    assert looks_of(path) == Looks(mode=None, theme="dark", layout=b"")
    mine.general.mode = "paper"
    mine.window.theme = "light"
    mine.window.layout = base64.b64encode(b"docks").decode()
    settings.save(mine, path)
    assert looks_of(path) == Looks(mode="paper", theme="light", layout=b"docks")


def test_a_newcomer_is_guided_until_there_are_settings_that_say_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert looks_of(path, newcomer=True).guide and not looks_of(path).guide
    settings.save(settings.Settings(), path)
    assert not looks_of(path, newcomer=True).guide


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        '{"general": 1, "window": []}',
        '{"general": {"mode": "casino"}, "window": {"theme": 3, "layout": "#"}}',
        "[" * 100_000,
    ],
)
def test_a_spoilt_file_leaves_the_defaults_and_breaks_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    assert looks_of(path) == Looks()


def test_what_is_told_before_the_settings_are_there_is_kept_in_them(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    memory = WindowMemory(path, Looks(), lambda: "practice")
    remembered = memory.remembered()
    remembered.save("theme", "light")
    remembered.save("layout", b"docks")
    assert not path.exists()
    memory.settle(settings.load(path))
    lists = (WatchedList(name="Mine", keys=("NSE:INFY",)), WatchedList(name="Other", keys=("NSE:TCS", "NSE:INFY")))
    remembered.save("watch_lists", (lists, 1))
    remembered.save("chart_key", "NSE:INFY")
    remembered.save("ask_first", False)
    remembered.save("guide", True)
    assert settings.load(path).watchlists.lists == {"practice": [*lists]}
    assert settings.load(path).watchlists.shown == {"practice": 1}
    kept = json.loads(path.read_text(encoding="utf-8"))["window"]
    assert kept["theme"] == "light"
    assert base64.b64decode(kept["layout"]) == b"docks"
    assert kept["watchlist"] == {"practice": ["NSE:INFY", "NSE:TCS"]}
    assert kept["chart"] == {"practice": "NSE:INFY"}
    assert kept["ask_first"] == {"practice": False}
    again = WindowMemory(path, looks_of(path), lambda: "practice").remembered()
    assert again.unasked == {"practice"} and again.guide


def test_what_the_environment_sets_for_a_run_is_how_the_window_is_built(tmp_path: Path) -> None:
    path, mine = tmp_path / "settings.json", settings.Settings()
    mine.window.theme = "light"
    settings.save(mine, path)
    given = {"ALPHAPANDA_SET_WINDOW__LANGUAGE": "हिन्दी", "ALPHAPANDA_SET_WINDOW__SCALE": "150"}
    looks = looks_of(path, given)
    assert (looks.language, looks.scale, looks.theme) == ("हिन्दी", 150, "light")
    assert settings.load(path, given).window.language == "हिन्दी"
    assert looks_of(tmp_path / "none.json", {"ALPHAPANDA_SET_WINDOW__THEME": "light"}).theme == "light"
    spoilt = {"ALPHAPANDA_SET_WINDOW__SCALE": "huge", "ALPHAPANDA_SET_WINDOW__PAIR": "pink"}
    assert looks_of(path, spoilt) == looks_of(path, {})


def test_a_layout_is_kept_off_the_loop_and_never_over_newer_settings(tmp_path: Path, arun: Any) -> None:
    path, mine = tmp_path / "settings.json", settings.Settings()
    memory = WindowMemory(path, looks_of(path), lambda: "practice")
    memory.settle(mine)

    async def story() -> None:
        kept = memory.keep_later("layout", b"docks")
        assert kept is not None
        await asyncio.wrap_future(kept)
        assert looks_of(path).layout == b"docks"
        older = settings.saving(mine, path)
        memory.keep("theme", "light")
        older()
        assert looks_of(path).theme == "light"

    arun(story())


def test_the_first_paint_waits_for_no_heavy_import(tmp_path: Path) -> None:
    """What is imported when the window has been shown; names, not times."""
    program = (
        "import sys\n"
        "from alphapanda_desktop import start\n"
        "from alphapanda_desktop.__main__ import parser\n"
        "show = start._Opening._show\n"
        "def shown(self, *given):\n"
        "    window = show(self, *given)\n"
        "    print(*sorted(sys.modules))\n"
        "    window.close()\n"
        "    sys.stdout.flush()\n"
        "    import os; os._exit(0)\n"
        "start._Opening._show = shown\n"
        "start.open_window(parser().parse_args(['--mode', 'practice', '--data-dir', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "alphapanda_desktop.ui.shell" in loaded
    heavy = {"numpy", "pydantic", "sqlalchemy", "aiohttp", "kiteconnect", "pyqtgraph", "keyring", "pandas", "talib"}
    heavy |= {"asyncio", "qasync", "socket", "PySide6.QtNetwork"}
    assert loaded & heavy == set()
    assert not [name for name in loaded if name.startswith("PySide6.QtWebEngine")]


def test_broken_settings_are_told_in_the_window_and_read_again_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "profiles" / "default"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text("{", encoding="utf-8")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from alphapanda_desktop import start\n"
        "from alphapanda_desktop.__main__ import parser\n"
        "from alphapanda_desktop.ui.shell import MainWindow\n"
        "told = MainWindow.show_problem\n"
        "def show_problem(self, title, text, again):\n"
        "    told(self, title, text, again)\n"
        "    print(title, text)\n"
        "    (Path(sys.argv[1]) / 'profiles/default/settings.json').unlink()\n"
        "    again()\n"
        "MainWindow.show_problem = show_problem\n"
        "def welcomed(self, *given):\n"
        "    print('welcomed')\n"
        "    sys.stdout.flush()\n"
        "    import os; os._exit(0)\n"
        "MainWindow.show_welcome = welcomed\n"
        "start.open_window(parser().parse_args(['--data-dir', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    problem, welcomed = done.stdout.splitlines()
    assert problem.startswith("The settings cannot be used Settings file ")
    assert "move the file away" in problem
    assert welcomed == "welcomed"
