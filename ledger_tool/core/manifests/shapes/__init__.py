"""The shapes in which YAML names images, one file a kind; `find` walks a document and tries them on each node."""
