"""The commands of the Record panel of `ledger --help`."""
