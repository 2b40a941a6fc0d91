"""What is built on what: the graph, parts of it, and what must be kept."""
