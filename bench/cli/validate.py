"""`bench validate`: is a run folder complete and clean?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.completing import folders
from bench.cli.options import format_option

if TYPE_CHECKING:
    from bench.runs.checking.validate import Verdict


@click.command()
@click.argument(
    "places",
    nargs=-1,
    required=True,
    metavar="RUN...",
    type=click.Path(path_type=Path),
    shell_complete=folders,
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="BENCH_DATA",
    show_envvar=True,
    shell_complete=folders,
    help="Folder of the licensed data sets.  [default: where the run found them]",
)
@format_option
def validate(places: tuple[Path, ...], data_root: Path | None, form: str) -> int:
    """Check that runs are complete, unchanged and without leaks.

    Prints a line per finding; the exit code is 1 where there is one. RUN is a run folder, a
    folder with runs below it, the JSON file of a study or comparison (or a folder of such, without
    a run), or a model file, which are compared with their own sum. All folds must be there, nobody
    tested by a network (or, with search_scope=fold, by an architecture) that has seen them, all
    files of one configuration and unchanged since the run was complete, the scores those of the
    predictions, the labels those of the data where it can be read.
    """
    from bench.models.pretrained import MODEL_SUFFIX
    from bench.runs.checking.validate import validate as check
    from bench.runs.checking.validate import validate_result
    from bench.runs.folder import RunFolder
    from bench.system.files import default_cache

    files = [place for place in places if _is_result(place)]
    folders = {place: _results_below(place) for place in places if place not in files}
    runs = _runs([place for place, found in folders.items() if not found])
    files += [file for found in folders.values() for file in found]
    results = [
        _validate_model(file) if file.suffix == MODEL_SUFFIX else validate_result(file)
        for file in dict.fromkeys(files)
    ]
    verdicts = [check(RunFolder(path), data_root, default_cache()) for path in runs]
    if form == "json":
        click.echo(json.dumps([verdict.to_dict() for verdict in (*verdicts, *results)], indent=1))
    else:
        _print(verdicts, results)
    return 1 if any(verdict.findings for verdict in (*verdicts, *results)) else 0


def _print(runs: Sequence[Verdict], results: Sequence[Verdict]) -> None:
    verdicts = (*runs, *results)
    for verdict in verdicts:
        for finding in verdict.findings:
            click.echo(f"{verdict.folder}: {finding.kind}: {finding.where}: {finding.what}")
        if verdict.manifest:
            click.echo(f"{verdict.folder}: compared with {verdict.manifest}", err=True)
        for reason in verdict.unchecked:
            click.echo(f"{verdict.folder}: {reason}", err=True)
    if runs:
        sound = sum(not verdict.findings for verdict in runs)
        click.echo(f"{sound} of {len(runs)} runs complete and clean")
    if results:
        sound = sum(not (verdict.findings or verdict.unchecked) for verdict in results)
        click.echo(f"{sound} of {len(results)} files sealed and unchanged")


def _validate_model(file: Path) -> Verdict:
    """Whether a model file is as it was written, and as the run has sealed it where it lies."""
    from bench.errors import BenchError
    from bench.models.file import read_model
    from bench.runs.checking.files import Finding
    from bench.runs.checking.validate import Verdict

    try:
        read_model(file)
    except BenchError as error:
        return Verdict(file, (Finding("unreadable", file.name, str(error)),))
    return Verdict(file, ())


def _is_result(place: Path) -> bool:
    """Whether it is a model file, or one in no run folder, whose seals only the folder has."""
    from bench.models.pretrained import MODEL_SUFFIX

    alone = not any((above / "run.json").exists() for above in place.parents[:3])
    return place.is_file() and (alone or place.suffix == MODEL_SUFFIX)


def _results_below(place: Path) -> list[Path]:
    """The JSON files in or below a folder that has no run, as those of studies lie."""
    from bench.system.files import is_system_file

    if any(place.rglob("run.json")) or any(_linked(place)):
        return []
    found = (path for path in sorted(place.rglob("*.json")) if path.is_file())
    return [path for path in found if not any(map(is_system_file, path.relative_to(place).parts))]


def _runs(places: Sequence[Path]) -> list[Path]:
    """The run folders at or below the places; UsageError for a place without one."""
    from bench.errors import UsageError

    found: dict[Path, None] = {}
    for place in places:
        tops = [place, *_linked(place)]
        below = sorted(path.parent for top in tops for path in top.rglob("run.json"))
        if not below:
            raise UsageError(
                f"no run in {place}, nor a result (JSON): give a folder that holds a run.json, "
                "or one above such"
            )
        found.update(dict.fromkeys(below))
    return list(found)


_LEVEL = re.compile(r"seed\d+|genotype\d+|[\d-]+|(.+-)?[0-9a-f]{8}")
"""How folders of runs, and of a study's arms, are called."""


def _linked(place: Path) -> Iterator[Path]:
    """Symbolic links below a folder in the place of a run or an arm; others are the user's."""
    for path in place.rglob("*"):
        if _LEVEL.fullmatch(path.name) and path.is_symlink() and path.is_dir():
            yield path
