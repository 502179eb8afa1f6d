"""Presets: settings for one purpose, a TOML file each."""
