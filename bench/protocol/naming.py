"""What the split of a run is called wherever its scores stand: one name for each (no NumPy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.data.clips import FRESH

LOSO_TITLE = "LOSO"

FOLDS_TITLE, SET_TITLE = "k folds", "data set left out"
"""How the names of the other splits begin."""


def split_title(config: Mapping[str, Mapping[str, Any]]) -> str:
    """The split of settings by section, as `run.json` records them; older runs left one out."""
    protocol = config.get("protocol", {})
    if config.get("data", {}).get("fresh_seed"):
        return FRESH
    split = protocol.get("split", "loso")
    if split == "kfold":
        return f"{FOLDS_TITLE}: {protocol['folds']} by subject"
    if split == "lodo":
        sides = (
            f"{what} {names}"
            for what, names in (
                ("trained on", protocol.get("train_sets")),
                ("tested on", protocol.get("test_sets")),
            )
            if names
        )
        return ": ".join(filter(None, (SET_TITLE, " and ".join(sides))))
    return LOSO_TITLE
