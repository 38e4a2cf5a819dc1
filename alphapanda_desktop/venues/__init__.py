"""Venues: where ticks come from and orders go in each mode. Practice differs from Zerodha by addresses alone."""
