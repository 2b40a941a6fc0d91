"""Values, strategies and oracles."""
