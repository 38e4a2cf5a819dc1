"""The chart: series (Qt-free), items (painting), view (panes, axes, cursor)."""
