"""Commands that do their work without a window: one module each, with `run(arguments, options) -> exit code`."""
