"""`bench data manifest`: a manifest from a table that somebody has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import OutFile

if TYPE_CHECKING:
    from bench.data.sets.manifests.mapping import Mapped


@click.command()
@click.option(
    "--from",
    "table",
    required=True,
    type=click.Path(path_type=Path),
    help="The table: any delimiter, encoding and order of columns.",
)
@click.option("--dataset-column", "dataset_column", metavar="TITLE", help="Column of data sets.")
@click.option(
    "--dataset", metavar="NAME", default="", help="Data set of all rows, where no column says it."
)
@click.option("--subject", metavar="TITLE", help="Column of subjects.")
@click.option("--clip", metavar="TITLE", help="Column of clips.")
@click.option("--label", metavar="TITLE", help="Column of labels.")
@click.option("--onset", metavar="TITLE", help="Column of onset frames.")
@click.option("--apex", metavar="TITLE", help="Column of apex frames.")
@click.option("--offset", metavar="TITLE", help="Column of offset frames.")
@click.option("--fps", metavar="TITLE", help="Column of frame rates.")
@click.option(
    "--labels",
    metavar="A=CLASS,...",
    help="What labels mean, e.g. 0=negative,1=positive,2=surprise; `others=` leaves rows out.",
)
@click.option(
    "--class-map",
    default="challenge",
    show_default=True,
    metavar="NAME|FILE",
    help="Classes of labels without --labels: challenge, native, or a CSV file.",
)
@click.option(
    "--frames",
    default="",
    metavar="PATTERN",
    help="Paths of frames, relative to the table, with titles in braces: images/{sub}_{clip}.png, "
    "{sub:03d} for three digits.  [default: the column frames]",
)
@click.option("--out", required=True, type=OutFile(), help="The manifest to write.")
def manifest(
    table: Path,
    dataset_column: str | None,
    dataset: str,
    labels: str | None,
    class_map: str,
    frames: str,
    out: Path,
    **titles: str | None,
) -> int:
    """Write a manifest from a table of your own.

    The table may have other titles, labels and paths.

    Columns with a usual title (Subject, filename, OnsetFrame, ...) need no option. Exit code 1
    where rows are not usable: all of them are told, and runs refuse or skip them.
    """
    from bench.cli.output import check_place
    from bench.data.clips import problem_lines
    from bench.data.sets.classes import label_pairs
    from bench.data.sets.manifests.mapping import Wording, mapped_manifest
    from bench.data.surrogates.checking import changed_flows
    from bench.system.files import write_text

    columns = {"dataset": dataset_column, **titles}
    wording = Wording(
        {column: title for column, title in columns.items() if title},
        dataset,
        label_pairs(labels, "--labels") if labels else {},
        frames,
        class_map,
    )
    check_place(out)
    made = mapped_manifest(table, wording, out)
    changed = list(changed_flows(made.clips.clips))
    write_text(out, made.text)
    for line in problem_lines([*changed, *made.clips.problems]):
        click.echo(line, err=True)
    click.echo(_told(made, out))
    return 1 if any(problem.fatal for problem in made.clips.problems) else 0


def _told(made: Mapped, out: Path) -> str:
    """What was written, and how to use it."""
    from bench.errors import printable

    clips, use = made.clips.clips, f"manifest:{out}"
    use += f" --set data.class_map={made.class_map}" * (made.class_map != "challenge")
    use += " --allow-outside" * made.outside
    sets = Counter(clip.dataset for clip in clips)
    people = {(clip.dataset, clip.subject) for clip in clips}
    left_out = f", {made.left_out} row(s) left out by --labels" * bool(made.left_out)
    return (
        f"{len(clips)} clips of {len(people)} subjects written ({_counted(sets)}; "
        f"{_counted(made.clips.class_counts())}{left_out}); use --dataset {printable(use)}"
    )


def _counted(counts: Mapping[str, int]) -> str:
    from bench.errors import printable

    return ", ".join(f"{printable(name)} {count}" for name, count in counts.items())
