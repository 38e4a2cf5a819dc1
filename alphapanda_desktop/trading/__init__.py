"""The running desk: asyncio over domain and its ports; no Qt, no SQL, no HTTP."""
