"""Settings of one profile, by section: load, save, numbered upgrades. No secret is ever in here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alphapanda_desktop.domain.errors import Fatal

VERSION: Final = 1
Mode = Literal["practice", "paper", "live"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore", validate_assignment=True)


class General(_Section):
    """What the program starts as."""

    mode: Mode | None = Field(None, description="The mode chosen on the first page; none until then.")


class Account(_Section):
    """The person's own Kite Connect app. The api_secret is in the keyring."""

    api_key: str = Field("", description="From the Kite Connect developer console.")
    redirect_url: str = Field("http://127.0.0.1:5599/", description="As registered in the developer console.")


class Risk(_Section):
    """Limits of the desk; money in rupees."""

    max_order_quantity: int = Field(5_000, ge=1, description="Most units in one order.")
    max_order_value: float = Field(25_00_000.0, gt=0, description="Most rupees in one order.")
    max_orders_per_day: int = Field(500, ge=1, description="Most orders in one day.")
    max_position_quantity: int = Field(10_000, ge=1, description="Most units held of one instrument.")
    price_band_pct: float = Field(10.0, gt=0, le=100, description="Per cent a price may lie from the last price.")


class Window(_Section):
    """How the window was left."""

    theme: Literal["dark", "light"] = "dark"
    layout: str = Field("", description="Docks and sizes, base64.")
    watchlist: dict[str, list[str]] = Field(default_factory=dict, description="Instrument keys by mode.")
    chart: dict[str, str] = Field(default_factory=dict, description="Instrument key on the chart by mode.")


class Paper(_Section):
    """The paper account."""

    opening_cash: float = Field(10_00_000.0, gt=0, description="Rupees a paper day begins with.")


class Practice(_Section):
    """The practice exchange."""

    seed: int = Field(7, description="Another seed is another market.")
    scenario: str = Field("calm", description="What goes wrong, if anything.")


class Recording(_Section):
    """What is kept of the market."""

    enabled: bool = Field(True, description="Whether every tick of the day is kept on the disk.")
    budget_gb: float = Field(2.0, gt=0, description="Most gigabytes of recordings; the oldest day goes first.")


class Settings(_Section):
    """Everything that is remembered of a profile besides its databases and secrets."""

    version: int = VERSION
    general: General = Field(default_factory=General)
    account: Account = Field(default_factory=Account)
    risk: Risk = Field(default_factory=Risk)
    window: Window = Field(default_factory=Window)
    paper: Paper = Field(default_factory=Paper)
    practice: Practice = Field(default_factory=Practice)
    recording: Recording = Field(default_factory=Recording)


UPGRADES: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""Step n turns a file of version n into version n + 1."""


def load(path: Path) -> Settings:
    """Settings in a file; the defaults where there is none.

    Raises Fatal for a file of a newer program, and for one that cannot be read, naming it and the field.
    """
    if not path.exists():
        return Settings()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Settings.model_validate(_upgraded(raw, path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fatal(f"Settings file {path}: {where}: {first['msg']}. Correct it, or move the file away.") from error
    except (ValueError, OSError) as error:
        raise Fatal(f"Settings file {path} cannot be read: {error}. Correct it, or move the file away.") from error


def _upgraded(raw: Any, path: Path) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("it is not a JSON object")
    version = raw.get("version", VERSION)
    if type(version) is not int or version < min(UPGRADES, default=VERSION):
        raise ValueError(f"its version is {version!r}, which no program has written")
    if version > VERSION:
        raise Fatal(
            f"Settings file {path} is of version {version}; this program knows {VERSION}. Use the newer program."
        )
    data: dict[str, Any] = raw
    while version < VERSION:
        data = UPGRADES[version](data)
        version += 1
        data["version"] = version
    return data


def save(settings: Settings, path: Path) -> None:
    """Write the settings whole or not at all. Raises Fatal where the disk does not take them."""
    part = path.with_suffix(".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(settings.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
        if os.name == "posix":
            part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        raise Fatal(f"Settings could not be saved to {path}: {error.strerror}.") from error
