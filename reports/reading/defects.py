"""Why a run cannot stand in a table: figures that are missing or no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bench.protocol.metrics import BUILT_IN

if TYPE_CHECKING:
    from bench.runs.record import RunRecord


COSTS = ("params", "checkpoint_mb")

COUNTED = ("live_parameters", "live_share", "macs", "macs_fvcore", "macs_ptflops", "gflops")
"""Further figures of a network, which other methods and earlier versions lack."""


def defect(record: RunRecord) -> str | None:
    """What a record's files lack that a table needs, in one line; None if nothing."""
    checks = (
        ("metrics.json", record.metrics, _bad_metric),
        ("profile.json", record.profile, _bad_cost),
    )
    for name, content, bad in checks:
        key = None if content is None else bad(content)
        if key:
            return (
                f"{record.folder / name}: {key!r} is missing or of the wrong kind; left out; "
                "move the file elsewhere and repeat the command that wrote it"
            )
    return None


def _bad_metric(metrics: Any) -> str | None:
    """The first key of a metrics file that a table cannot use."""
    key = _not_a_number(metrics, BUILT_IN)
    if key:
        return key
    for name in ("protocol", "slices"):
        if not isinstance(metrics.get(name), Mapping):
            return name
    slices = metrics["slices"].items()
    return next((f"slices.{name}" for name, each in slices if _not_a_number(each, BUILT_IN)), None)


def _bad_cost(profile: Any) -> str | None:
    if key := _not_a_number(profile, COSTS):
        return key
    if key := _not_a_number(profile, [name for name in COUNTED if name in profile]):
        return key
    operators = profile.get("uncounted") or ()
    named = isinstance(operators, list | tuple) and all(isinstance(e, str) for e in operators)
    return None if named else "uncounted"


def _not_a_number(content: Any, keys: Iterable[str]) -> str | None:
    """The first of the keys that holds neither a number nor null; infinity is none."""
    if not isinstance(content, Mapping):
        return "the whole content"
    return next((key for key in keys if not _is_figure(content.get(key, ""))), None)


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) != math.inf)
