"""Finished runs gathered into the groups that tables and figures show."""
