"""Floor 3: one file for each command, the steps in order, plain keyword arguments, no printing."""
