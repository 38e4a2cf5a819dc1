"""A websocket between the program and its practice exchange that makes a busy market of a quiet one.

Arguments: the exchange's own websocket, ticks a second of each instrument, packets a frame. Prints its port. Of what
the exchange sends, only texts go through (order updates); every subscribed instrument ticks here, in full, its price
wandering and its time the moment of sending. A frame that could not be sent in time is not sent later.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiohttp
import numpy as np
from aiohttp import WSMsgType, web

FULL, FRAMED = 184, 186
INDICES = 9
"""Segment of indices, in the last byte of their tokens: their packets are shorter, and they stay silent here."""
LATE_S = 0.5


class Packets:
    """Full packets of some tokens, their prices wandering."""

    def __init__(self, tokens: list[int]) -> None:
        self._random = np.random.default_rng(3)
        self._tokens = np.array(tokens, np.uint32)
        self._price = self._random.integers(40_000, 200_000, len(tokens)).astype(np.int64) // 5 * 5
        self._open = self._price.copy()
        self._volume = np.zeros(len(tokens), np.int64)

    def frame(self, first: int, count: int, at_s: int) -> bytes:
        """One frame with the packets of `count` tokens from the `first` on."""
        rows = np.arange(first, min(first + count, len(self._tokens)))
        self._price[rows] += self._random.integers(-3, 4, len(rows)) * 5
        self._volume[rows] += 7
        price, words = self._price[rows], np.zeros((len(rows), 46), ">u4")
        words[:, 0], words[:, 1], words[:, 2], words[:, 3] = self._tokens[rows], price, 7, price
        words[:, 4], words[:, 5], words[:, 6] = self._volume[rows], 5_000, 5_000
        words[:, 7], words[:, 10] = self._open[rows], self._open[rows]
        words[:, 8], words[:, 9] = np.maximum(self._open[rows], price), np.minimum(self._open[rows], price)
        words[:, [11, 15]] = at_s
        words[:, 16::3] = 75
        words[:, 17::3] = price[:, None] + np.array([-5, -10, -15, -20, -25, 5, 10, 15, 20, 25])
        words[:, 18::3] = 3 << 16
        frame = np.zeros(2 + len(rows) * FRAMED, np.uint8)
        frame[:2] = len(rows) >> 8, len(rows) & 255
        packets = frame[2:].reshape(len(rows), FRAMED)
        packets[:, 1] = FULL
        packets[:, 2:] = words.view(np.uint8).reshape(len(rows), FULL)
        return frame.tobytes()


class Relay:
    def __init__(self, upstream: str, per_s: float, size: int) -> None:
        self._upstream, self._per_s, self._size = upstream, per_s, size

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        tokens: list[int] = []
        async with aiohttp.ClientSession() as http:
            query = request.query_string
            async with http.ws_connect(f"{self._upstream}?{query}") as above:
                await socket.prepare(request)
                async with asyncio.TaskGroup() as group:
                    sending = [group.create_task(self._texts(above, socket)),
                               group.create_task(self._tick(socket, tokens))]  # fmt: skip
                    async for message in socket:
                        said = json.loads(message.data)
                        if said["a"] == "subscribe":
                            there = {*tokens}
                            tokens += [token for token in said["v"] if token not in there and token & 255 != INDICES]
                        elif said["a"] == "unsubscribe":
                            gone = {*said["v"]}
                            tokens[:] = [token for token in tokens if token not in gone]
                    for task in sending:
                        task.cancel()
        return socket

    async def _texts(self, above: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse) -> None:
        async for message in above:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)

    async def _tick(self, socket: web.WebSocketResponse, tokens: list[int]) -> None:
        known: list[int] = []
        packets, due_s = Packets([]), time.monotonic()
        while True:
            if known != tokens:
                known = list(tokens)
                packets = Packets(known)
            frames = max(1, -(-len(known) // self._size))
            for number in range(frames):
                due_s = max(due_s + 1 / self._per_s / frames, time.monotonic() - LATE_S)
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                if known:
                    await socket.send_bytes(packets.frame(number * self._size, self._size, int(time.time())))


async def main(upstream: str, per_s: float, size: int) -> None:
    app = web.Application()
    app.router.add_get("/", Relay(upstream, per_s, size).serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
