"""The day of a person with the mouse: each chapter points, clicks and drags, and looks whether it came true."""

from __future__ import annotations

CHAPTERS = {}
