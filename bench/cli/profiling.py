"""`bench profile`: parameters, multiply-accumulates and memory of networks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.cli.networks import resolve_targets, target_options
from bench.cli.options import format_option, out_option
from bench.runs.marks import COUNTS

COLUMNS = {
    "params": ("Params (M)", 10**6),
    "live_share": ("Live (%)", 0.01),
    "macs": ("MACs (M)", 10**6),
    "gflops": ("GFLOPs", 1),
    "weights_mb": ("Weights (MB)", 1),
    "checkpoint_mb": ("Checkpoint (MB)", 1),
    "peak_train_mb": ("Peak training (MB)", 1),
    "peak_infer_mb": ("Peak inference (MB)", 1),
}
"""Figures of the table -> heading, and the divisor that converts them to the unit shown."""


@click.command()
@target_options
@click.option(
    "--draws",
    type=click.IntRange(1, 2000),
    default=9,
    show_default=True,
    help="Number of random genotypes per --variant; their median and range are shown.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    help="Also list the parameters and MACs of modules, down to so many levels.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=2),
    help="Clips per batch for peak memory.  [default: the batch of the settings]",
)
@click.option(
    "--peaks/--no-peaks",
    default=True,
    show_default=True,
    help="Measure peak memory, which takes seconds per network.",
)
@format_option
@out_option
def profile(
    draws: int,
    depth: int | None,
    batch: int | None,
    peaks: bool,
    form: str,
    out: Path | None,
    device: str,
    **asked,
) -> int:
    """Count parameters and MACs, and measure peak memory.

    MACs are counted by three programs.

    RUN is a run folder. Of a variant without a run, random genotypes are taken. JSON is one
    object for one target, else a list.
    """
    from bench.cli.output import check_place, deliver
    from bench.cli.progress import Steps, bars

    check_place(out)
    targets, skipped = resolve_targets(**asked, draws=draws)

    from bench.measuring.profiling import Wanted, profile_targets
    from bench.system.machine_lock import machine_in_use
    from bench.training.compute import resolve_device

    place = resolve_device(device)
    with machine_in_use(), bars() as display:
        wanted = Wanted(place, depth or 0, peaks, batch)
        profiles = profile_targets(targets, wanted, Steps(display))
    deliver(STYLES[form]([profile.to_dict() for profile in profiles]), out)
    return 1 if skipped else 0


def _json(profiles: Sequence[Mapping[str, Any]]) -> str:
    value = profiles[0] if len(profiles) == 1 else list(profiles)
    return json.dumps(value, indent=1, allow_nan=False)


def _table(profiles: Sequence[Mapping[str, Any]]) -> str:
    from tabulate import tabulate

    from bench.cli.output import origins

    rows = [[_name(p), *(_figure(p, key) for key in COLUMNS), _marks(p)] for p in profiles]
    heads = ["Network", *(head for head, _ in COLUMNS.values()), "Marks"]
    align = ["left", *["right"] * len(COLUMNS), "left"]
    if not any(row[-1] for row in rows):
        rows, heads, align = [row[:-1] for row in rows], heads[:-1], align[:-1]
    grid = tabulate(rows, heads, colalign=align, disable_numparse=True)
    notes = [*_notes(profiles), *origins(profiles)]
    parts = [_breakdown(p) for p in profiles if "modules" in p]
    return "\n\n".join([grid, "\n".join(notes), *parts])


def _name(profile: Mapping[str, Any]) -> str:
    return f"{profile['variant']}, {profile['what']}"


def _marks(profile: Mapping[str, Any]) -> str:
    return "; ".join(profile["marks"])


def _figure(profile: Mapping[str, Any], key: str) -> str:
    """A figure in the unit of its column, and below it the range if there are several networks."""
    _, unit = COLUMNS[key]
    if profile[key] is None:
        return "–"
    text = f"{profile[key] / unit:.4g}"
    ends = profile.get("range", {}).get(key)
    return f"{text}\n{ends[0] / unit:.4g}–{ends[1] / unit:.4g}" if ends else text


def _agree(profiles: Sequence[Mapping[str, Any]]) -> bool:
    return all(len({each[name] for name in COUNTS} - {None}) == 1 for each in profiles)


def _notes(profiles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    clips = dict.fromkeys("×".join(map(str, p["input_shape"])) for p in profiles)
    said = "torch, fvcore and ptflops agree" if _agree(profiles) else "torch's; see the marks"
    yield f"Clip {', '.join(clips)}. MACs of one clip: {said}."
    if any(p["networks"] > 1 for p in profiles):
        yield "Several networks: median, and below it least–greatest."
    measured = [p for p in profiles if "peak_measured_by" in p]
    yield from dict.fromkeys(
        f"Peak memory: {p['peak_measured_by']}, batch {p['peak_batch']}, on {p['peak_device']}, "
        f"{p['peak_threads']} threads."
        for p in measured
    )
    for p in measured:
        if "peak_reason" in p:
            yield f"Peak memory of {_name(p)} is incomplete: {p['peak_reason']}."


def _breakdown(profile: Mapping[str, Any]) -> str:
    """Parameters and MACs of every module; a module's figures include those of its children."""
    from tabulate import tabulate

    modules = profile["modules"]
    params, macs = (modules[0][key] or 1 for key in ("params", "macs"))
    rows = [
        [
            "  " * m["depth"] + (m["path"] or _name(profile)),
            m["kind"],
            f"{m['params']:,}",
            f"{100 * m['params'] / params:.1f}",
            f"{m['macs']:,}",
            f"{100 * m['macs'] / macs:.1f}",
        ]
        for m in modules
    ]
    heads = ["Module", "Class", "Params", "%", "MACs", "%"]
    align = ["left", "left", *["right"] * 4]
    return tabulate(rows, heads, colalign=align, disable_numparse=True, preserve_whitespace=True)


STYLES = {"table": _table, "json": _json}
