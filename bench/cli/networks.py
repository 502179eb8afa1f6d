"""Options of `bench profile` and `bench time` that choose networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import completing
from bench.cli.options import device_option, settings_options, together

if TYPE_CHECKING:
    from bench.config.settings import Config
    from bench.measuring.networks import Target


target_options = together(
    click.argument(
        "run_folders",
        nargs=-1,
        metavar="[RUN]...",
        type=click.Path(path_type=Path),
        shell_complete=completing.folders,
    ),
    click.option(
        "--runs",
        type=click.Path(path_type=Path),
        shell_complete=completing.folders,
        help="Measure all runs below this folder.",
    ),
    click.option(
        "--variant",
        "variants",
        multiple=True,
        metavar="NAME|GLOB|GROUP",
        shell_complete=completing.variants,
        help="Fixed networks, or networks of random genotypes of these methods.",
    ),
    click.option(
        "--genotype",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The network of this genotype file (with one --variant).",
    ),
    click.option("--supernet", is_flag=True, help="The search network instead."),
    settings_options(preset=None),
    click.option("--classes", type=click.IntRange(min=2), help="Number of classes.  [default: 3]"),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Seed of the random genotypes.",
    ),
    device_option,
)
"""The options that choose networks: run folders, variants or a genotype file, and settings."""


def resolve_targets(
    run_folders: tuple[Path, ...],
    runs: Path | None,
    variants: tuple[str, ...],
    genotype: Path | None,
    supernet: bool,
    preset: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
    classes: int | None,
    seed: int,
    draws: int,
) -> tuple[list[Target], bool]:
    """The targets asked for, and whether runs had to be skipped (they are listed on stderr).

    Raises UsageError where the options contradict one another or name nothing, BenchError where
    no run is left.
    """
    from bench.config.loading import load_config
    from bench.errors import BenchError, UsageError
    from bench.methods.registry import select_variants

    from_runs = bool(run_folders or runs)
    _check_sources(from_runs, variants, genotype, supernet)
    if not from_runs:
        select_variants(variants)  # unknown ones are found before torch is imported
        config = load_config(preset or "small", overrides, config_file)
        return _of_variants(variants, genotype, supernet, config, classes or 3, seed, draws), False
    if preset or config_file or overrides or classes:
        raise UsageError(
            "a run has settings and classes of its own: leave out --preset, --config, --set and "
            "--classes, or name a --variant instead of runs"
        )
    targets, skipped = _of_runs(run_folders, runs, supernet)
    if not targets:
        where = f"below {runs}" if runs else "named"
        raise BenchError(skipped[0] if skipped else f"no run {where}; make one with `bench run`")
    for line in skipped:
        click.echo(f"skipped: {line}", err=True)
    return targets, bool(skipped)


def _check_sources(
    from_runs: bool, variants: tuple[str, ...], genotype: Path | None, supernet: bool
) -> None:
    from bench.errors import UsageError

    if from_runs and (variants or genotype):
        raise UsageError("give either run folders (RUN or --runs) or --variant, not both")
    if not from_runs and not variants:
        raise UsageError("nothing to measure: name run folders (RUN or --runs) or a --variant")
    if genotype and supernet:
        raise UsageError("--supernet holds all genotypes: leave out --genotype, or --supernet")


def _of_variants(
    variants: tuple[str, ...],
    genotype: Path | None,
    supernet: bool,
    config: Config,
    classes: int,
    seed: int,
    draws: int,
) -> list[Target]:
    from bench.errors import UsageError
    from bench.measuring.networks import genotype_target, supernet_target, usual_target

    names = variants_with_networks(variants)
    if supernet:
        return [supernet_target(name, config, classes) for name in names]
    if genotype is None:
        return [usual_target(name, config, classes, seed, draws) for name in names]
    if len(names) > 1:
        raise UsageError(f"--genotype belongs to one variant, got {len(names)}: {', '.join(names)}")
    return [genotype_target(names[0], config, classes, genotype)]


def variants_with_networks(patterns: tuple[str, ...]) -> list[str]:
    """The variants that train a network; the others are named, UsageError where none is left."""
    from bench.errors import UsageError
    from bench.methods.registry import select_variants, variant

    names = select_variants(patterns)
    left = [name for name in names if "profile" in variant(name).work]
    if not left:
        raise UsageError(f"nothing to measure: {', '.join(names)}: no network is trained")
    for name in names:
        if name not in left:
            click.echo(f"skipped: {name} {variant(name).without_search}", err=True)
    return left


def _of_runs(
    folders: tuple[Path, ...], runs: Path | None, supernet: bool
) -> tuple[list[Target], list[str]]:
    """Targets of runs, and a line for each run without one."""
    from bench.errors import BenchError, UsageError
    from bench.measuring.networks import run_target
    from bench.runs.record import find_runs
    from rnas.errors import MethodError

    if runs and not runs.is_dir():
        raise UsageError(f"--runs {runs} is no folder; give the folder that `bench run` writes to")
    found, skipped = find_runs(runs) if runs else ([], [])
    targets = []
    for folder in [*folders, *(record.folder for record in found)]:
        try:
            targets.append(run_target(folder, supernet))
        except (BenchError, MethodError) as error:
            skipped.append(str(error))
    return targets, skipped
