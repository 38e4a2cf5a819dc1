"""`python -m alphapanda_desktop.sim` is `alphapanda sim`."""

from __future__ import annotations

import sys

from alphapanda_desktop.sim.cli import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
