"""One judge of changes, for a commit, a pull request, a whole history, a review and a rebase."""
