"""`bench data`: check, show and prepare clips, and write surrogate ones."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bench.cli import completing
from bench.cli.clip_options import ClipRequest, request_options, tell_changed
from bench.cli.data_manifest import manifest
from bench.cli.data_prepare import prepare
from bench.cli.data_show import show
from bench.cli.hints import Commands
from bench.cli.options import OutFile, format_option, shares_option, without_option
from bench.config.settings import CODED_VERSION, NEWEST_VERSION, SURROGATE_VERSION
from bench.data.sets.catalogue import GENERATED, find_dataset
from bench.errors import DataError, UsageError, printable

if TYPE_CHECKING:
    from bench.cli.progress import Steps
    from bench.config.settings import DataConfig
    from bench.data.clips import ClipSet, Problem


@click.group(cls=Commands)
def data() -> None:
    """Check, show, prepare or generate the clips of a data set."""


data.add_command(manifest)
data.add_command(prepare)
data.add_command(show)


def _split_subjects(
    context: click.Context, option: click.Parameter, value: str | None
) -> list[str] | None:
    """`A,B` as a list of names; None where the option was not given."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise UsageError("--subjects names nobody: give names separated by commas, as in s01,s02.")
    return names


subjects_option = click.option(
    "--subjects", metavar="A,B", callback=_split_subjects, help="Only these subjects."
)


@data.command()
@request_options
@click.option("--deep", is_flag=True, help="Decode every frame, too.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of processes of --deep.  [default: one per core]",
)
@format_option
def check(request: ClipRequest, deep: bool, jobs: int | None, form: str) -> None:
    """Compare the clips found with the challenge's list.

    Lists all that is missing, extra or odd. Exit code 1 where anything is missing or extra, with
    --deep also where a frame is absent, damaged, of another size, constant, transparent or
    repeated, or cannot be cropped as the settings say.
    """
    from bench.cli.progress import steps
    from bench.data.inspect.check import check_report, usable
    from bench.data.sources import named_subjects

    with steps() as progress:
        clip_set = usable(request.clips(progress), request.config)
        decoded = _decoded(clip_set, request.config, jobs, progress) if deep else None
    report = check_report(clip_set, named_subjects(request.config), decoded)
    click.echo(json.dumps(report, indent=2) if form == "json" else _as_text(report))
    if not report["complete"]:
        raise SystemExit(1)


def _decoded(
    clip_set: ClipSet, config: DataConfig, jobs: int | None, progress: Steps
) -> tuple[list[Problem], int]:
    from bench.data.inspect.deep import deep_problems
    from bench.data.steps.settings import preprocessing
    from bench.system.processes import usable_cores

    workers = jobs or usable_cores()
    step = partial(progress, "decoding clips")
    return deep_problems(clip_set.clips, workers, step, preprocessing(config))


def _as_text(report: Mapping) -> str:
    from tabulate import tabulate

    from bench.data.clips import Problem, problem_lines

    rows = [[printable(cell) for cell in row] for row in _count_rows(report)]
    table = tabulate(
        rows,
        headers=["set", "", "found", "expected"],
        colalign=("left", "left", "right", "right"),
        disable_numparse=True,
    )
    problems = list(problem_lines(Problem(**found) for found in report["problems"]))
    if "frames" in report:
        problems.append(f"{report['frames']} frames decoded")
    else:
        problems.append("no frame was decoded: --deep decodes them all, as a run does")
    count = len(report["problems"])
    return "\n".join([table, "", *problems, f"{count} problem(s): {_verdict(report)}"])


def _verdict(report: Mapping) -> str:
    """Whether the clips are those of the challenge, or can be used at all, and what to look at."""
    from bench.data.inspect.check import INCOMPLETE
    from bench.data.inspect.deep import WRONG

    problems, listed = report["problems"], report["expected"]
    kinds = {problem["kind"] for problem in problems}
    if listed and kinds & INCOMPLETE:
        return "not the challenge's set"
    if any(problem["fatal"] for problem in problems):
        return "some clips cannot be used"
    found = "all clips usable" if "frames" in report else "all clips found"
    whole = "complete" if listed else found
    doubtful = sorted(kinds & WRONG) if not report["complete"] else ()
    return f"{whole}, but look at: {', '.join(doubtful)}" if doubtful else whole


def _count_rows(report: Mapping) -> Iterator[tuple]:
    parts = dict(report["slices"])
    if len(parts) > 1:
        parts[report["dataset"]] = report
    for name, part in parts.items():
        expected = part["expected"]
        for label in part["classes"]:
            listed = expected["classes"][label] if expected else ""
            yield name, label, part["classes"][label], listed
        for total in ("clips", "subjects"):
            yield name, total, part[total], expected[total] if expected else ""


@data.command("export-manifest")
@request_options
@click.option(
    "--out",
    required=True,
    type=OutFile(),
    help="CSV file to write; paths in it are relative to its folder.",
)
def export_manifest(request: ClipRequest, out: Path) -> None:
    """Write a data set as a manifest, which can then be edited."""
    from bench.cli.output import check_place
    from bench.cli.progress import steps
    from bench.data.sets.classes import CHALLENGE
    from bench.data.sets.manifests.export import labels_map, manifest_text
    from bench.system.files import write_text

    check_place(out)
    with steps() as progress:
        clip_set = request.clips(progress)
    text, outside = manifest_text(clip_set, out)
    write_text(out, text)
    tell_changed(clip_set.problems)
    left_out = sum(problem.fatal for problem in clip_set.problems)
    if left_out:
        click.echo(f"{left_out} unusable clip(s) left out: see `bench data check`", err=True)
    use = f"manifest:{out}"
    class_map = labels_map(clip_set, request.config.class_map)
    if class_map != CHALLENGE:
        use += f" --set {shlex.quote(f'data.class_map={class_map}')}"
    use += " --allow-outside" * outside
    click.echo(f"{len(clip_set.clips)} clips of {request.title} written; use --dataset {use}")
    if outside:
        click.echo("their frames lie outside its folder: it is read with --allow-outside", err=True)


FOR_FRAMES = ("difficulty", "subjects", "size", "raw", "dataset")
"""Options of `synth` that say how frames look; flow images are drawn without frames."""

FOR_FLOWS = ("shares", "without")
"""Those of flow images, which show classes of the challenge alone."""


@data.command()
@click.option(
    "--dataset",
    metavar="NAME",
    shell_complete=completing.datasets,
    help=f"Write frames in the layout of one of {', '.join(GENERATED)}.",
)
@click.option(
    "--people",
    type=click.IntRange(min=1),
    help="Instead of frames write flow images of this number of new people, with a manifest.",
)
@click.option("--clips", type=click.IntRange(min=1), help="Number of these flow images.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="New folder to write into."
)
@click.option(
    "--difficulty",
    default="easy",
    show_default=True,
    metavar="easy|middle|hard|0..1",
    help="How hard the clips are: small motion and strong disturbances are.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the generator.",
)
@click.option(
    "--version",
    type=click.IntRange(1, NEWEST_VERSION),
    help="Version of the generator; an older one makes the clips of that time. By default "
    f"{SURROGATE_VERSION} for frames; for flow images, made from {CODED_VERSION} on, the newest.",
)
@shares_option
@without_option
@subjects_option
@click.option(
    "--size", type=click.IntRange(min=16), default=128, show_default=True, help="Side, pixels."
)
@click.option(
    "--raw",
    is_flag=True,
    help="Uncropped frames: a person before a background; --size is then the face's side.",
)
@click.option("--force", is_flag=True, help="Replace the generated clips that are there.")
@click.pass_context
def synth(
    context: click.Context,
    dataset: str | None,
    people: int | None,
    clips: int | None,
    out: Path,
    difficulty: str,
    seed: int,
    version: int | None,
    shares: tuple[int, ...],
    without: tuple[str, ...],
    subjects: list[str] | None,
    size: int,
    raw: bool,
    force: bool,
) -> None:
    """Write generated clips, or flow images of new people."""
    if (people is None) != (clips is None) or (dataset is None) == (people is None):
        raise UsageError(
            "name either --dataset, for frames in its layout, or --people and --clips, for flow "
            "images of new people"
        )
    if not force:
        _refuse_occupied(out)
    from bench.cli.progress import steps
    from bench.data.surrogates.flows import FlowPlan
    from bench.data.surrogates.writing import write_flows, write_surrogate

    if people and clips:
        _refuse_given(context, FOR_FRAMES)
        with steps() as progress:
            manifest_file = write_flows(
                out,
                FlowPlan(people, clips, seed, version or NEWEST_VERSION, without, shares),
                partial(progress, "drawing flow images"),
            )
        click.echo(f"{clips} flow images written; use --dataset manifest:{manifest_file}")
        return
    assert dataset is not None
    for name in FOR_FLOWS:
        if _is_given(context, name):
            raise UsageError(f"--{name} is for flow images: give it with --people and --clips")
    chosen = None if subjects is None else find_dataset(dataset).resolve_subjects(subjects)
    with steps() as progress:
        counts = write_surrogate(
            find_dataset(dataset).name,
            out,
            difficulty=difficulty,
            seed=seed,
            version=version or SURROGATE_VERSION,
            size=size,
            subjects=chosen,
            raw=raw,
            progress=partial(progress, "writing clips"),
        )
    click.echo(
        f"clips {counts['clips']}, subjects {counts['subjects']}, "
        f"frames {counts['frames']}, written to {out}"
    )


def _refuse_given(context: click.Context, names: Sequence[str]) -> None:
    for name in names:
        if _is_given(context, name):
            raise UsageError(f"--{name} is for frames: leave it out with --people")


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _refuse_occupied(folder: Path) -> None:
    try:
        occupied = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{folder} cannot be looked into ({error.strerror}): name a folder of your own."
        ) from error
    if occupied:
        raise UsageError(
            f"{folder} is not empty: name a new folder, or add --force to replace surrogate clips "
            "that were written there before."
        )
