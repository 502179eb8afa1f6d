"""`python -m reports.gpu --out DIR` measures, with `--show DIR` it writes the page."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.errors import BenchError
from bench.system.files import write_text
from reports.gpu.page import PAGE, RESULTS, gpu_section, measured_on_gpu, read_records, with_section


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=RESULTS,
    show_default=True,
    help="Folder of the records, a JSON file a part.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("runs/gpu"),
    show_default=True,
    help="Folder of clips and runs; what is there is used again.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=8.0,
    show_default=True,
    help="The whole never takes longer.",
)
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
@click.option("--tiny", is_flag=True, help="Toy sizes: whether the command works.")
@click.option("--part", "names", multiple=True, help="Only this part; may be repeated.")
@click.option("--commit", default=None, help="Of the code, where its own git cannot tell.")
@click.option(
    "--show",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Measure nothing: print the records of this folder, and write those of a GPU "
    "into the page.",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    default=PAGE,
    show_default=True,
    help="The page that --show writes into.",
)
def main(out, work, minutes, device, tiny, names, commit, show, page) -> None:
    """Measures all that needs a GPU, part by part, what is worth most first.

    Each part has a process and a limit of its own, and leaves a JSON file that is whole after every
    row. Exits with 1 where a part failed; the others are done all the same.
    """
    if show is not None:
        _show(show, page)
        return
    from bench.training.compute import resolve_device
    from reports.gpu.parts import PARTS
    from reports.gpu.record import Settings
    from reports.gpu.running import run_parts

    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        known = ", ".join(part.name for part in PARTS)
        raise click.UsageError(f"--part {', '.join(sorted(unknown))}: expected one of {known}")
    chosen = [part for part in PARTS if not names or part.name in names]
    settings = Settings(resolve_device(device), tiny, out.absolute(), work.absolute(), commit)
    failed = run_parts(chosen, settings, 60 * minutes, lambda what: click.echo(what, err=True))
    click.echo(f"records in {out}; `python -m reports.gpu --show {out}` writes the page", err=True)
    sys.exit(1 if failed else 0)


def _show(folder: Path, page: Path) -> None:
    records = read_records(folder)
    section = gpu_section(records)
    click.echo(section)
    if not records or not measured_on_gpu(records):
        click.echo(f"not written into {page}: these are no figures of a GPU", err=True)
        return
    write_text(page, with_section(page.read_text(encoding="utf-8"), section))
    click.echo(f"written into {page}", err=True)


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
