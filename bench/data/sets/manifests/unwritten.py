"""Rows of a manifest that are in no file, read as if they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data.clips import Problem
from bench.data.sets.catalogue import DATASETS
from bench.data.sets.manifests.manifest import Manifest
from bench.data.sets.manifests.rows import Row


class Unwritten(Manifest):
    """The manifest that rows would make; table: the file that messages name.

    path: where it would lie; frames are relative to its folder.
    """

    def __init__(self, path: Path, table: str, rows: Sequence[Row], outside: bool = False) -> None:
        super().__init__(path, DATASETS, outside)
        self._table, self._rows = table, rows

    def _read(self) -> Sequence[Row]:
        return self._rows

    def _encoding(self) -> list[Problem]:
        return []

    @property
    def source(self) -> str:
        """The table, whose rows messages count."""
        return self._table
