"""What `bench leakage` and `bench enumerate` share: the record of a study, its files, its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.protocol.metrics import UAR, UF1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.engine.request import Request

SCORES = {metric.name: metric.heading for metric in (UAR, UF1)}


def conditions(request: Request) -> dict[str, Any]:
    """The part of a record that says on which clips and by which preset."""
    return {
        "dataset": request.source.label,
        "surrogate": request.source.surrogate,
        "preset": request.preset,
    }


def write_study(
    measured: Mapping[str, Any],
    request: Request,
    draw: Callable[[Mapping[str, Any]], Figure],
    out: Path,
) -> dict[str, Any]:
    """Writes the JSON file of a study, with its provenance, and its picture; returns the former.

    measured: the `conditions`, `variant` and whatever `draw` needs. Both are named after data set
    and variant.
    """
    from bench.runs.folder import SURROGATE_SUFFIX
    from bench.system.files import write_json
    from bench.system.provenance import now, provenance
    from reports.figures import save

    record = {**measured, "made": now(), "provenance": provenance(request.device)}
    name = record["dataset"] + SURROGATE_SUFFIX * record["surrogate"]
    stem = out / f"{name}-{record['variant']}"
    write_json(stem.with_name(f"{stem.name}.json"), record)
    save(draw(record), stem, ("png", "svg"))
    click.echo(f"{stem}: json png svg", err=True)
    return record


def heading(record: Mapping[str, Any]) -> str:
    """Variant, data set and preset, for the line above a study's tables."""
    surrogate = " (surrogate)" if record["surrogate"] else ""
    return f"{record['variant']} on {record['dataset']}{surrogate}, preset {record['preset']}"


def clips_of(record: Mapping[str, Any]) -> str:
    """The data set as a caption names it: `SMIC-HS (surrogate)`."""
    from bench.data.sets.catalogue import DATASETS

    known = DATASETS.get(record["dataset"])
    name = known.title if known else record["dataset"]
    return f"{name} (surrogate)" if record["surrogate"] else name


def made_with(record: Mapping[str, Any], seeds: str) -> str:
    """The sentence of a caption on preset, seeds (in words), clip size and training."""
    data, train = record["config"]["data"], record["config"]["train"]
    return (
        f"Preset {record['preset']}, {seeds}, {data['frames']} frames of "
        f"{data['size']}×{data['size']}, {train['epochs']} training epochs."
    )
