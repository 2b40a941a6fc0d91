"""Registries, over HTTP. Nothing outside this package imports `requests`."""
