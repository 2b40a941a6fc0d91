"""Floor 3: one file per command, its steps in order, plain keyword arguments, no printing."""
