"""What differs between two ledgers: effects, commit messages, merges and conflicts."""
