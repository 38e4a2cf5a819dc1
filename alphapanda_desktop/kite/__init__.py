"""All that knows Zerodha Kite's wire."""
