"""AlphaPanda Desktop: a trading terminal for people who let programs trade."""

__version__ = "0.1.0"
