"""The writes, each a pure function from a ledger to a change, and what is given to them."""
