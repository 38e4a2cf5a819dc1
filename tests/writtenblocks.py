"""Blocks of a recording written by the words of their format alone: the recorder and its readers are held to them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from struct import pack as packed

from alphapanda_desktop.domain.ticklog import Frame


def frames_block(frames: Sequence[Frame], *, pack: bool = False) -> bytes:
    """A block of frames in the order in which they came; at least one."""
    payload = b"".join(packed("<QI", at_ns, len(frame)) + frame for at_ns, frame in frames)
    stored = zlib.compress(payload) if pack else payload
    times = [at_ns for at_ns, _ in frames]  # a clock that was set back puts them out of order
    head = packed("<4sBBHIQQI", b"\xa9BLK", 1, pack, 0, len(frames), min(times), max(times), len(stored))
    return head + zlib.crc32(head + stored).to_bytes(4, "little") + stored
