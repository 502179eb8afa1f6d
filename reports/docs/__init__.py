"""Pages of `docs/` and parts of README that are made from measurements."""
