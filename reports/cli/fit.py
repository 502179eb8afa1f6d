"""`bench fit`: a run's method trained on all its clips, kept as one model file."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.completing import folders
from bench.cli.options import OutFile, device_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path), shell_complete=folders)
@click.option(
    "--out",
    type=OutFile(),
    help="The model file.  [default: VARIANT-DATASET-seedN.safetensors here]",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    shell_complete=folders,
    help="Folder of the run's clips.  [default: where the run found them]",
)
@device_option
def fit(run: Path, out: Path | None, data_root: Path | None, device: str) -> None:
    """Train a run's method on all its clips, and keep the network.

    RUN is a run folder. No score is claimed of it: all clips were trained on. The file carries the
    score of the run, whose folds estimate the method. The last epoch is kept: nobody is left to
    choose another by.
    """
    from bench.cli.output import check_place
    from bench.cli.progress import steps
    from bench.errors import UsageError
    from bench.runs.folder import RunFolder
    from bench.runs.record import read_run_file
    from bench.system.files import default_cache
    from reports.reading.finished import FIRST_RUN

    folder = RunFolder(run)
    if not folder.run.exists():
        raise UsageError(f"{run} is no run folder (no run.json); make one: {FIRST_RUN}")
    record = read_run_file(folder)
    name = f"{record.variant}-{record.dataset}{'-surrogate' * record.surrogate}-seed{record.seed}"
    path = out or Path(f"{name}.safetensors")
    check_place(path)

    from bench.engine.fitting import fit as trained
    from bench.models.model import score_lines
    from bench.training.compute import resolve_device

    with steps() as report:
        model = trained(folder, path, default_cache(), data_root, resolve_device(device), report)
    click.echo(f"wrote {path}: {model.title}, {model.epoch} epochs")
    scores = ", ".join(score_lines(model)) or "none yet"
    marks = f" ({'; '.join(model.marks)})" if model.marks else ""
    click.echo(f"No score is claimed of it. Of the method in its run: {scores}{marks}")
