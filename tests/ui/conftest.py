"""What several tests of the window ask for by name."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def bus_address() -> Iterator[str]:
    """The address of a D-Bus of the module's own."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("there is no dbus-daemon to run a bus of the test's own")
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()
