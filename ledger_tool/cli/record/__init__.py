"""The commands of the panel Record of `ledger --help`."""
