"""What a registry serves: images and indexes, drift from the ledger, login challenges."""
