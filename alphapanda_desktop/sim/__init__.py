"""A local Kite on 127.0.0.1: REST, websocket and login page, with a living market."""
