"""`python -m reports.surrogate`: `measure` and `page` for docs/surrogate.md, `realism` of flow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from bench.config.settings import DIFFICULTIES
from bench.data.surrogates.writing import resolve_difficulty
from bench.errors import BenchError
from bench.system.files import default_cache
from bench.system.provenance import provenance
from reports.surrogate import table
from reports.surrogate.measures import Level, measure
from reports.surrogate.networks import input_results

CURVE = ("easy", "middle", "hard", 0.0, 0.6, 1.0)
"""Difficulties measured by default."""


@click.group()
def surrogate() -> None:
    """Measure simple methods on surrogate clips."""


@surrogate.command("measure")
@click.option("--dataset", default="smic", show_default=True, help="smic, casme2, samm, composite.")
@click.option(
    "--difficulty",
    "difficulties",
    multiple=True,
    metavar="easy|middle|hard|0..1",
    help="May be repeated.  [default: those of the curve]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=table.TABLE, show_default=True)
def measure_command(dataset: str, difficulties: tuple[str, ...], seed: int, out: Path) -> None:
    """Measure what the table lacks, the trained network at named difficulties alone.

    Each difficulty takes minutes; every number is saved when it is there.
    """
    origin = provenance("cpu")  # before writing: the table may itself make the checkout dirty
    for difficulty in difficulties or CURVE:
        level = Level(dataset, resolve_difficulty(difficulty), seed)
        known = {(row.measure, row.of) for row in table.read(out) if row.level == level}
        named = level.difficulty in DIFFICULTIES.values()
        for part in (measure, input_results) if named else (measure,):
            for result in part(level, default_cache(), _progress(level), known):
                table.write([*table.read(out), *table.rows_of(level, [result], origin)], out)
                click.echo(f"{level.difficulty:g} {result.measure} {result.of}: {result.value:.3f}")


@surrogate.command("page")
@click.option("--dataset", default="smic", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def page_command(dataset: str, seed: int) -> None:
    """Write docs/surrogate.md and its pictures from the table and the clips."""
    from reports.surrogate.page import write_page

    for path in write_page(dataset, seed, default_cache()):
        click.echo(f"written: {path}")


@surrogate.command("realism")
@click.option("--real", required=True, metavar="manifest:FILE.csv", help="Real flow images.")
@click.option("--generated", required=True, metavar="manifest:FILE.csv", help="Generated ones.")
@click.option("--subjects", default="", metavar="A,B", help="Of the real ones, only these people.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw class means to this PNG.")
def realism_command(real: str, generated: str, subjects: str, picture: Path | None) -> None:
    """Compare generated with real flow images: means over clips, no single person."""
    from reports.drawing.export import save_figure
    from reports.surrogate.realism import class_means, measured, realism_text

    cache = default_cache()
    both = measured(real, cache, subjects), measured(generated, cache)
    click.echo(realism_text(*both))
    if picture:
        save_figure(class_means(*both), picture.with_suffix(""), ("png",))


def _progress(level: Level) -> Callable[[str, int, int], None]:
    """A progress line on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda *_: None
    title = f"{level.dataset} at {level.difficulty:g}"
    return lambda what, done, total: click.echo(
        f"\r{title}: {what} {done + 1}/{total}".ljust(79), nl=False, err=True
    )


def main() -> None:
    """Runs the command; errors are one line, as those of `bench`."""
    try:
        surrogate(standalone_mode=False)
    except BenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
