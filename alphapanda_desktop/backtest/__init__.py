"""Strategies over history: a synchronous loop in virtual time, judged, matched and charged by domain's own rules."""
