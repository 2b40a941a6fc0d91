"""A git-backed ledger of container image versions."""

__version__ = "0.3.0.dev0"
