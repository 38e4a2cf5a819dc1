"""Whether the web view can start on this machine, found out by a child so that its crash is not ours."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alphapanda_desktop import __version__

LIMIT_S: Final = 20.0
_SWITCH: Final = "QTWEBENGINE_DISABLE_SANDBOX"
_FLAGS: Final = "QTWEBENGINE_CHROMIUM_FLAGS"
_DEBUGGING: Final = "QTWEBENGINE_REMOTE_DEBUGGING"
_UNSAFE: Final = frozenset(
    {
        "no-sandbox",
        "single-process",
        "no-zygote",
        "disable-setuid-sandbox",
        "disable-namespace-sandbox",
        "disable-seccomp-filter-sandbox",
        "disable-gpu-sandbox",
        "disable-web-security",
        "ignore-certificate-errors",
        "allow-running-insecure-content",
        "remote-debugging-port",
        "remote-debugging-pipe",
    }
)
"""Chromium switches that open the login page to others, by name: Chromium takes them with one dash or a value too."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`why` says in words why the web view cannot be used."""

    ok: bool
    why: str = ""


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def guard_sandbox(practice: bool) -> None:
    """Keep Chromium's sandbox on, whatever the environment says; called before the QApplication exists.

    Root is the exception that Chromium forces: it will not start sandboxed there. In practice mode the view shows
    one page of this program's own on 127.0.0.1 and the container it usually runs in is the sandbox, so it may start;
    against Zerodha root gets the system browser instead.
    """
    if is_root() and practice:
        os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
        return
    for name in (_SWITCH, _DEBUGGING):
        os.environ.pop(name, None)  # being set counts, even to 0
    flags = os.environ.get(_FLAGS, "").split()
    kept = [flag for flag in flags if _name_of(flag) not in _UNSAFE]
    if kept != flags:
        os.environ[_FLAGS] = " ".join(kept)
    while "--webEngineArgs" in sys.argv:
        del sys.argv[sys.argv.index("--webEngineArgs") :]


def _name_of(flag: str) -> str:
    return flag.strip("\"'").lstrip("-").split("=", 1)[0].lower()


async def web_engine_works(cache: Path, *, practice: bool) -> ProbeResult:
    """Ask a child to show a page; remembered per program version, so that only the first start waits.

    `practice` says whose page it will be: the mode may have been chosen only after `guard_sandbox` ran.
    """
    if is_root() and not (practice and _SWITCH in os.environ):
        return ProbeResult(False, "As root the login page cannot be shown safely in this window.")
    key = f"{__version__} {sys.version_info[:3]} {os.environ.get('QT_QPA_PLATFORM', '')} {is_root()}"
    known = _recall(cache, key)
    if known is None:
        known = await _ask_child()
        _remember(cache, key, known)
    return known


def _recall(cache: Path, key: str) -> ProbeResult | None:
    import json

    try:
        said = json.loads(cache.read_text(encoding="utf-8"))
        return ProbeResult(bool(said["ok"]), str(said["why"])) if said["key"] == key and said["ok"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(cache: Path, key: str, known: ProbeResult) -> None:
    import json

    cache.write_text(json.dumps({"key": key, "ok": known.ok, "why": known.why}), encoding="utf-8")


async def _ask_child() -> ProbeResult:
    import asyncio

    frozen = getattr(sys, "frozen", False)
    command = [sys.executable] if frozen else [sys.executable, "-m", "alphapanda_desktop"]
    child = await asyncio.create_subprocess_exec(
        *command,
        "--probe-webengine",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            _, words = await child.communicate()
    except TimeoutError:
        return ProbeResult(False, f"The web view did not show a page within {LIMIT_S:g} seconds.")
    finally:
        if child.returncode is None:  # too slow, or the program is closing
            child.kill()
            await child.wait()
    if child.returncode == 0:
        return ProbeResult(True)
    last = words.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
    return ProbeResult(False, f"The web view cannot start here ({last[0][:200]}).")


def child_main() -> int:
    """The child: show a page, exit 0 when it was loaded."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWebEngineWidgets import QWebEngineView
    from PySide6.QtWidgets import QApplication

    app = QApplication(sys.argv[:1])
    view = QWebEngineView()
    done: list[bool] = []

    def loaded(ok: bool) -> None:
        done.append(ok)
        app.exit(0 if ok else 1)

    view.loadFinished.connect(loaded)
    view.setHtml("<p>ready</p>")
    QTimer.singleShot(int(LIMIT_S * 900), lambda: app.exit(2))
    code = app.exec()
    # The view's teardown has crashed on some drivers after a good load; the answer is known, so leave at once.
    os._exit(code)
