"""Generates pages of `docs/` and parts of README from code, settings and measurements."""
