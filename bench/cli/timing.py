"""`bench time`: how long networks take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from bench.cli.networks import resolve_targets, target_options
from bench.cli.options import ManyNumbers, Several, form_option, out_option, together

HEADINGS = {
    "variant": "Variant",
    "network": "Network",
    "what": "What",
    "batch": "Batch",
    "clip": "Clip",
    "precision": "Precision",
    "memory_format": "Memory format",
    "compiled": "Compiled",
    "median_ms": "Median (ms)",
    "iqr_ms": "IQR (ms)",
    "clips_per_s": "Clips/s",
    "peak_mb": "Peak (MB)",
    "repeats": "Repeats",
    "machine": "Machine",
    "marks": "Marks",
}


USUAL: tuple[object, ...] = (None, (), [], "off")
"""The table omits a column whose cells are all one of these."""

AS_SET = "[default: as the settings say]"


class ManyBatches(ManyNumbers):
    """Reads `--batch 1 2 4` as `--batch 1 --batch 2 --batch 4`."""

    many = "--batch"


measuring_options = together(
    click.option(
        "--batch",
        "batches",
        multiple=True,
        type=Several(min=1),
        default=(1, 2, 4, 8),
        metavar="N ...",
        help="Clips per batch of inference; 1 is latency.  [default: 1 2 4 8]",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(min=3),
        default=20,
        show_default=True,
        help="Number of timed calls.",
    ),
    click.option(
        "--warmup",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        help="Number of calls before them that are not timed.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "tf32", "bf16"]),
        help=f"Arithmetic; tf32 exists on GPUs only.  {AS_SET}",
    ),
    click.option(
        "--channels-last/--contiguous",
        "channels_last",
        default=None,
        help=f"Memory format.  {AS_SET}",
    ),
    click.option(
        "--compile",
        "compiled",
        type=click.Choice(["off", "default", "reduce-overhead"]),
        help=f"Mode of torch.compile.  {AS_SET}",
    ),
    click.option(
        "--evaluation",
        type=click.Choice(["fast", "reference"]),
        help=f"How a supernet is computed.  {AS_SET}",
    ),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="Number of CPU threads.  [default: as torch chooses]",
    ),
    click.option(
        "--shared", is_flag=True, help="Measure although other work is running; every row says so."
    ),
    form_option("table", "json", "csv"),
    out_option,
)
"""The options about how time is measured."""


@click.command("time", cls=ManyBatches)
@target_options
@measuring_options
def time(
    batches: tuple[int, ...],
    repeats: int,
    warmup: int,
    precision: str | None,
    channels_last: bool | None,
    compiled: str | None,
    evaluation: str | None,
    threads: int | None,
    shared: bool,
    device: str,
    form: str,
    out: Path | None,
    **asked,
) -> int:
    """Measure latency, throughput and the time of a training step.

    With --supernet the time of a search step. RUN is a run folder. Of a variant without a run, a
    random genotype of median size is taken. Refuses to measure while other work of the harness is
    on this machine.
    """
    from bench.cli.output import check_place, deliver
    from bench.cli.progress import Steps, bars
    from bench.errors import UsageError

    if evaluation and not asked["supernet"]:
        raise UsageError(f"--evaluation {evaluation} is about the search network: add --supernet")
    check_place(out)
    targets, skipped = resolve_targets(**asked, draws=1)

    from bench.measuring.timing import Conditions, time_targets
    from bench.system.machine_lock import machine_alone, machine_in_use
    from bench.training.compute import current_card, resolve_device
    from bench.training.compute import threads as on_threads

    place = resolve_device(device)
    if place == "mps":
        raise UsageError("--device mps: times are measured on a CPU or a CUDA GPU alone")
    ways = {"precision": precision, "channels_last": channels_last, "compile": compiled}
    targets = [target.computed(evaluation, **ways) for target in targets]
    if place == "cpu" and any(target.compute.precision == "tf32" for target in targets):
        raise UsageError("precision tf32 exists on GPUs only; on a CPU use fp32 or bf16")
    conditions = Conditions(place, warmup, repeats, shared)
    alone = machine_in_use() if shared else machine_alone()
    with alone, on_threads(threads), current_card(place), bars() as display:
        sizes = tuple(dict.fromkeys(batches))
        timings = time_targets(targets, sizes, conditions, Steps(display))
    deliver(STYLES[form](timings.to_dict()), out)
    return 1 if skipped else 0


def _table(timings: Mapping[str, Any]) -> str:
    from tabulate import tabulate

    from bench.cli.output import origins

    machine, rows = timings["machine"], timings["rows"]
    shown = [name for name in HEADINGS if any(row[name] not in USUAL for row in rows)]
    cells = [[_cell(name, row[name]) for name in shown] for row in rows]
    numbers = ("batch", "median_ms", "iqr_ms", "clips_per_s", "peak_mb", "repeats")
    align = ["right" if name in numbers else "left" for name in shown]
    grid = tabulate(
        cells, [HEADINGS[name] for name in shown], colalign=align, disable_numparse=True
    )
    return "\n".join([*_header(machine), *origins(rows), "", grid])


def _header(machine: Mapping[str, Any]) -> Iterator[str]:
    where = machine["gpu"] or machine["cpu"]
    yield f"{where}, {machine['threads']} threads, torch {machine['torch']}"
    commit = machine["git_commit"] or "no checkout"
    changed = " with changes" if machine["git_dirty"] else ""
    yield f"rnas-mer-bench {machine['version']}, commit {commit[:12]}{changed}"


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "clip":
        return "×".join(map(str, value))
    if name == "marks":
        return "; ".join(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _csv(timings: Mapping[str, Any]) -> str:
    """CSV; every line repeats the machine, so that files can be concatenated."""
    from bench.system.files import csv_of_records

    rows = [
        {
            **row,
            "clip": _cell("clip", row["clip"]),
            "marks": _cell("marks", row["marks"]),
            **timings["machine"],
        }
        for row in timings["rows"]
    ]
    return csv_of_records(rows).rstrip("\n")


def _json(timings: Mapping[str, Any]) -> str:
    from bench.system.result_files import sealed

    return json.dumps(sealed(timings), indent=1, allow_nan=False)


STYLES = {"table": _table, "json": _json, "csv": _csv}
