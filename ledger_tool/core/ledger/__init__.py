"""The ledger itself: the names in it, records, the file's bytes, versions and queries."""
