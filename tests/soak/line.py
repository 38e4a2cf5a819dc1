"""The line between the program and its exchange: a TCP proxy that can be cut, stalled, and cut again and again."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
CHUNK = 65_536
LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER of nought: closing such a socket sends a reset."""


class Line:
    """Listens on `port`; whoever connects is brought to the address (host:port) that the file `upstream` holds then."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        for writer in list(self._writers):
            _reset(writer)

    def down(self) -> None:
        """Reset every connection, and each new one as well."""
        self._refusing = True
        self.cut()

    def stall(self) -> None:
        """Carry nothing any more, and leave the connections as they are."""
        self._flowing.clear()

    def well(self) -> None:
        """As on a good day; what was held up by a stall comes now."""
        self._refusing = False
        self._flowing.set()

    # -- one connection ------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._refusing:
                return
            host, _, port = self._upstream.read_text(encoding="utf-8").rpartition(":")
            there, back = await asyncio.open_connection(host, int(port))
            self._writers.add(back)
            try:
                await asyncio.wait(
                    [asyncio.create_task(self._carry(reader, back)), asyncio.create_task(self._carry(there, writer))]
                )
            finally:
                self._end(back)
        except OSError:
            pass  # nobody listens there now: the connection is reset, as a router does
        finally:
            _reset(writer)
            self._end(writer)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    there: socket.socket | None = writer.get_extra_info("socket")
    if there is not None and there.fileno() >= 0:
        with suppress(OSError):
            there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    writer.transport.abort()
