"""What every test of a strategy's own process stands on."""

from __future__ import annotations

import pytest

from alphapanda_desktop.hosting import process


@pytest.fixture(autouse=True)
def time_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung process may tell later where it hangs, on a machine that others load."""
    monkeypatch.setattr(process, "DUMP_WAIT_S", 3.0)
