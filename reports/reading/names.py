"""Names of data sets and places as tables and figures print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


def place(record: RunRecord) -> str:
    """The clips in words: `SMIC (surrogate)`."""
    name = DATASETS.get(record.dataset, record.dataset)
    return f"{name} (surrogate)" if record.surrogate else name


DATASETS = {"composite": "composite", "smic": "SMIC", "casme2": "CASME II", "samm": "SAMM"}
"""Data sets with columns in Tables 2 and 4 -> how a reader calls them, in the paper's order."""
