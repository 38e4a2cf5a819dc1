"""The person's own browser, opened without what a frozen program set for itself."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser


def open_in_browser(url: str) -> bool:
    """Open the system browser; whether a program was found to do it."""
    if not sys.platform.startswith("linux"):
        return webbrowser.open(url)
    try:
        subprocess.Popen(
            ["xdg-open", url],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True


def clean_environment() -> dict[str, str]:
    """The environment without what a frozen program set for itself."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("_PYI", "_MEI", "QT_", "QML"))}
    original = env.pop("LD_LIBRARY_PATH_ORIG", None)
    if getattr(sys, "frozen", False):
        env.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            env["LD_LIBRARY_PATH"] = original
    return env
