"""`bench transfer`: networks tested on a data set of which they have seen nothing."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli import completing
from bench.cli.options import (
    allow_outside_option,
    data_root_option,
    device_option,
    format_option,
    subjects_option,
)


@click.command()
@click.option(
    "--train",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Model file of `bench pretrain` or `bench fit`; of several also the mean is scored.",
)
@click.option(
    "--test",
    "dataset",
    required=True,
    metavar="NAME",
    shell_complete=completing.datasets,
    help="Data set to test on: a name, or manifest:FILE.csv.",
)
@data_root_option
@subjects_option
@allow_outside_option
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="How the tested set is read, e.g. data.class_map=sad=negative,...; repeat for several.",
)
@device_option
@format_option
def transfer(
    files: tuple[Path, ...],
    dataset: str,
    data_root: Path | None,
    subjects: str | None,
    allow_outside: bool,
    overrides: tuple[str, ...],
    device: str,
    form: str,
) -> None:
    """Test networks on another data set than they were trained on.

    No label of the tested set is used but to score. Two controls stand beside the score: the same
    answers against shuffled labels, and flow mirrored upside down, which turns what a network has
    learnt of directions against it.
    """
    from bench.data.sources import resolve_source
    from bench.system.files import default_cache

    source = resolve_source(dataset, data_root, False, default_cache())

    from bench.cli.progress import steps
    from bench.studies.transfer import transfer_report
    from bench.system.result_files import sealed
    from bench.training.compute import resolve_device

    with steps() as report:
        found = transfer_report(
            files,
            source,
            subjects or "",
            allow_outside,
            resolve_device(device),
            report,
            settings=overrides,
        )
    click.echo(json.dumps(sealed(found), indent=2) if form == "json" else _as_text(found))


def _as_text(found: dict) -> str:
    from tabulate import tabulate

    from bench.data.clips import Problem, problem_lines
    from bench.protocol.metrics import metrics

    rows = []
    for row in found["rows"]:
        cells = [row["model"], row["flow"], row["part"], row["clips"]]
        for name in metrics():
            low, high = (row["intervals"].get(name, {}).get(end) for end in ("low", "high"))
            span = "" if low is None else f" [{low:.3f}, {high:.3f}]"  # of one person there is none
            cells.append("" if row[name] is None else f"{row[name]:.3f}{span}")
        chance = row["shuffled"]
        cells.append(f"{chance['expected']:.3f} (p {chance['p']:.2g})" if chance else "")
        rows.append(cells)
    headings = [metric.heading for metric in metrics().values()]
    titles = ["model", "flow", "tested on", "clips", *headings, "UAR, labels shuffled"]
    notes = ["", *(f"{name}: {title}" for name, title in found["models"].items())]
    notes += [f"marks: {', '.join(found['marks'])}"] if found["marks"] else []
    notes += problem_lines(Problem(**problem) for problem in found["problems"])
    return "\n".join([tabulate(rows, titles, disable_numparse=True), *notes])
