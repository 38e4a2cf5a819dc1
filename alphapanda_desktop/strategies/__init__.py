"""Strategies that ship with the program; each imports only domain."""
