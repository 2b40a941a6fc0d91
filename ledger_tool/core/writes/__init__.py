"""The writes, each a pure function from a ledger to a change, and their inputs."""
