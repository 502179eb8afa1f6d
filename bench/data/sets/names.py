"""The names by which data sets are asked for. None of them is imported for that."""

from __future__ import annotations

from bench.system.installed import registered

ENTRY_POINTS = "bench.datasets"


def dataset_names() -> frozenset[str]:
    """The harness's own, and those of installed packages."""
    return frozenset(entry.name for entry in registered(ENTRY_POINTS))
