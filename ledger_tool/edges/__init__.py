"""Floor 2: every side effect, one outside system a module."""
