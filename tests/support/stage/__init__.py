"""The stage on which the docs and the CI kits run."""
