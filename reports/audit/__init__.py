"""The audit: the paper's claims recomputed from its own numbers."""
