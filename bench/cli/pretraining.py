"""`bench pretrain`: a method trained on generated flow images, kept as one model file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from bench.cli import completing
from bench.cli.options import (
    OutFile,
    device_option,
    settings_options,
    shares_option,
    without_option,
)
from bench.config.settings import CODED_VERSION, NEWEST_VERSION

ALONE = (
    "protocol.split=kfold",
    "protocol.folds=2",
    "protocol.search_scope=all",
    "data.subject_count=0",
)
"""Nobody is tested: one search sees all generated people, unless the user says otherwise."""


@click.command()
@click.option(
    "--variant",
    required=True,
    metavar="NAME",
    shell_complete=completing.variants,
    help="The method: a network, or a search space that is searched first.",
)
@click.option(
    "--people",
    type=click.IntRange(min=2),
    default=1000,
    show_default=True,
    help="Number of generated people.",
)
@click.option(
    "--clips",
    type=click.IntRange(min=6),
    default=4000,
    show_default=True,
    help="Number of generated clips.",
)
@click.option(
    "--generator-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of people and clips.",
)
@click.option(
    "--generator-version",
    type=click.IntRange(CODED_VERSION, NEWEST_VERSION),
    default=NEWEST_VERSION,
    show_default=True,
    help="Version of the generator; an older one draws the clips of that time.",
)
@shares_option
@without_option
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the training."
)
@settings_options()
@device_option
@click.option("--out", required=True, type=OutFile(), help="The model file.")
def pretrain(
    variant: str,
    people: int,
    clips: int,
    generator_seed: int,
    generator_version: int,
    shares: tuple[int, ...],
    without: tuple[str, ...],
    seed: int,
    preset: str,
    config_file: Path | None,
    overrides: tuple[str, ...],
    device: str,
    out: Path,
) -> int:
    """Train a method on generated flow images alone.

    No real clip is seen. `bench transfer --train FILE` tests the network on real ones; `bench run
    --set train.pretrained=FILE` starts the networks of a run from it.
    """
    from bench.cli.output import check_place
    from bench.cli.progress import Steps, bars
    from bench.cli.request import perform_jobs, resolve_request, say_failures
    from bench.config.loading import load_settings
    from bench.data.surrogates.flows import FlowPlan
    from bench.data.surrogates.writing import flows_at
    from bench.engine.plan import SEARCH_PHASES, plan
    from bench.errors import UsageError
    from bench.methods.registry import variant as method_named
    from bench.runs.marks import PRETRAINED_GENERATED
    from bench.system.files import default_cache

    check_place(out)
    method = method_named(variant)
    if "profile" not in method.work:
        raise UsageError(f"{variant} {method.without_search}: there are no weights to keep")
    load_settings(preset, overrides, config_file)  # mistakes are found before clips are drawn
    cache = default_cache()
    with bars() as display:
        report = Steps(display)
        manifest = flows_at(
            cache / "flows",
            FlowPlan(people, clips, generator_seed, generator_version, without, shares),
            partial(report, "drawing flow images"),
        )
        request = resolve_request(
            variants=(variant,),
            dataset=f"manifest:{manifest}",
            surrogate=False,
            preset=preset,
            seeds=(seed,),
            overrides=overrides,
            data_root=None,
            runs=cache / "pretraining" / manifest.parent.name,
            device=device,
            subjects=None,
            allow_outside=False,
            config_file=config_file,
            defaults=ALONE,
        )
        from bench.engine.execute import open_runs
        from bench.engine.fitting import fit
        from bench.engine.request import prepare_jobs

        prepared = prepare_jobs(request, report)
        (job,) = prepared.jobs
        tasks = list(plan(job, SEARCH_PHASES))
        open_runs(prepared)
        failures = perform_jobs(prepared, display, SEARCH_PHASES) if tasks else ()
        if failures:
            return say_failures(failures, tasks)
        marks = (PRETRAINED_GENERATED,)
        model = fit(job.folder, out, cache, None, job.device, report, marks)
    click.echo(f"wrote {out}: {model.title}, {model.epoch} epochs ({'; '.join(model.marks)})")
    return 0
