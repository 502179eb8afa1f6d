"""The record of a study and its files: common to `bench leakage`, `enumerate` and `ablate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from bench.protocol.metrics import UAR, UF1

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.engine.request import Request
    from bench.runs.job import Job

SCORES = {metric.name: metric.heading for metric in (UAR, UF1)}


def conditions(request: Request) -> dict[str, Any]:
    """The data set and the preset of a study, as entries of its record."""
    return {
        "dataset": request.source.label,
        "surrogate": request.source.surrogate,
        "preset": request.preset,
    }


def trained_folds(jobs: Iterable[Job]) -> dict[str, float | None]:
    """The share of trained folds in finished runs, as an entry of a record; None if not known."""
    from bench.runs.record import read_run

    shares = [share for job in jobs if (share := read_run(job.folder).trained) is not None]
    return {"trained": fmean(shares) if shares else None}


def write_study(
    measured: Mapping[str, Any],
    request: Request,
    draw: Callable[[Mapping[str, Any]], Figure],
    out: Path,
    **texts: Callable[[Mapping[str, Any]], str],
) -> dict[str, Any]:
    """Writes a study as sealed JSON with its provenance, and its picture; returns the JSON record.

    measured: the `conditions`, `variant` and what `draw` needs; texts: suffix of a further file ->
    what it says of the record. Files are named after data set, variant and, where there is a choice
    of it, protocol.
    """
    from bench.runs.folder import SURROGATE_SUFFIX
    from bench.system.files import write_json, write_text
    from bench.system.provenance import now, provenance
    from bench.system.result_files import sealed
    from reports.figures import save

    record = sealed({**measured, "made": now(), "provenance": provenance(request.device)})
    name = record["dataset"] + SURROGATE_SUFFIX * record["surrogate"]
    stem = out / "-".join(filter(None, (name, record["variant"], record.get("protocol"))))
    write_json(stem.with_name(f"{stem.name}.json"), record)
    for suffix, text in texts.items():
        write_text(stem.with_name(f"{stem.name}.{suffix}"), text(record))
    save(draw(record), stem, ("png", "svg"))
    click.echo(f"{stem}: {' '.join(('json', *texts, 'png', 'svg'))}", err=True)
    return record


def heading(record: Mapping[str, Any]) -> str:
    """Variant, data set, preset and training, for the line above a study's tables."""
    surrogate = " (surrogate)" if record["surrogate"] else ""
    known = f"{record['variant']} on {record['dataset']}{surrogate}, preset {record['preset']}"
    return known + _training(record)


def _training(record: Mapping[str, Any]) -> str:
    """The share of trained folds after a comma; nothing where it is not recorded."""
    from reports.reading.marks import ENOUGH_TRAINED, NOT_TRAINED

    share = record.get("trained")
    if share is None:
        return ""
    word = "trained" if share >= ENOUGH_TRAINED else NOT_TRAINED
    return f", {word}: {math.floor(100 * share)} % of folds"


def with_interval(number: Mapping[str, Any], digits: int = 2) -> str:
    """A signed number with its interval: `+0.31 (+0.05 to +0.52)`."""
    if number["low"] is None:
        return f"{number['estimate']:+.{digits}f}"
    estimate, low, high = (f"{number[key]:+.{digits}f}" for key in ("estimate", "low", "high"))
    return f"{estimate} ({low} to {high})"


def clips_of(record: Mapping[str, Any]) -> str:
    """The data set for a caption: `SMIC-HS (surrogate)`."""
    from bench.data.sets.catalogue import DATASETS

    known = DATASETS.get(record["dataset"])
    name = known.title if known else record["dataset"]
    return f"{name} (surrogate)" if record["surrogate"] else name


def made_with(record: Mapping[str, Any], seeds: str) -> str:
    """A sentence on preset, seeds (as text), clip size and training epochs."""
    data, train = record["config"]["data"], record["config"]["train"]
    return (
        f"Preset {record['preset']}, {seeds}, {data['frames']} frames of "
        f"{data['size']}×{data['size']}, {train['epochs']} training epochs{_training(record)}."
    )
