"""`bench compare`: whether runs differ, on the same clips, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.completing import variants
from bench.cli.options import OutFile, form_option, out_option, runs_option
from bench.cli.output import deliver
from bench.config.settings import SELECTION_RULES
from bench.protocol.metrics import UAR, metrics
from reports.cli.options import config_option, dataset_filter, preset_option

if TYPE_CHECKING:
    from bench.runs.record import RunRecord
    from reports.compare.report import Report
    from reports.reading.groups import RunGroup

PICTURES = (".png", ".svg", ".pdf")


class MetricName(click.ParamType):
    """The name of a metric, looked up when it is needed and not when the command is defined."""

    name = "metric"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """The names that may be given, as help prints them."""
        return click.Choice(list(metrics())).get_metavar(param, ctx)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; click.BadParameter where no metric has it."""
        return click.Choice(list(metrics())).convert(value, param, ctx)


@click.command()
@click.argument("run_folders", nargs=-1, metavar="[RUN]...", type=click.Path(path_type=Path))
@click.option(
    "--variant",
    "patterns",
    multiple=True,
    metavar="NAME|GLOB|GROUP",
    shell_complete=variants,
    help="Compare the runs of these methods below --runs instead.",
)
@dataset_filter
@runs_option
@preset_option
@config_option
@click.option(
    "--metric",
    type=MetricName(),
    default=UAR.name,
    show_default=True,
    help="The score that is tested, ranked and set beside random networks.",
)
@click.option(
    "--reference",
    default="",
    metavar="NAME",
    help="Compare each with this one alone, a name in the table: fewer tests to correct for.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=100, max=1_000_000),
    default=10_000,
    show_default=True,
    help="Number of resamples (intervals) and of permutations (tests).",
)
@click.option(
    "--selection",
    "rules",
    multiple=True,
    type=click.Choice(SELECTION_RULES),
    help="Score the runs by this rule; several: each run by each, from the same weights.",
)
@click.option(
    "--across-protocols",
    is_flag=True,
    help="Compare runs whose protocols differ too, such as a leaky and a clean one.",
)
@click.option(
    "--other-frames",
    is_flag=True,
    help="Compare runs on the same clips whose frames differ: cropped or aligned anew.",
)
@click.option("--classes", metavar="A,B,...", help="What 0, 1, ... mean in logs of predictions.")
@click.option(
    "--diagram",
    "diagrams",
    multiple=True,
    type=OutFile(),
    metavar="FILE",
    help="Write the critical-difference diagram: .png, .svg or .pdf; repeat for several.",
)
@form_option("table", "json", "md", "csv")
@out_option
def compare(
    run_folders: tuple[Path, ...],
    patterns: tuple[str, ...],
    dataset: str | None,
    runs: Path,
    preset: str | None,
    config: str | None,
    metric: str,
    reference: str,
    draws: int,
    rules: tuple[str, ...],
    across_protocols: bool,
    other_frames: bool,
    classes: str | None,
    diagrams: tuple[Path, ...],
    form: str,
    out: Path | None,
) -> None:
    """Compare runs clip by clip and subject by subject.

    RUN is the folder of a run, or of a configuration with its seeds, or a log of predictions made
    elsewhere, as `bench score` reads it (--dataset names its set where it does not). Seeds of one
    configuration are averaged. For every pair: the difference with its 95 % interval over subjects,
    a paired permutation test over subjects, McNemar's exact test, both corrected by Holm. A
    configuration stands beside the random networks of its search space where such runs exist. Runs
    on other clips or labels are refused, other protocols without --across-protocols.
    """
    from bench.cli.output import check_place
    from bench.cli.progress import Steps, bars
    from bench.cli.score import class_names
    from bench.scoring.logs import Reading
    from bench.scoring.report import refuse_copies
    from reports.compare.checks import OTHER_FRAMES
    from reports.compare.entries import Protocol, by_rule, log_entry, make_entries
    from reports.compare.render import render
    from reports.compare.report import Plan
    from reports.compare.report import compare as compare_entries

    check_place(out)
    _check_diagrams(diagrams)
    logs = [path for path in run_folders if path.is_file()]
    folders = [path for path in run_folders if path not in logs]
    groups: list[RunGroup] = []
    if run_folders:
        _refuse_filters(patterns, None if logs else dataset, preset, config)
        if folders:
            groups = _named_groups(folders, apart=not rules and not logs)
    else:
        groups = _found_groups(runs, patterns, dataset, preset, config, across_protocols)
    if rules:
        groups = [by_rule(group, rule) for group in groups for rule in dict.fromkeys(rules)]
    reading = Reading(class_names(classes), dataset or "")
    entries = make_entries(groups, [log_entry(path, reading) for path in logs])
    refuse_copies(logs)
    for entry in entries:
        for note in entry.notes:
            click.echo(f"{entry.name}: {note}", err=True)
    allowed = frozenset(Protocol._fields if across_protocols else ["selection"] * bool(rules))
    allowed |= {OTHER_FRAMES} if other_frames else set()
    plan = Plan(metric, draws, allowed=allowed, reference=reference)
    with bars() as display:
        report = compare_entries(entries, plan, Steps(display))
    deliver(render(report, form), out)
    if diagrams:
        _draw(report, diagrams)


def _check_diagrams(diagrams: Sequence[Path]) -> None:
    from bench.cli.output import refuse_input
    from bench.errors import UsageError

    for path in diagrams:
        refuse_input(path)
        if path.suffix.lower() not in PICTURES:
            raise UsageError(
                f"--diagram {path}: expected a name that ends in {', '.join(PICTURES)}"
            )


def _refuse_filters(patterns: Sequence[str], *others: str | None) -> None:
    from bench.errors import UsageError

    if patterns or any(others):
        raise UsageError(
            "give either run folders (RUN) or --variant with --dataset, --preset, --config-hash"
        )


def _named_groups(folders: Sequence[Path], apart: bool) -> list[RunGroup]:
    """The configurations of the folders named; where it is only one, each run by itself (apart)."""
    from bench.scoring.report import refuse_copies
    from reports.compare.entries import single_seeds
    from reports.reading.baselines import beside_baselines
    from reports.reading.finished import set_name, sound_runs
    from reports.reading.groups import GroupKey, gather

    named = {r.folder.absolute(): r for folder in folders for r in _records(folder)}
    refuse_copies(list(named))
    inside = (f for f, record in named.items() if f.parts[-4:-3] == (set_name(record),))
    roots = dict.fromkeys(folder.parents[3] for folder in inside)  # none of a run moved elsewhere
    records = beside_baselines(named.values(), (r for root in roots for r in sound_runs(root)[0]))
    keys = [GroupKey.of(record) for record in records]
    groups = sorted(gather(records), key=lambda group: keys.index(group.key))
    return single_seeds(groups) if apart and len(groups) == 1 else groups


def _records(folder: Path) -> list[RunRecord]:
    from bench.errors import BenchError, UsageError
    from bench.runs.folder import RunFolder
    from bench.runs.record import moved_line, read_run
    from reports.reading.defects import defect

    files = sorted([*folder.glob("run.json"), *folder.glob("seed*/run.json")])
    if not files:
        raise UsageError(
            f"{folder} is no run folder and holds none (seed0, ...); `bench list runs` names them"
        )
    records = [read_run(RunFolder(file.parent)) for file in files]
    for record in records:
        if line := moved_line(record, record.folder):
            click.echo(line, err=True)
        flaw = defect(record)
        if flaw:
            raise BenchError(flaw)
        if record.metrics is None:
            raise BenchError(
                f"{record.folder}: {record.folds_done} of {record.folds_total} folds are finished; "
                "finish it with the command that began it"
            )
    return records


def _found_groups(
    runs: Path,
    patterns: Sequence[str],
    dataset: str | None,
    preset: str | None,
    config: str | None,
    across_protocols: bool,
) -> list[RunGroup]:
    """The latest configuration of each method on each data set, of each protocol if asked for."""
    from bench.errors import BenchError, UsageError
    from reports.compare.entries import Protocol
    from reports.reading.finished import of_variants, on_dataset, sound_runs
    from reports.reading.groups import gather, latest, select

    if not patterns:
        raise UsageError("nothing to compare: name run folders (RUN) or methods (--variant)")
    found, corrupt = sound_runs(runs)
    for line in corrupt:
        click.echo(f"skipped: {line}", err=True)
    chosen = on_dataset(of_variants(select(found, preset, config), patterns), dataset)
    finished = [r for r in chosen if r.metrics and r.folds_done == r.folds_total]
    for record in chosen:
        if record not in finished:
            done = f"{record.folds_done} of {record.folds_total} folds finished"
            click.echo(f"skipped: {record.folder}: {done}", err=True)
    if not finished:
        raise BenchError(
            f"no finished run of the kind asked for in {runs}; `bench list runs --runs {runs}` "
            "names those there"
        )
    by_protocol: dict[object, list[RunRecord]] = {}
    for record in finished:
        key = Protocol.of(record) if across_protocols else None
        by_protocol.setdefault(key, []).append(record)
    groups: list[RunGroup] = []
    for records in by_protocol.values():
        shown, notes = latest(gather(records))
        groups += shown
        for note in notes:
            click.echo(note, err=True)
    return sorted(groups, key=lambda group: group.key)


def _draw(report: Report, diagrams: Sequence[Path]) -> None:
    from reports.compare.diagram import draw_ranks
    from reports.drawing.export import save_figure

    figure = draw_ranks(report)
    for path in diagrams:
        save_figure(figure, path.with_suffix(""), [path.suffix[1:].lower()])
        click.echo(f"{path}", err=True)
