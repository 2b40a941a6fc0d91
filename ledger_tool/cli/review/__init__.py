"""The commands of the Review panel of `ledger --help`."""
