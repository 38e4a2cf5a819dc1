"""What outlives a run: SQLite and the operating system's keyring."""
