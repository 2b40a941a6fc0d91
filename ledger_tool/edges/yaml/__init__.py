"""YAML that people write: one parser for `ledger.yaml` and manifests, and what `ledger.yaml` says."""
