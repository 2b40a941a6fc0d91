"""Forges at the wire."""
