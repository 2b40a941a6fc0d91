"""The commands of the panel Review of `ledger --help`."""
