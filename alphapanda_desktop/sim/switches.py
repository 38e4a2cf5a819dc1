"""Differences between eras of Kite, and between what client suites expect, each a named switch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "market_protection": ("on", "off"),
    "static_ip": ("off", "on"),
    "historical_caps": ("real", "legacy"),
    "autoslice": ("v2", "v1"),
    "calendar": ("2026", "pre-aug-2026"),
    "rate_limits": ("on", "off"),
    "hours": ("always", "real"),
}
"""Allowed values by switch, the default first. `static_ip` also takes addresses, comma-separated: those registered."""


@dataclass(slots=True)
class Switches:
    """Which Kite this simulator is; plain text values, changed while it runs.

    `market_protection=off` is the era before April 2026: bare MARKET orders stay MARKET, prices are checked
    against the old 0.05 tick, and a stop on the wrong side is refused by the exchange, not by Kite.
    """

    market_protection: str = "on"
    static_ip: str = "off"
    historical_caps: str = "real"
    autoslice: str = "v2"
    calendar: str = "2026"
    rate_limits: str = "on"
    hours: str = "always"

    def set(self, name: str, value: str) -> None:
        """Turn one switch; ValueError names what is allowed."""
        allowed = VALUES.get(name)
        if allowed is None:
            raise ValueError(f"no switch {name!r}: there are {', '.join(VALUES)}")
        if value not in allowed and not (name == "static_ip" and "." in value):
            raise ValueError(f"{name} is {' or '.join(allowed)}, not {value!r}")
        setattr(self, name, value)

    @classmethod
    def parse(cls, settings: list[str]) -> Switches:
        """Switches from `NAME=VALUE` words; ValueError for a word that is not one."""
        switches = cls()
        for setting in settings:
            name, _, value = setting.partition("=")
            switches.set(name.strip(), value.strip())
        return switches

    def as_dict(self) -> dict[str, str]:
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}
