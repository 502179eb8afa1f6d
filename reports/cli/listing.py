"""`bench list runs`: how far runs are, their scores, and the marks of these."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.listing import list_group, show
from bench.cli.options import format_option, runs_option


@list_group.command()
@format_option
@runs_option
def runs(form: str, runs: Path) -> int:
    """Run folders, how far they are, and their marks."""
    from bench.protocol.metrics import UAR, UF1
    from bench.runs.record import find_runs
    from reports.reading.baselines import beside_baselines
    from reports.reading.defects import defect
    from reports.reading.groups import gather, run_marks

    records, unreadable = find_runs(runs)
    sound = [record for record in records if defect(record) is None]
    marks = {
        record.folder: "; ".join(run_marks(group, record))
        for group in gather(beside_baselines(sound, sound))
        for record in group.records
    }
    rows = [
        {
            "variant": record.variant,
            "dataset": record.dataset + (" (surrogate)" if record.surrogate else ""),
            "preset": record.preset,
            "config": record.config_hash,
            "seed": record.seed,
            "folds": f"{record.folds_done}/{record.folds_total}",
            **{name: (record.metrics or {}).get(name) for name in (UAR.name, UF1.name)},
            "folder": str(record.folder),
            "marks": marks.get(record.folder, "damaged: it stands in no table"),
        }
        for record in records
    ]
    show(form, rows)
    for line in unreadable:
        click.echo(f"skipped: {line}", err=True)
    return 1 if unreadable else 0
