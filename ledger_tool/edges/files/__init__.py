"""Local files: those of a ledger, of a CI kit, and manifests."""
