"""A menu entry's words alone."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtGui import QAction

LETTER_BEHIND: Final = re.compile(r" \(&\w\)$")
"""The menu's letter, where the words have no such letter."""


def plain(action: QAction) -> str:
    """Without the mark of the menu's letter and without the told key."""
    words = LETTER_BEHIND.sub("", action.text().partition("\t")[0])
    return words.replace("&&", "\0").replace("&", "").replace("\0", "&")
