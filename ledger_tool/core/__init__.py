"""Floor 1: values in, values out. No git, HTTP, screen, clock, environment or disk."""
