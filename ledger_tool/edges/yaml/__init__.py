"""YAML written by people: one parser for `ledger.yaml` and manifests, and the settings of `ledger.yaml`."""
