"""`bench export`: a run's predictions, or a model's network, as a file for other tools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from bench.cli.options import OutFile
from bench.config.settings import SELECTION_RULES

LOGS = ("megc2019", "csv", "json")
NETWORKS = ("pt2", "onnx", "torchscript")

STATED = ("surrogate", "leaky")
"""Marks that the protocol of a log says itself, of the rule that was asked for."""


@click.command()
@click.argument(
    "sources", metavar="RUN...|MODEL", type=click.Path(path_type=Path), nargs=-1, required=True
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*LOGS, *NETWORKS]),
    help="Of a run: the challenge's log, CSV, or JSON with classes and protocol. Of a model: "
    "torch.export, ONNX or TorchScript.  [default: megc2019, pt2]",
)
@click.option(
    "--selection",
    type=click.Choice(SELECTION_RULES),
    help="The predictions of this selection rule.  [default: the run's own]",
)
@click.option(
    "--other-frames",
    is_flag=True,
    help="Average runs on the same clips whose frames differ: cropped or aligned anew.",
)
@click.option(
    "--out",
    type=OutFile(),
    help="File to write.  [default: the terminal; of a model, beside it]",
)
def export(
    sources: tuple[Path, ...],
    form: str | None,
    selection: str | None,
    other_frames: bool,
    out: Path | None,
) -> None:
    """Write a run's predictions, or a model's network, to a file.

    RUN is a run folder, MODEL a file that `bench fit` wrote. Of several runs on the same clips it
    is the mean of what they give each class (softmax of logits): seeds together, or methods.

    `bench score` of the predictions gives the run's own scores. The log of a surrogate run begins
    with a remark that says so: its clips have the names of real ones; leaks and shuffled labels
    stand in a remark, or in a column of the CSV, too. A network takes what the
    preprocessing makes of clips, in batches of any size; beside it a model card (.md) says what it
    is and is not for.
    """
    from bench.errors import UsageError

    of_model = any(source.is_file() for source in sources)
    if of_model and len(sources) > 1:
        raise UsageError("several are exported together as run folders alone; name one model file")
    form = form or ("pt2" if of_model else "megc2019")
    if of_model and form not in NETWORKS:
        raise UsageError(f"--format {form} is for run folders; of a model: {', '.join(NETWORKS)}")
    if not of_model and form in NETWORKS:
        raise UsageError(
            f"--format {form} needs a model file, {sources[0]} is none: `bench fit RUN` makes one"
        )
    if of_model:
        _network(sources[0], form, selection, out)
    else:
        _predictions(sources, form, selection, other_frames, out)


def _predictions(
    runs: tuple[Path, ...], form: str, selection: str | None, other_frames: bool, out: Path | None
) -> None:
    from bench.cli.output import deliver
    from bench.errors import UsageError
    from bench.runs.folder import RunFolder
    from bench.runs.record import moved_line, read_run
    from bench.scoring.mean import mean_log
    from bench.scoring.report import run_log
    from bench.scoring.writing import render_log
    from reports.reading.groups import RunGroup, run_marks

    if selection and len(runs) > 1:
        raise UsageError("several runs are averaged by their own rules: no --selection")
    log = run_log(runs[0], selection) if len(runs) == 1 else mean_log(runs, other_frames)
    records = [read_run(RunFolder(run)) for run in runs]
    for line in filter(None, (moved_line(record, record.folder) for record in records)):
        click.echo(line, err=True)
    marks = [mark for run in records for mark in run_marks(RunGroup((run,)), run)]
    if len(records) > 1:
        marks.insert(0, f"mean of {', '.join(f'{r.variant} seed {r.seed}' for r in records)}")
    keys = ("variant", "dataset", "surrogate", "preset", "config_hash", "seed")
    named = [{key: getattr(record, key) for key in keys} for record in records]
    source = named[0] if len(named) == 1 else {"mean of": named}
    marks = [mark for mark in dict.fromkeys(marks) if mark.partition(":")[0] not in STATED]
    deliver(render_log(replace(log, protocol={**log.protocol, "marks": marks}), form, source), out)
    if log.protocol["surrogate"]:
        click.echo("surrogate: predictions of generated clips", err=True)


def _network(file: Path, form: str, selection: str | None, out: Path | None) -> None:
    from bench.cli.output import check_place
    from bench.errors import UsageError
    from bench.models.model import load_network
    from bench.system.files import write_text
    from reports.reading.card import card

    if selection:
        raise UsageError("--selection is for run folders: a model has the weights of one epoch")
    path = out or file.with_suffix(f".{form}")
    check_place(path)
    model = load_network(file)
    model.export(path, form)
    place = path.with_name(f"{path.name}.md")
    write_text(place, card(model, form))
    click.echo(f"wrote {path} and {place.name}")
