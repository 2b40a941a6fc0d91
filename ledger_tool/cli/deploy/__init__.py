"""The commands of the Deploy panel of `ledger --help`."""
