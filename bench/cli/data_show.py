"""`bench data show`: pictures of the clips, preprocessed as for networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.clip_options import ClipRequest, request_options, tell_changed
from bench.cli.options import OutFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.cli.progress import Steps
    from bench.data.clips import ClipSet

MOST_LINES = 400
"""Largest number of clips on a contact sheet: no picture is higher than 65,535 pixels."""


@click.command()
@request_options
@click.option(
    "--by",
    type=click.Choice(["class", "subject"]),
    default="class",
    show_default=True,
    help="Group the clips by class or by subject.",
)
@click.option(
    "--each",
    type=click.IntRange(min=1, max=50),
    default=2,
    show_default=True,
    help="Number of clips of each.",
)
@click.option(
    "--clip", "name", metavar="S/NAME", help="Show this clip alone, with --gif or --steps."
)
@click.option("--gif", is_flag=True, help="Write it as GIF, beside its change from the onset.")
@click.option(
    "--steps", "by_steps", is_flag=True, help="Draw it after every step of preprocessing."
)
@click.option("--out", type=OutFile(), help="File to write.  [default: named by the content, here]")
def show(
    request: ClipRequest,
    by: str,
    each: int,
    name: str | None,
    gif: bool,
    by_steps: bool,
    out: Path | None,
) -> None:
    """Draw a contact sheet, or one clip as GIF or step by step."""
    from bench.cli.output import check_place
    from bench.cli.progress import steps
    from bench.data.sources import find_clips, require_as_made
    from bench.errors import UsageError

    if (gif or by_steps) != bool(name) or (gif and by_steps):
        raise UsageError("one clip is shown by --clip S/NAME with --gif or with --steps")
    check_place(out)
    with steps() as progress:
        clip_set = find_clips(request.source, request.config, progress)
        require_as_made(clip_set, request.source, request.config)
    tell_changed(clip_set.problems)
    with steps() as progress:
        if name:
            out = _one(request, clip_set, name, gif, out)
        else:
            out = _sheet(request, clip_set, by, each, out, progress)
    click.echo(f"{out} written")


def _one(request: ClipRequest, clip_set: ClipSet, name: str, gif: bool, out: Path | None) -> Path:
    from bench.data.inspect import pictures as sheet
    from bench.system.files import write_atomic

    clip = sheet.one_clip(clip_set, name)
    stem = f"{clip.dataset}-{clip.subject}-{clip.name}".replace("/", "_")
    shown = f"{request.title} {clip.subject}/{clip.name}"
    if gif:
        out = out or Path(f"{stem}.gif")
        title = f"{shown}, {clip_set.classes[clip.label]}"
        first, *others = sheet.clip_gif(clip, request.config, title)
        save = partial(
            first.save,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=sheet.MILLISECONDS,
            loop=0,
        )
        write_atomic(out, save)
        return out
    figure = sheet.steps_sheet(clip, request.config, f"{shown}, step by step")
    return _drawn(figure, out or Path(f"{stem}-steps.png"))


def _sheet(
    request: ClipRequest,
    clip_set: ClipSet,
    by: str,
    each: int,
    out: Path | None,
    progress: Steps,
) -> Path:
    from bench.data.inspect import pictures as sheet
    from bench.errors import UsageError

    chosen = sheet.chosen_clips(clip_set, by, each)
    total, done = sum(len(clips) for _, clips in chosen), 0
    if total > MOST_LINES:
        raise UsageError(
            f"{total} clips are more than the {MOST_LINES} that a sheet has room for; take fewer "
            "with --each N or --subjects A,B"
        )
    groups = []
    for name, clips in chosen:
        shown = []
        for clip in clips:
            shown.append(sheet.moments(clip, request.config))
            done += 1
            progress("drawing clips", done, total)
        groups.append((name, shown))
    figure = sheet.contact_sheet(groups, sheet.sheet_title(request.title, by))
    return _drawn(figure, out or Path(f"{request.source.label}-by-{by}.png"))


def _drawn(figure: Figure, out: Path) -> Path:
    from bench.data.inspect.pictures import drawn
    from bench.system.files import write_atomic

    write_atomic(out, partial(drawn(figure).save, format="PNG", optimize=True))
    return out
