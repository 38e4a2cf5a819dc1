"""The rules of trading: no Qt, no asyncio, no I/O, no wall clock."""
