"""What leaves the house of a journal: no secrets, and accounts under names that say only which are the same.

By the name of a value where it has one, by its looks in free text. Order ids stay: support cannot help without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

STRUCK: Final = "[redacted]"

SHORTEST: Final = 4
"""Characters; a shorter account name is masked where it stands alone, but not looked for in texts."""

_NOT_SECRET: Final = frozenset({"instrument_token", "exchange_token"})
_SECRET: Final = re.compile(
    r"(token|secret|passw(or)?d|api_?key|authorization|cookie|checksum|otp|pin)$"
    r"|^(guid|e?mail|mobile|phone|pan|ip|ip_address|user_name|user_shortname)$",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(
    r"^((broker_)?user(_?id)?|placed_by|client(_?id)?|account(_?id)?|dp_id|bo_?id|demat(_?id)?)$", re.IGNORECASE
)
_LOOKS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<keep>\btoken\s+)\S+:\S+",
        r"(?P<keep>\b(?:access|request|refresh|public|enc)?_?token[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
        r"(?P<keep>\b(?:api_?secret|api_?key|secret|passw(?:or)?d|checksum|t?otp)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]+",
        r"(?P<keep>)\b(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{32,}\b",
        r"(?P<keep>)[\w.+-]+@[\w-]+\.[\w.]+",
        r"(?P<keep>)\b\d{1,3}(?:\.\d{1,3}){3}\b",
        r"(?P<keep>)\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b",
        r"(?P<keep>)\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4})+::(?:[0-9a-f]{1,4}:?)*",
    )
)
_NAMED: Final = re.compile(
    r"\b(?:user|client|account|customer)(?:[ _-]?id)?[\"']?\s*[:=]?\s*[\"']?(?P<id>[A-Z]{2,4}\d{3,6})\b"
)


class Redactor:
    """Learns accounts from all rows first, then tells rows without them; one for each export."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def learn(self, row: Mapping[str, Any]) -> None:
        """Take the accounts that a row names."""
        for name, value in row.items():
            self._learn(name, value)

    def _learn(self, name: str, value: object) -> None:
        if isinstance(value, Mapping):
            self.learn(value)
        elif isinstance(value, list):
            for item in value:
                self._learn(name, item)
        elif isinstance(value, str | int) and value and _ACCOUNT.match(name):
            self._mask(str(value))
        elif isinstance(value, str):
            for found in _NAMED.finditer(value):
                self._mask(found["id"])

    def _mask(self, account: str) -> str:
        self._known = None
        return self._masks.setdefault(account.casefold(), f"account {len(self._masks) + 1}")

    def told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as it may be shown."""
        return {name: self._value(name, value) for name, value in row.items()}

    def _value(self, name: str, value: object) -> object:
        if isinstance(value, Mapping):
            return self.told(value) if not _secret(name) else STRUCK
        if isinstance(value, list):
            return [self._value(name, item) for item in value]
        if _secret(name) and value not in (None, ""):
            return STRUCK
        if isinstance(value, str | int) and not isinstance(value, bool) and _ACCOUNT.match(name):
            return self._mask(str(value)) if value else value
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for look in _LOOKS:
            text = look.sub(rf"\g<keep>{STRUCK}", text)
        return self._pattern().sub(lambda found: self._masks[found[0].casefold()], text)

    def _pattern(self) -> re.Pattern[str]:
        if self._known is None:
            names = sorted((re.escape(name) for name in self._masks if len(name) >= SHORTEST), key=len, reverse=True)
            self._known = re.compile(rf"\b(?:{'|'.join(names) or '(?!)'})\b", re.IGNORECASE)
        return self._known


def _secret(name: str) -> bool:
    return name.lower() not in _NOT_SECRET and _SECRET.search(name) is not None
