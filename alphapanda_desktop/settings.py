"""Settings of one profile, by section: load, save, numbered upgrades. No secret is ever in here."""

from __future__ import annotations

import copy
import itertools
import json
import math
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from alphapanda_desktop.domain.compliance import OrderLimits
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.risk import RiskLimits
from alphapanda_desktop.domain.risk_profiles import PROFILES
from alphapanda_desktop.domain.watchlists import WatchedList

VERSION: Final = 2
OVERRIDE: Final = "ALPHAPANDA_SET_"
"""What a variable of the environment that overrides a setting begins with."""

Mode = Literal["practice", "paper", "live"]
Scenario = Literal[
    "calm", "volatile", "disconnect", "silence", "flapping", "dead-token", "rate-limited", "rejecting", "lost-reply",
    "slow", "out-of-order", "session-end",
]  # fmt: skip
"""The practice exchange's own names."""


class _Section(BaseModel):
    # An endless number would be written as null, and the next start would refuse the file.
    model_config = ConfigDict(extra="ignore", validate_assignment=True, allow_inf_nan=False)


def _sound(limits: RiskLimits) -> RiskLimits:
    """The same limits; ValueError for a figure that limits nothing or everything by mistake."""
    scopes = {"desk": asdict(limits.desk), "strategy": asdict(limits.strategy)}
    scopes |= {key: asdict(own) for key, own in limits.instruments.items()}
    for scope, own in scopes.items():
        for name, value in own.items():
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{scope}.{name} is {value}: a limit is a number of 0 (off) or more")
    return limits


class General(_Section):
    """What the program starts as."""

    mode: Mode | None = Field(
        None, title="Mode at start", description="Live asks each day to be armed by typing, whatever stands here.",
        json_schema_extra={"none": "asked on the first page"},
    )  # fmt: skip


class Account(_Section):
    """The person's own Kite Connect app. The api_secret is in the keyring."""

    api_key: str = Field(
        "", title="API key",
        description="From the Kite Connect developer console; empty, and the next start asks for key and secret.",
    )  # fmt: skip
    redirect_url: str = Field(
        "http://127.0.0.1:5599/", title="Redirect URL", description="As registered in the developer console."
    )


class Risk(_Section):
    """Limits of the desk, as its limits sheet left them."""

    limits: Annotated[RiskLimits, AfterValidator(_sound)] = Field(
        default_factory=lambda: PROFILES["default"], description="Limits in force; the day's can only be tightened."
    )
    order_limits: OrderLimits | None = Field(None, description="Order rates, where they are below Kite's own.")
    foreign_orders: Literal["ignore", "pause strategies", "adopt"] = Field(
        "ignore", description="What follows when an order shows up that this program did not make."
    )


class Window(_Section):
    """How the window was left."""

    theme: Literal["dark", "light"] = Field("dark", title="Colours", description="Dark or light; changed at once.")
    pair: Literal["green and red", "blue and orange"] = Field(
        "green and red", title="Rise and fall", description="Every eye tells blue and orange apart; changed at once."
    )
    scale: int = Field(
        100, ge=100, le=200, title="Size", description="Of everything in the window; comes with the next start.",
        json_schema_extra={"unit": "%", "step": 25},
    )  # fmt: skip
    language: Literal["English", "हिन्दी"] = Field(
        "English", title="Language", description="Of the window; comes with the next start."
    )
    screen: str = Field("", description="Pixels of the screen that the window was on last, as 1600x900.")
    shortcuts: dict[str, str] = Field(default_factory=dict, description="Keys of the person's own, by action.")
    layout: str = Field("", description="Docks and sizes, base64.")
    guide: bool = Field(False, description="Whether the guided first run was begun and not ended.")
    watchlist: dict[str, list[str]] = Field(default_factory=dict, description="Instrument keys by mode.")
    chart: dict[str, str] = Field(default_factory=dict, description="Instrument key on the chart by mode.")
    ask_first: dict[str, bool] = Field(
        default_factory=dict, description="Whether a ticket shows its order once more before it is sent, by mode."
    )


class Watchlists(_Section):
    """The lists of the market watch."""

    lists: dict[str, list[WatchedList]] = Field(default_factory=dict, description="All lists by mode.")
    shown: dict[str, int] = Field(default_factory=dict, description="Which list was shown, by mode.")


class Paper(_Section):
    """The paper account."""

    opening_cash: float = Field(
        10_00_000.0, ge=1.0, title="Opening cash", description="Cash that a new paper account begins with.",
        json_schema_extra={"unit": "₹", "step": 50_000},
    )  # fmt: skip


class Practice(_Section):
    """The practice exchange."""

    seed: int = Field(7, title="Seed", description="Another seed is another market.")
    scenario: Scenario = Field(
        "calm", title="Scenario", description="What goes wrong, if anything: see alphapanda sim --help."
    )


class Recording(_Section):
    """What is kept of the market."""

    enabled: bool = Field(True, title="Record ticks", description="Whether every tick of the day is kept on the disk.")
    budget_gb: float = Field(
        2.0, ge=0.01, title="Disk budget", description="Most room for recordings; the oldest day goes first.",
        json_schema_extra={"unit": "GB", "step": 0.5},
    )  # fmt: skip


class Strategies(_Section):
    """What a strategy's process may use before it is ended."""

    call_s: float = Field(
        2.0, ge=0.1, le=60.0, title="Longest call", description="A strategy that does not come back sooner is ended.",
        json_schema_extra={"unit": "s", "step": 0.5},
    )  # fmt: skip
    memory_mb: int = Field(
        1024, ge=128, title="Most memory", description="A strategy that uses more is ended.",
        json_schema_extra={"unit": "MB", "step": 128},
    )  # fmt: skip


class Notices(_Section):
    """How an alert that has fired is told."""

    toast: bool = Field(True, title="Toast in the window", description="A notice in the corner of the window.")
    sound: bool = Field(True, title="Sound", description="Two short tones.")
    tray: bool = Field(
        True, title="System notification", description="The system's own notification, where there is a tray."
    )


class Delivery(_Section):
    """Where alerts are sent outside this computer. The bot's token and the mail password are in the keyring."""

    telegram_chat: str = Field("", description="Chat id that the bot writes to; empty for none.")
    mail_to: str = Field("", description="Address that alerts are mailed to; empty for none.")
    mail_from: str = Field("", description="Address that they come from; the user where empty.")
    mail_host: str = Field("", description="SMTP server.")
    mail_port: int = Field(587, ge=1, le=65_535, description="587 for starttls, 465 for tls.")
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is kept secret; without, no password is sent."
    )
    mail_user: str = Field("", description="User at the SMTP server.")


class Updates(_Section):
    """Where new versions are asked for; whose signature counts is no setting."""

    address: str = Field(
        "", title="Address of new versions",
        description="An https:// page, release.json. Empty: the one that came with the program, if any.",
    )  # fmt: skip


class Settings(_Section):
    """Everything that is remembered of a profile besides its databases and secrets."""

    version: int = VERSION
    general: General = Field(default_factory=General)
    account: Account = Field(default_factory=Account)
    risk: Risk = Field(default_factory=Risk)
    window: Window = Field(default_factory=Window)
    watchlists: Watchlists = Field(default_factory=Watchlists)
    paper: Paper = Field(default_factory=Paper)
    practice: Practice = Field(default_factory=Practice)
    recording: Recording = Field(default_factory=Recording)
    strategies: Strategies = Field(default_factory=Strategies)
    notices: Notices = Field(default_factory=Notices)
    delivery: Delivery = Field(default_factory=Delivery)
    updates: Updates = Field(default_factory=Updates)
    _beneath: dict[tuple[str, str], tuple[object, object]] = PrivateAttr(default_factory=dict)
    """What the file says where the environment says something else, and what that is, by section and field."""

    @property
    def overridden(self) -> frozenset[tuple[str, str]]:
        """Section and field of what the environment has set for this run."""
        return frozenset(self._beneath)

    def override(self, environ: Mapping[str, str]) -> None:
        """Take `ALPHAPANDA_SET_SECTION__FIELD=value` for this run; it is never saved. Raises Fatal naming the variable.

        A field of several values, such as a list, is JSON.
        """
        for name in sorted(environ):
            if name.startswith(OVERRIDE):
                self._override(name, environ[name])

    def _override(self, name: str, text: str) -> None:
        section_name, _, field = name.removeprefix(OVERRIDE).lower().partition("__")
        section = getattr(self, section_name, None)
        if not isinstance(section, _Section) or field not in type(section).model_fields:
            raise Fatal(f"{name} in the environment names no setting. One is {OVERRIDE}PAPER__OPENING_CASH.")
        before = getattr(section, field)
        _put(section, field, name, text)
        self._beneath[section_name, field] = (before, copy.deepcopy(getattr(section, field)))

    def to_be_saved(self) -> Settings:
        """The same without what the environment has set, but with what the person has changed since."""
        kept = self.model_copy(deep=True)
        for (section, field), (before, given) in self._beneath.items():
            if getattr(getattr(kept, section), field) == given:
                setattr(getattr(kept, section), field, before)
        return kept


def _put(section: _Section, field: str, name: str, text: str) -> None:
    """Set a field to the text itself or, where that is none of its values, to what it says as JSON."""
    try:
        setattr(section, field, text)
    except ValidationError as error:
        try:
            setattr(section, field, json.loads(text))
        except ValidationError as second:
            raise Fatal(f"{name} in the environment: {second.errors()[0]['msg']}.") from second
        except (ValueError, RecursionError):
            raise Fatal(f"{name} in the environment: {error.errors()[0]['msg']}.") from error


def _with_whole_limits(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had the desk's five limits as fields of their own."""
    own = data.get("risk")
    return {**data, "risk": {"limits": {"profile": "own", "desk": own}}} if isinstance(own, dict) and own else data


UPGRADES: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _with_whole_limits}
"""Step n turns a file of version n into version n + 1."""


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings in a file, the defaults where there is none; the environment's own over them.

    Raises Fatal for a file of a newer program, and for one that cannot be read, naming it and the field.
    """
    settings = _load(path)
    settings.override(environ)
    return settings


def _load(path: Path) -> Settings:
    if not path.exists():
        return Settings()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Settings.model_validate(_upgraded(raw, path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fatal(f"Settings file {path}: {where}: {first['msg']}. Correct it, or move the file away.") from error
    except (ValueError, OSError, RecursionError) as error:
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
    """Write the settings whole or not at all; beside them a file of an older version is kept as that version's.

    Raises Fatal where the disk does not take them.
    """
    saving(settings, path)()


_writes: Final = itertools.count(1)
_writing: Final = threading.Lock()
_written: Final[dict[Path, int]] = {}
"""By file, the newest settings that are in it: what waited longer than these is not written any more."""


def saving(settings: Settings, path: Path) -> Callable[[], None]:
    """What `save` does with the settings as they are now, to be called once on any thread.

    A disk may take a third of a second for it.
    """
    number = next(_writes)
    try:
        text = settings.to_be_saved().model_dump_json(indent=2)
    except ValueError as error:
        raise Fatal(f"Settings could not be saved to {path}: {error}.") from error

    def write() -> None:
        with _writing:
            if number > _written.get(path, 0):
                _write(text, path)
                _written[path] = number

    return write


def _write(text: str, path: Path) -> None:
    part = path.with_suffix(".part")
    try:
        _keep_older(path)
        with part.open("w", encoding="utf-8") as file:
            if os.name == "posix":
                part.chmod(0o600)  # while it is empty
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
        part.replace(path)
    except OSError as error:
        raise Fatal(f"Settings could not be saved to {path}: {error.strerror}.") from error
    except ValueError as error:
        raise Fatal(f"Settings could not be saved to {path}: {error}.") from error


def _keep_older(path: Path) -> None:
    """A copy of the file as the older program wrote it: whoever goes back to that program finds its settings."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return
    version = raw.get("version") if isinstance(raw, dict) else None
    kept = path.with_name(f"{path.stem}.version-{version}{path.suffix}")
    if isinstance(version, int) and version < VERSION and not kept.exists():
        shutil.copy(path, kept)
