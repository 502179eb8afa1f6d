"""Settings as frozen dataclasses, and their loading from presets and options."""
