"""Floor 3: one file a verb, the steps in order, plain keyword arguments, no printing."""
