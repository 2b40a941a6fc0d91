"""Git, seen through the `git` program. Nothing outside this package imports GitPython."""
