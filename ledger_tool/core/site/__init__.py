"""The ledger as a site: the facts that its pages and its data show, and where each of them stands."""
