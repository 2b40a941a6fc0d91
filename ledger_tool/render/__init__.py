"""Floor 3: the only writer to the screen. It turns results into text."""
