"""Clips: where they are found, how they are read and preprocessed, and how they are cached."""
