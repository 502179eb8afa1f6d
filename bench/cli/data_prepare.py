"""`bench data prepare`: fills the clip cache ahead of runs, in parallel."""

from __future__ import annotations

import json

import click

from bench.cli.clip_options import ClipRequest, request_options, tell_changed
from bench.cli.options import format_option

USUAL_INPUTS = "clip,flow"


@click.command()
@request_options
@click.option(
    "--inputs",
    metavar="A,B",
    help="What to make: clip, flow, flow_pair, flow_colour, apex, dynamic_image, "
    "landmark_patches; with a size as in apex:224.  "
    f"[default: {USUAL_INPUTS} without --variant]",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="NAME|GLOB|GROUP",
    help="Make all inputs that runs of these methods need.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Number of processes.  [default: one per core]",
)
@click.option(
    "--verify",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Make N clips of each input anew and compare them with the cache, byte by byte.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the choice of these clips.",
)
@format_option
def prepare(
    request: ClipRequest,
    inputs: str | None,
    variants: tuple[str, ...],
    jobs: int | None,
    verify: int,
    seed: int,
    form: str,
) -> int:
    """Preprocess clips ahead of runs.

    Interrupted, it loses nothing: the same command goes on. Exit code 1 where --verify finds a
    difference.
    """
    from bench.cli.progress import steps
    from bench.data.preparing import Wanted, peak_memory_mb, prepare_inputs, verify_inputs
    from bench.data.sources import find_clips, fingerprinted
    from bench.data.videos import clip_settings
    from bench.methods.registry import select_variants, variant
    from bench.system.processes import usable_cores

    workers, config, cache = jobs or usable_cores(), request.config, request.source.cache
    if inputs is None and not variants:
        inputs = USUAL_INPUTS
    named = [] if inputs is None else inputs.split(",")
    asked = [Wanted.named(text, config) for text in named]
    asked += [Wanted.of(e) for name in select_variants(variants) for e in variant(name).inputs]
    wanted = list(dict.fromkeys(asked))
    with steps() as progress:
        clip_set = find_clips(request.source, config, progress)
        clip_set = fingerprinted(clip_set, request.source, config)  # says what was made
        config = clip_settings(config, clip_set.clips)
        prepared = prepare_inputs(clip_set, wanted, config, cache, progress, workers)
        verified = []
        if verify:
            verified = verify_inputs(
                clip_set, wanted, config, cache, verify, seed, progress, workers
            )
    tell_changed(clip_set.problems)
    report = {
        "dataset": request.source.label,
        "surrogate": request.source.surrogate,
        "clips": len(clip_set.clips),
        "subjects": len({(clip.dataset, clip.subject) for clip in clip_set.clips}),
        "cache": str(cache),
        "jobs": workers,
        "inputs": prepared,
        "verified": verified,
        "peak_mb": peak_memory_mb(workers),
    }
    click.echo(json.dumps(report, indent=2) if form == "json" else _as_text(request, report))
    return 1 if any(row["differing"] for row in verified) else 0


def _as_text(request: ClipRequest, report: dict) -> str:
    from tabulate import tabulate

    rows = [
        {**row, "shape": "×".join(map(str, row["shape"])), "seconds": f"{row['seconds']:.1f}"}
        for row in report["inputs"]
    ]
    lines = [tabulate(rows, headers="keys", disable_numparse=True), ""]
    for row in report["verified"]:
        same = row["clips"] - len(row["differing"])
        lines.append(f"{row['input']}: {same} of {row['clips']} made anew are the same")
        lines += [f"differs: {name}" for name in row["differing"]]
    if any(row["differing"] for row in report["verified"]):
        lines.append(f"delete {report['cache']}/clips and prepare again")
    lines.append(
        f"{request.title}: {report['clips']} clips of {report['subjects']} subjects in "
        f"{report['cache']}, {report['jobs']} process(es), at most "
        f"{report['peak_mb'] or float('nan'):.0f} MB"
    )
    return "\n".join(lines)
