"""What commits tell: the log, where a digest comes from, revisions, signatures."""
