"""The commands of the panel Look of `ledger --help`."""
