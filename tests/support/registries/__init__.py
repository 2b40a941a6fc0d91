"""Registries, real and in memory, and what stands in front of them."""
