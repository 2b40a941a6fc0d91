"""The commands of the panel Registry of `ledger --help`."""
