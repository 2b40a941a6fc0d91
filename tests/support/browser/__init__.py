"""A real browser, and what looks at pages in it."""
