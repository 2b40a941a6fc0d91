"""How long `ledger` takes, compared with what it is built on and what it replaces: `python -m benchmarks`."""
