"""What `run.json` says of a fixed network, as far as predictions follow from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from baselines.fixed import Recipe, StillInput

TRAINED = ("network", "options", "input", "recipe")
"""What a fixed network says of itself with an effect on a run."""


def trained_network(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """That part of a network's record; None for a method that is searched.

    What an older record does not say of its input or its own recipe was as it is by default now.
    """
    if not record:
        return None
    trained = {key: record.get(key) for key in TRAINED}
    for key, kind in (("input", StillInput), ("recipe", Recipe)):
        named = {field.name: field.default for field in fields(kind)}
        if isinstance(trained[key], Mapping) and trained[key].keys() <= named.keys():
            usual = {name: value for name, value in named.items() if value is not MISSING}
            trained[key] = {**json.loads(json.dumps(usual)), **trained[key]}
    return trained
