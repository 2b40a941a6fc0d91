"""The commands of the "Set up" panel of `ledger --help`."""
