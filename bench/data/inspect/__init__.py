"""Inspection of data: quick and deep checks, contact sheets."""
