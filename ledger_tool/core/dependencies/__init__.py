"""The dependency graph, parts of it, and what must be kept."""
