"""The commands of the panel Set up of `ledger --help`."""
