"""Floor 3: the only writer to the screen. What comes in are results; what goes out is text."""
