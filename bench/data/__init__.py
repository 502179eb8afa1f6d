"""Clips: where they lie, how they are read and preprocessed, and what is kept of them."""
