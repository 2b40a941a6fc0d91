"""Floor 4: arguments to settings, edges to one command, result to render. The only place of exit codes."""
