"""Patience for what comes: a test that waits for what never does says so itself."""

from __future__ import annotations

import pytest

from alphapanda_desktop.trading import host


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is held up ends no wait for the broker."""
    monkeypatch.setattr(host, "STOP_DEADLINE_S", 60.0)
