"""A person's profiles: one for each account, with settings, databases, secrets and a window of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

NAME_MOST: Final = 32
LABEL_MOST: Final = 40

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_DEVICES: Final = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)
"""What Windows takes for a device, whatever folder it is asked for in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCard:
    """One profile as it lies on the disk. `size` is bytes, `used_at` None for one that was never opened."""

    name: str
    label: str
    mode: str
    """The mode it starts in; empty until one was chosen."""
    api_key: str
    """Of its Kite Connect app; empty until there is one."""
    size: int
    used_at: datetime | None
    open: bool
    """Whether a window, of this process or another, has it."""
    here: bool = False
    """Whether it is the profile of the window that asks."""

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.label or self.name


def name_problem(name: str, taken: Iterable[str]) -> str:
    """Why a new profile cannot have that name, empty where it can. It names a folder on every system."""
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot name a profile: letters, digits, - and _ can, the first a letter or a digit"
    if len(name) > NAME_MOST:
        return f"a profile's name has at most {NAME_MOST} characters, this one has {len(name)}"
    if _DEVICES.fullmatch(name):
        return f"{name!r} cannot name a profile: Windows takes it for a device"
    same = next((other for other in taken if other.casefold() == name.casefold()), "")
    return f"there is a profile {same!r} already" if same else ""


def label_problem(label: str) -> str:
    """Why a profile cannot be called so, empty where it can. Any words will do, or none."""
    if len(label) > LABEL_MOST:
        return f"a label has at most {LABEL_MOST} characters, this one has {len(label)}"
    return "" if label.isprintable() else "a label is one line of printable characters"
