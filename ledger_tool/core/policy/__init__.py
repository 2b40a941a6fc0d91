"""The settings of `ledger.yaml`, and which image of the ledger a reference means."""
