"""A websocket on this machine that sends frames of full packets at a steady pace, each with the moment it was sent.

Arguments: packets a second, packets a frame, seconds, instruments. Prints its port. The volume of every packet is the
monotonic clock in microseconds, below 2³²; of a frame that a slow reader held up, the moment when it was due.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import numpy as np
from aiohttp import WSMsgType, web

from tests.benchmarks.packets_drive import full_packet, tokens

SPIN_S = 0.0004
"""The last part of a wait is spent looking at the clock: a timer of the system is late by as much."""

HELD_UP_S = 0.02


async def _until(due_s: float) -> None:
    left_s = due_s - time.monotonic() - SPIN_S
    if left_s > 0:
        await asyncio.sleep(left_s)
    while time.monotonic() < due_s:
        pass


class Pace:
    def __init__(self, rate: int, size: int, seconds: float, count: int) -> None:
        self.step_s, self.frames = size / rate, int(rate * seconds / size)
        names = tokens(count)
        self.templates = []
        for first in range(0, count, size):
            part = names[first : first + size]
            whole = b"".join(b"\x00\xb8" + full_packet(token) for token in part)
            self.templates.append(bytearray(len(part).to_bytes(2) + whole))

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        while True:  # the first words are the subscription
            message = await socket.receive()
            if message.type is WSMsgType.TEXT and '"mode"' in message.data:
                break
        await asyncio.sleep(1.0)
        began_s = time.monotonic()
        for number in range(self.frames):
            due_s = began_s + number * self.step_s
            await _until(due_s)
            frame = self.templates[number % len(self.templates)]
            now_s = time.monotonic()
            stamp = int((due_s if now_s - due_s > HELD_UP_S else now_s) * 1e6) & 0xFFFF_FFFF
            np.ndarray(((len(frame) - 2) // 186,), ">u4", frame, 20, (186,))[:] = stamp
            await socket.send_bytes(bytes(frame))
        await asyncio.sleep(60)
        return socket


async def main(rate: int, size: int, seconds: float, count: int) -> None:
    app = web.Application()
    app.router.add_get("/", Pace(rate, size, seconds, count).serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"port": site._server.sockets[0].getsockname()[1]}), flush=True)  # type: ignore[union-attr]
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
