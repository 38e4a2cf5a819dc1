"""Work on a daemon thread: its result or its error reaches whoever waits, whatever the error is."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.store.threads import in_daemon_thread


def test_the_result_comes_from_a_thread_of_that_name() -> None:
    import threading

    named = in_daemon_thread("worker", lambda: (threading.current_thread().name, threading.current_thread().daemon))
    assert named.result(60) == ("worker", True)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_any_error_reaches_who_waits_and_nobody_else(error: BaseException, capfd: Any) -> None:
    def fail() -> None:
        raise error

    assert in_daemon_thread("worker", fail).exception(60) is error
    assert capfd.readouterr().err == ""
