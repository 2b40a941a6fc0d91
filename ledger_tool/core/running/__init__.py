"""What runs, as cluster and engine tools print it, compared with the ledger."""
