"""The commands of the Look panel of `ledger --help`."""
