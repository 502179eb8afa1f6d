"""Data looked at: quick and deep checks, contact sheets."""
