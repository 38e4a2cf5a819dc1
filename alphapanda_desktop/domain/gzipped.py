"""Compressed files that people open: a few kilobytes can be made to fill any memory, so there is an end to them."""

from __future__ import annotations

import zlib
from typing import Final

LARGEST: Final = 1 << 30
"""Bytes of a file once it is unpacked; a day of ticks of one instrument has some millions."""
GZIP: Final = b"\x1f\x8b"


def unpacked(data: bytes, most: int = LARGEST) -> bytes:
    """What is in a gzip file, or the bytes as they are where they are none.

    Raises zlib.error for a file that is damaged or unpacks to more than `most`, EOFError for one that is cut off.
    """
    if not data.startswith(GZIP):
        return data
    found, rest = bytearray(), data
    while rest.startswith(GZIP):  # gzip allows several, one after the other
        part = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        found += part.decompress(rest, most - len(found) + 1)
        if len(found) > most:
            raise zlib.error(f"it unpacks to more than {most:,} bytes")
        if not part.eof:
            raise EOFError("the compressed file ends too early")
        rest = part.unused_data
    if rest.strip(b"\x00"):
        raise zlib.error("something else follows what is compressed")
    return bytes(found)
