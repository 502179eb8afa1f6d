"""Search strategies: how an architecture is found, one strategy a file."""
