"""`bench data`: look at what is on disk, and write surrogate clips."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from bench.data import DATASETS, find_dataset, load_clips, require_root
from bench.errors import DataError, UsageError


@click.group()
def data() -> None:
    """Check the files of a data set, or write surrogate ones."""


def _split_subjects(context: click.Context, option: click.Parameter, value: str | None):
    """`A,B` as a list of names; None where the option was not given."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise UsageError("--subjects names nobody: give names separated by commas, as in s01,s02.")
    return names


dataset_option = click.option(
    "--dataset",
    required=True,
    metavar="NAME",
    help=f"One of {', '.join(DATASETS)}, or manifest:FILE.csv.",
)
subjects_option = click.option(
    "--subjects", metavar="A,B", callback=_split_subjects, help="These subjects only."
)


root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="BENCH_DATA",
    show_envvar=True,
    help="Folder with the data set, or with its folder.",
)


def reading_options(command: Callable) -> Callable:
    """How the labels and the paths of a data set are read."""
    mapped = click.option(
        "--class-map",
        default="challenge",
        show_default=True,
        metavar="NAME|FILE",
        help="challenge, native, or a CSV file with columns emotion, class.",
    )
    outside = click.option(
        "--allow-outside", is_flag=True, help="Let a manifest name frames outside its folder."
    )
    return mapped(outside(command))


@data.command()
@dataset_option
@root_option
@subjects_option
@reading_options
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def check(
    dataset: str,
    data_root: Path | None,
    subjects: list[str] | None,
    class_map: str,
    allow_outside: bool,
    form: str,
) -> None:
    """Clips found beside those of the challenge, and all that is missing, extra or odd.

    Exit code 1 where anything is missing or extra.
    """
    from bench.data.check import check_report

    root = require_root(dataset, data_root)
    clip_set = load_clips(dataset, root, subjects, class_map, allow_outside)
    report = check_report(clip_set, subjects)
    click.echo(json.dumps(report, indent=2) if form == "json" else _as_text(report))
    if not report["complete"]:
        raise SystemExit(1)


def _as_text(report: Mapping) -> str:
    from tabulate import tabulate

    table = tabulate(list(_count_rows(report)), headers=["set", "", "found", "expected"])
    problems = [f"{p['kind']}: {p['where']}: {p['what']}" for p in report["problems"]]
    whole = "complete" if report["expected"] else "all clips usable"
    broken = "not the challenge's set" if report["expected"] else "some clips are unusable"
    verdict = whole if report["complete"] else broken
    return "\n".join([table, "", *problems, f"{len(problems)} problem(s): {verdict}"])


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
@dataset_option
@root_option
@subjects_option
@reading_options
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV file to write; paths in it are relative to its folder.",
)
def export_manifest(
    dataset: str,
    data_root: Path | None,
    subjects: list[str] | None,
    class_map: str,
    allow_outside: bool,
    out: Path,
) -> None:
    """Write a data set as a manifest: a subset or a relabelling is then an edit away."""
    from bench.data.manifest import manifest_text
    from bench.files import write_text

    root = require_root(dataset, data_root)
    clip_set = load_clips(dataset, root, subjects, class_map, allow_outside)
    text, outside = manifest_text(clip_set, out)
    write_text(out, text)
    click.echo(f"{len(clip_set.clips)} clips written to {out}; use it as manifest:{out}")
    if outside:
        click.echo("their frames lie outside its folder: add --allow-outside to use it", err=True)


@data.command()
@dataset_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="New folder to write into."
)
@click.option(
    "--difficulty",
    default="easy",
    show_default=True,
    metavar="easy|hard|0..1",
    help="Motion against nuisance.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@subjects_option
@click.option("--size", type=click.IntRange(min=16), default=128, show_default=True, help="Pixels.")
@click.option(
    "--raw", is_flag=True, help="Uncropped frames: a person before a background; SIZE is the face."
)
@click.option("--force", is_flag=True, help="Replace surrogates written there before.")
def synth(
    dataset: str,
    out: Path,
    difficulty: str,
    seed: int,
    subjects: list[str] | None,
    size: int,
    raw: bool,
    force: bool,
) -> None:
    """Write generated clips in the official layout of a data set."""
    people = None if subjects is None else find_dataset(dataset).resolve_subjects(subjects)
    if not force:
        _refuse_occupied(out)
    from bench.data.surrogate import write_surrogate

    with _progress_bar("writing clips") as progress:
        counts = write_surrogate(
            find_dataset(dataset).name,
            out,
            difficulty=difficulty,
            seed=seed,
            size=size,
            subjects=people,
            raw=raw,
            progress=progress,
        )
    click.echo(
        f"clips {counts['clips']}, subjects {counts['subjects']}, "
        f"frames {counts['frames']}, written to {out}"
    )


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


@contextmanager
def _progress_bar(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar with the time left on a terminal; None, hence silence, anywhere else."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
