"""What goes into another tool's file: which image:tags, and under which keys."""
