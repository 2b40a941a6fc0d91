"""The history of a ledger: the log, where a digest comes from, revisions, signatures."""
