"""`bench figures`: Figures 1 and 3 of the paper, searches and predictions, as pictures."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the runs to show.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("figures"),
    show_default=True,
    help="Folder for the pictures.",
)
def figures(runs: Path, out: Path) -> None:
    """Figures 1 and 3 of the paper, search curves and predictions."""
    from bench.registry import variants
    from bench.store import find_runs
    from reports.figures import run_figures, save, tradeoff

    records, _ = find_runs(runs) if runs.exists() else ([], [])
    save(tradeoff(records, variants()), out / "figure1")
    for record in records:
        place = out / record.folder.relative_to(runs)
        for name, figure in run_figures(record).figures.items():
            save(figure, place / name)
