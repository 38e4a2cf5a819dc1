"""Recorded markets played again: read from files, in virtual time, to the very parts that trade live."""
