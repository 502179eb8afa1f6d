"""Trained networks as files: saved, loaded, asked about new clips, exported."""
