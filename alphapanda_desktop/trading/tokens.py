"""A token as one line of text for the vault, and back."""

from __future__ import annotations

import json
from datetime import datetime

from alphapanda_desktop.domain.session import Token


def token_to_text(token: Token) -> str:
    """One line for the keyring; never written anywhere else."""
    return json.dumps([token.api_key, token.access_token, token.user_id, token.login_time.isoformat()])


def token_from_text(text: str) -> Token | None:
    """The token in a vault entry, or None where the entry is not one."""
    try:
        api_key, access_token, user_id, login_time = json.loads(text)
        at = datetime.fromisoformat(login_time)
    except (ValueError, TypeError, RecursionError):
        return None
    if at.tzinfo is None or not all(isinstance(part, str) for part in (api_key, access_token, user_id)):
        return None
    return Token(api_key, access_token, user_id, at)
