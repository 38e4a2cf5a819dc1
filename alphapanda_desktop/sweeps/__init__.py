"""Backtests as jobs that any worker can play, many of them at once: grids, searches, walks forward."""
