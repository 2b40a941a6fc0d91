"""YAML that people write: `ledger.yaml`, and the positions in a manifest."""
