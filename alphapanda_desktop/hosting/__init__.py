"""A strategy in a process of its own: what the program has of it, what the process has of the program, and the pipe."""
