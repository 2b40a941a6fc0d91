"""The commands of the panel Deploy of `ledger --help`."""
