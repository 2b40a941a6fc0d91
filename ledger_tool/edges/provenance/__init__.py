"""Signatures of statements, checked by the libraries for it; each is imported when there is one to check."""
