"""Predictions made elsewhere: logs read, claims checked, statistics."""
