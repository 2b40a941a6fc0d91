"""What a reader does with a site, in a real browser."""
