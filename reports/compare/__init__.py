"""Runs compared on the same clips: differences with intervals, tests, ranks. Trains nothing."""
