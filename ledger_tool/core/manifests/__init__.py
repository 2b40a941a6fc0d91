"""Image references in files that people write: found, judged, and edited in place."""
