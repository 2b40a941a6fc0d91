"""How long `ledger` takes, side by side with what it is made of and what it replaces: `python -m benchmarks`."""
