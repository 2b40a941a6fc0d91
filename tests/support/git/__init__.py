"""Git repositories and servers, and processes that race on them."""
