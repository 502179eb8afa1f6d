"""`bench predict`: what trained networks say of clips that they have never seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bench.cli.options import (
    Finite,
    OutFile,
    device_option,
    form_option,
    magnifier_option,
    out_option,
)

if TYPE_CHECKING:
    from bench.models.answers import Answers
    from bench.models.inputs import NamedClip
    from bench.models.model import Model

MODEL_SUFFIX = ".safetensors"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="MODEL... CLIP...")
@click.option(
    "--onset",
    type=click.IntRange(min=0),
    help="Number of its first frame.  [default: of the file's first]",
)
@click.option(
    "--apex", type=click.IntRange(min=0), help="Number of its frame of most motion, if known."
)
@click.option(
    "--offset",
    type=click.IntRange(min=0),
    help="Number of its last frame.  [default: of the file's last]",
)
@click.option(
    "--sliding", is_flag=True, help="Move a window over a longer video; this is not spotting."
)
@click.option(
    "--window",
    type=click.IntRange(min=2),
    help="Length of the window, frames.  [default: half a second]",
)
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    help="Step of the window, frames.  [default: a part of its length]",
)
@click.option(
    "--fps",
    type=Finite(0.1, 100_000),
    help="Frames per second.  [default: as the video states]",
)
@form_option("table", "csv", "json")
@out_option
@click.option(
    "--picture",
    type=OutFile(),
    help="Draw key frames, flow and probabilities into this file (.png, .svg, .pdf); of several "
    "clips one each, numbered.",
)
@click.option(
    "--crop",
    type=click.Choice(["none", "detect"]),
    help="Look for the face on the first frame, or take whole frames.  [default: as the run did]",
)
@click.option(
    "--landmarks",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Boxes or points of these clips, for models that crop by them.",
)
@magnifier_option
@device_option
def predict(
    names: tuple[str, ...],
    onset: int | None,
    apex: int | None,
    offset: int | None,
    sliding: bool,
    window: int | None,
    stride: int | None,
    fps: float | None,
    form: str,
    out: Path | None,
    picture: Path | None,
    crop: Literal["none", "detect"] | None,
    landmarks: Path | None,
    magnifier_weights: Path | None,
    device: str,
) -> None:
    """Classify new clips with one or several models.

    A MODEL is a file (.safetensors) that `bench fit` wrote. A CLIP is a video, a folder of frames,
    an .npy array (T, H, W) or (T, H, W, 3), or a manifest (.csv). It is taken from its first to its
    last frame, or from --onset to --offset, counted from 0, in a folder as its images are numbered.
    Every step is that of the model's run. Several models: the mean of their probabilities, and
    their standard deviation.
    """
    from bench.cli.output import check_place, deliver
    from bench.errors import UsageError

    files = [name for name in names if name.endswith(MODEL_SUFFIX)]
    clip_names = [name for name in names if not name.endswith(MODEL_SUFFIX)]
    if not files or not clip_names:
        missing = "clip" if files else f"model file ({MODEL_SUFFIX})"
        raise UsageError(f"no {missing} named: bench predict MODEL{MODEL_SUFFIX} CLIP")
    if not sliding and (window or stride):
        raise UsageError("--window and --stride go with --sliding")
    kind = _kind(picture)
    for place in (out, picture):
        check_place(place)

    from bench.data.clips import problem_lines
    from bench.models.inputs import Place, named_clips
    from bench.models.model import check_used, load_model
    from bench.training.compute import resolve_device

    where = resolve_device(device)
    models = [load_model(file, where, magnifier_weights, landmarks, crop) for file in files]
    check_used(models, magnifier_weights, landmarks)
    clips = named_clips(clip_names, Place(onset, apex, offset))
    if sliding:
        answers, fps = _sliding(models, clips, window, stride, fps)
    else:
        answers = _whole(models, clips)
    deliver(_text(models, answers, form, fps, sliding), out)
    if picture is not None:
        _draw(models, answers, picture, kind, fps, sliding)
    for line in problem_lines(dict.fromkeys(chain.from_iterable(answers.problems))):
        click.echo(line, err=True)
    if form != "json":
        for line in _remarks(models, answers, sliding):
            click.echo(line, err=True)


def _kind(picture: Path | None) -> str:
    from bench.errors import UsageError
    from reports.figures import PICTURES

    kind = picture.suffix.removeprefix(".").lower() if picture else ""
    if picture and kind not in PICTURES:
        raise UsageError(f"--picture {picture}: expected a name that ends in {', '.join(PICTURES)}")
    return kind


def _whole(models: Sequence[Model], clips: Sequence[NamedClip]) -> Answers:
    from bench.cli.progress import steps
    from bench.models.answers import answers_of

    with steps() as report:
        return answers_of(
            models,
            clips,
            (lambda done, total: report("models", done, total)) if len(models) > 1 else None,
        )


def _sliding(
    models: Sequence[Model],
    clips: Sequence[NamedClip],
    window: int | None,
    stride: int | None,
    fps: float | None,
) -> tuple[Answers, float | None]:
    from bench.cli.progress import steps
    from bench.errors import UsageError
    from bench.models.sliding import Window, slide, stated_rate

    if len(clips) > 1:
        raise UsageError(f"--sliding takes one video at a time, got {len(clips)}")
    rate = fps or stated_rate(clips[0].clip)
    with steps() as report:
        answers = slide(
            models,
            clips[0],
            Window.of(rate, window, stride),
            lambda done, total: report("windows", done, total),
        )
    return answers, rate


def _text(
    models: Sequence[Model], answers: Answers, form: str, fps: float | None, sliding: bool
) -> str:
    import json

    from bench.cli.output import sheet
    from bench.models.answers import flat
    from bench.system.result_files import sealed

    rows = _windows(answers, fps) if sliding else answers.records
    if form == "json":
        content = {
            "classes": list(answers.classes),
            "models": [_about(model) for model in models],
            "remarks": _remarks(models, answers, sliding),
            "windows" if sliding else "clips": rows,
        }
        return json.dumps(sealed(content), indent=1)
    cells_of = [flat(row) for row in rows]
    if form == "table":  # the warnings stand below it
        cells_of = [{k: v for k, v in row.items() if k != "warnings"} for row in cells_of]
    digits = "{:.4f}".format
    cells = [[digits(v) if isinstance(v, float) else v for v in row.values()] for row in cells_of]
    return sheet(cells, list(cells_of[0]), form)


def _windows(answers: Answers, fps: float | None) -> list[dict[str, Any]]:
    """The records of windows: first and last frame, and seconds where the rate is known."""
    rows = []
    for clip, record in zip(answers.clips, answers.records, strict=True):
        first, end = clip.span or (0, 0)
        times = {"start_s": first / fps, "end_s": (end or 0) / fps} if fps else {}
        frames = {"first_frame": first, "last_frame": (end or 0) - 1}
        rows.append({**frames, **times, **{k: v for k, v in record.items() if k != "clip"}})
    return rows


def _about(model: Model) -> dict[str, Any]:
    record = model.record
    return {"title": record.title, "score": record.score, "marks": list(record.marks)}


def _remarks(models: Sequence[Model], answers: Answers, sliding: bool) -> list[str]:
    """What a reader must know of the numbers."""
    from bench.models.model import score_lines
    from bench.models.sliding import NOT_SPOTTING

    lines = [NOT_SPOTTING] if sliding else []
    if answers.unanswered:
        lines.append(f"No face on the first frame of {answers.unanswered} windows: left out.")
    trained = [any(each.kind == "trained" for each in own) for own in answers.problems]
    if any(trained):
        what = "windows" if sliding else "clips"
        lines.append(
            f"Of training, or like it: {sum(trained)} of {len(trained)} {what}. Answers to these "
            "say nothing of new ones."
        )
    lines.append("Probabilities are softmax of logits: not calibrated. No lie detector.")
    for model in models:
        scores = ", ".join(score_lines(model.record)) or "not recorded"
        marks = "; ".join(model.record.marks)
        lines.append(
            f"{model.record.title}: score of its run {scores}{f' ({marks})' * bool(marks)}"
        )
    return lines


def _draw(
    models: Sequence[Model],
    answers: Answers,
    picture: Path,
    kind: str,
    fps: float | None,
    sliding: bool,
) -> None:
    from reports.figures import save
    from reports.figures.prediction import prediction, timeline

    stem = picture.with_suffix("")
    if sliding:
        save(timeline(answers, fps), stem, [kind])
        return
    for number in range(len(answers.clips)):
        several = f"-{number + 1}" if len(answers.clips) > 1 else ""
        save(prediction(models, answers, number), stem.with_name(stem.name + several), [kind])
