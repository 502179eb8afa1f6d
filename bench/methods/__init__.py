"""Variants by name, and what each is under the settings of a run."""
