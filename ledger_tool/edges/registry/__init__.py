"""Registries, over HTTP. Nothing outside this package and `edges/forge` imports `requests`."""
