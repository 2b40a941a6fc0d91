"""What `ledger.yaml` says, and which image of the ledger a reference means."""
