"""`bench figures`: Figures 1 and 3 of the paper, and figures of searches and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.completing import folders, offering
from bench.cli.options import runs_option
from reports.cli.options import config_option, dataset_filter, preset_option, variant_filter
from reports.figures import DOT, FIGURE_1, PICTURES, RUN_FIGURES

if TYPE_CHECKING:
    from bench.runs.record import RunRecord

SPREADING = ("--figure", "--format", "--variant")
"""Options that take several values: `--format png svg` is `--format png --format svg`."""


class ManyValues(click.Command):
    """A command whose options in `SPREADING` take several values after one name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeats the option's name before each value."""
        return super().parse_args(ctx, list(_spread(args)))


def _spread(args: Sequence[str]) -> Iterator[str]:
    option, values = None, 0
    for argument in args:
        if argument.startswith("-"):
            option, values = (argument if argument in SPREADING else None), 0
        elif option:
            if values:
                yield option
            values += 1
        yield argument


@click.command(cls=ManyValues)
@click.option(
    "--figure",
    "names",
    multiple=True,
    metavar="NAME ...",
    shell_complete=offering(lambda *_: (FIGURE_1, *RUN_FIGURES)),
    help=f"Figures to draw: {', '.join((FIGURE_1, *RUN_FIGURES))}.  [default: all]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="KIND ...",
    shell_complete=offering(lambda *_: (*PICTURES, DOT)),
    help="Files to write: png, svg, pdf, and dot for network_path and cell.  [default: png svg]",
)
@runs_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("figures"),
    show_default=True,
    shell_complete=folders,
    help="Folder for the pictures; each run's are in a subfolder with the run's path.",
)
@variant_filter
@dataset_filter
@preset_option
@config_option
def figures(
    names: tuple[str, ...],
    formats: tuple[str, ...],
    runs: Path,
    out: Path,
    patterns: tuple[str, ...],
    dataset: str | None,
    preset: str | None,
    config: str | None,
) -> None:
    """Draw Figures 1 and 3 of the paper, and figures of each run.

    Figure 1 shows accuracy against parameters and FLOPs, published and measured. The other figures
    are drawn for each run: network_path and cell (Figure 3), search_curves, architecture (α and η
    over the epochs), confusion, subjects. For a figure that cannot be drawn the reason is printed;
    corrupt files are reported and skipped, and the exit code is then 1.
    """
    from bench.methods.registry import variants
    from reports.figures import save, tradeoff
    from reports.reading.finished import sound_runs

    wanted = _known("figure", names, (FIGURE_1, *RUN_FIGURES)) or (FIGURE_1, *RUN_FIGURES)
    kinds = _known("format", formats, (*PICTURES, DOT)) or ("png", "svg")
    pictures = [kind for kind in kinds if kind != DOT]
    found, corrupt = sound_runs(runs)
    for line in corrupt:
        click.echo(line, err=True)
    records = _chosen(found, runs, patterns, dataset, preset, config)
    if FIGURE_1 in wanted and pictures:
        figure = tradeoff(records, variants(), dataset)
        _say_written(save(figure, out / FIGURE_1, pictures))
    failed = bool(corrupt)
    for record in records:
        place = out / record.folder.relative_to(runs)
        failed |= _draw(record, [name for name in wanted if name != FIGURE_1], place, kinds)
    if failed:
        click.get_current_context().exit(1)


def _draw(record: RunRecord, names: Sequence[str], place: Path, kinds: Sequence[str]) -> bool:
    """Writes the figures of one run, prints what is missing; returns whether a file is corrupt."""
    from bench.system.files import write_text
    from reports.figures import run_figures, save

    drawn = run_figures(record, names)
    pictures = [kind for kind in kinds if kind != DOT]
    for name in names:
        if name in drawn.missing:
            click.echo(f"{record.folder}: no {name}: {drawn.missing[name]}", err=True)
            continue
        written = save(drawn.figures[name], place / name, pictures)
        if DOT in kinds and name in drawn.dots:
            graph = place / f"{name}.{DOT}"
            write_text(graph, drawn.dots[name])
            written.append(graph)
        _say_written(written)
    return bool(drawn.broken)


def _say_written(paths: Sequence[Path]) -> None:
    """One line for the files of a figure, which differ only in their suffix."""
    if paths:
        click.echo(f"{paths[0].with_suffix('')}: {' '.join(p.suffix[1:] for p in paths)}")


def _known(kind: str, asked: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The names asked for without repeats; UsageError suggests the nearest for an unknown one."""
    from bench.errors import unknown_name

    for name in asked:
        if name not in known:
            raise unknown_name(kind, name, known)
    return tuple(dict.fromkeys(asked))


def _chosen(
    found: Sequence[RunRecord],
    runs: Path,
    patterns: Sequence[str],
    dataset: str | None,
    preset: str | None,
    config: str | None,
) -> list[RunRecord]:
    """The runs asked for; where there is none, the reason goes to stderr in one line."""
    from reports.reading.finished import FIRST_RUN, of_variants, on_dataset
    from reports.reading.groups import select

    chosen = on_dataset(of_variants(select(found, preset, config), patterns), dataset)
    if not found:
        click.echo(f"no run in {runs}; make one: {FIRST_RUN}", err=True)
    elif not chosen:
        there = ", ".join(sorted({str(r.folder.relative_to(runs)) for r in found}))
        click.echo(f"no run in {runs} is of the kind asked for; there: {there}", err=True)
    return chosen
