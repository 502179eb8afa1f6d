"""The paper's claims recomputed from its own numbers."""
