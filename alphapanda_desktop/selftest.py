"""`alphapanda --self-test FILE.json`: whether this installation can do everything, tried out and not looked up.

What a package may have lost is tried part by part: libraries, migrations, TLS roots, zone data, keyring, icons, fonts,
licences. Then the tour runs in processes of its own: login in the web view, ticks, chart, a strategy in its own
process, its fill.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from alphapanda_desktop import __version__
from alphapanda_desktop.practice import command

LIBRARIES: Final = (
    "PySide6.QtWebEngineWidgets", "PySide6QtAds", "qasync", "kiteconnect", "pyqtgraph", "pydantic", "sqlalchemy",
    "alembic.command", "keyring", "aiohttp", "numpy", "talib", "psygnal", "platformdirs", "certifi",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
)  # fmt: skip
TOUR_LIMIT_S: Final = 1200.0
TRUETYPE: Final = b"\x00\x01\x00\x00"
PICTURE: Final = "strateg"
"""The tour's picture that is kept: its name holds this."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried, and what came of it."""

    name: str
    ok: bool
    seconds: float
    detail: str


class Lacking(Exception):
    """Something is missing or does not work here."""


def run(out: Path, screenshot: Path | None) -> int:
    """Try everything and write what came of it; 0 where all is well, 1 where something is not, 2 without a file."""
    results = [_tried(name, trial) for name, trial in TRIALS.items()]
    results += _toured(screenshot)
    ok = all(result.ok for result in results)
    report = {
        "program": __version__, "python": sys.version.split()[0], "frozen": bool(getattr(sys, "frozen", False)),
        "ok": ok, "checks": [asdict(result) for result in results],
    }  # fmt: skip
    try:
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"alphapanda: {out} cannot be written: {error.strerror}\n")
        return 2
    if sys.stdout is not None:  # a windowed program on Windows has none
        sys.stdout.writelines(
            f"{'ok  ' if result.ok else 'FAIL'} {result.seconds:7.2f} s  {result.name}: {result.detail}\n"
            for result in results
        )
    return 0 if ok else 1


def _tried(name: str, trial: Callable[[], str]) -> Tried:
    began = time.perf_counter()
    try:
        detail, ok = trial(), True
    except (Lacking, ImportError, OSError, ValueError, LookupError) as error:
        detail, ok = f"{type(error).__name__}: {error}", False
    return Tried(name, ok, round(time.perf_counter() - began, 3), detail)


def _libraries() -> str:
    from importlib import import_module

    for name in LIBRARIES:
        import_module(name)
    import numpy as np
    import talib

    if talib.SMA(np.arange(5.0), 3)[-1] != 3.0:
        raise Lacking("TA-Lib is there and does not calculate")
    return f"{len(LIBRARIES)} libraries load, TA-Lib {talib.__version__} calculates"


def _migrations() -> str:
    from sqlalchemy import create_engine, inspect

    from alphapanda_desktop.store.schema import HEAD, metadata
    from alphapanda_desktop.store.upgrade import migrate

    with tempfile.TemporaryDirectory(prefix="alphapanda-self-test-") as folder:
        engine = create_engine(f"sqlite+pysqlite:///{Path(folder) / 'journal.sqlite'}")
        try:
            with engine.begin() as connection:
                migrate(connection)
                tables = set(inspect(connection).get_table_names())
        finally:
            engine.dispose()
    if not set(metadata.tables) <= tables:
        raise Lacking(f"the migrations made no {', '.join(sorted(set(metadata.tables) - tables))}")
    return f"an empty database comes to {HEAD} with {len(tables)} tables"


def _tls() -> str:
    import ssl
    from importlib import import_module

    certifi = import_module("certifi")  # kiteconnect's requests brings it, and trusts it alone
    own, system = ssl.create_default_context(cafile=certifi.where()), ssl.create_default_context()
    count = own.cert_store_stats()["x509_ca"]
    if not count:
        raise Lacking(f"{certifi.where()} holds no roots")
    return f"{count} roots with the program, {system.cert_store_stats()['x509_ca']} of the system"


def _zones() -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    offset = datetime(2026, 11, 23, tzinfo=ZoneInfo("Asia/Kolkata")).strftime("%z")
    if offset != "+0530":
        raise Lacking(f"Asia/Kolkata is {offset}")
    return "Asia/Kolkata is +05:30"


def _keyring() -> str:
    """Where secrets would go; a machine without a keyring is no fault of the installation."""
    import asyncio

    from alphapanda_desktop.store.vault import KeyringVault

    vault = KeyringVault("AlphaPanda self-test")
    asyncio.run(vault.open())
    return vault.where


def _icons() -> str:
    from PySide6.QtGui import QImage

    from alphapanda_desktop.folders import resources

    pictures = sorted(path for path in resources().rglob("*") if path.suffix in (".png", ".svg", ".ico"))
    broken = [path.name for path in pictures if QImage(str(path)).isNull()]
    if broken or not pictures:
        raise Lacking(f"pictures that cannot be drawn: {', '.join(broken) or 'there are none'}")
    return f"{len(pictures)} pictures can be drawn"


def _fonts() -> str:
    from alphapanda_desktop.folders import resources

    folder = resources() / "fonts"
    files = sorted(folder.glob("*.ttf"))
    broken = [path.name for path in files if path.read_bytes()[:4] != TRUETYPE]
    if broken or not files:
        raise Lacking(f"fonts that are none: {', '.join(broken) or 'there are none at all'}")
    if not (folder / "OFL.txt").is_file():
        raise Lacking("the fonts came without their licence")
    return f"{len(files)} fonts and their licence came along"


def _papers() -> str:
    """Licences of others and the bill of materials, which only a package has."""
    from alphapanda_desktop.folders import resources

    folder = resources() / "third-party"
    if not getattr(sys, "frozen", False):
        return "licences and bill of materials are made with the package"
    listed = json.loads((folder / "third-party.json").read_text(encoding="utf-8"))
    bill = json.loads((folder / "sbom.cdx.json").read_text(encoding="utf-8"))
    texts = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    unnamed = [part["name"] for part in listed if part["name"] not in texts]
    if unnamed or len(bill["components"]) != len(listed):
        raise Lacking(f"{len(listed)} parts, {len(bill['components'])} in the bill, without a licence: {unnamed}")
    return f"{len(listed)} parts of others, each with its licence, and a CycloneDX {bill['specVersion']} bill"


def _strategies() -> str:
    from alphapanda_desktop.strategies import SHIPPED

    if not SHIPPED:
        raise Lacking("no strategy came along")
    return f"{len(SHIPPED)} strategies came along"


TRIALS: Final[dict[str, Callable[[], str]]] = {
    "libraries": _libraries,
    "migrations": _migrations,
    "TLS roots": _tls,
    "zone data": _zones,
    "keyring": _keyring,
    "icons": _icons,
    "fonts": _fonts,
    "licences": _papers,
    "strategies": _strategies,
}


def _toured(screenshot: Path | None) -> list[Tried]:
    """The tour's own steps, each as something tried; its picture of a running strategy as the screenshot."""
    with tempfile.TemporaryDirectory(prefix="alphapanda-self-test-") as name:
        folder = Path(name)
        try:
            done = subprocess.run(command("tour", "--out", str(folder)), capture_output=True, text=True, check=False,
                timeout=TOUR_LIMIT_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            return [Tried("tour", False, TOUR_LIMIT_S, "it did not end in time")]
        told = folder / "tour.json"
        if not told.exists():
            return [Tried("tour", False, 0.0, f"exit code {done.returncode}: {done.stderr[-500:]}")]
        steps = json.loads(told.read_text(encoding="utf-8"))["steps"]
        results = [Tried(**step) for step in steps]
        if screenshot is not None:
            results.append(_tried("screenshot", lambda: _kept(folder, screenshot)))
        return results


def _kept(folder: Path, screenshot: Path) -> str:
    pictures = sorted(folder.glob("*.png"))
    chosen = next((path for path in pictures if PICTURE in path.name), pictures[-1] if pictures else None)
    if chosen is None:
        raise Lacking("the tour took no picture")
    shutil.copyfile(chosen, screenshot)
    return str(screenshot)
