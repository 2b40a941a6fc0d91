"""A git-backed ledger of container image versions."""

__version__ = "0.2.0"
