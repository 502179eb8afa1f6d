"""The harness: registry, configuration, data, protocol, training, metrics, run store, commands."""

__version__ = "0.1.0"
