"""The commands of the Registry panel of `ledger --help`."""
