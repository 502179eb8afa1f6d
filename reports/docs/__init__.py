"""Generates pages of `docs/` from code, settings and measurements."""
