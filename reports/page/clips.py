"""The clips on which methods disagree most, with thumbnails where the clips are at hand."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.runs.predictions import ClipKey
from bench.runs.typed import MALFORMED
from bench.system.files import default_cache
from reports.compare.entries import Entry

if TYPE_CHECKING:
    from bench.config.settings import DataConfig
    from bench.data.clips import Clip
    from bench.runs.record import RunRecord

MOST = 40
"""Clips shown of one comparison."""

SIDE, QUALITY = 56, 70
"""Side of one picture of a thumbnail, in pixels, and its JPEG quality."""


@dataclass(frozen=True)
class Answers:
    """What one method says of a clip: right in how many of its seeds, and its commonest error."""

    right: int
    seeds: int
    error: str

    @property
    def text(self) -> str:
        """`right`, the class that it says instead, or `3 of 5, surprise`."""
        if self.right == self.seeds:
            return "right"
        return f"{self.right} of {self.seeds}, {self.error}" if self.right else self.error


@dataclass(frozen=True)
class ClipRow:
    """A clip with its class and the answers by place of the method; picture: a data URI."""

    key: ClipKey
    true: str
    answers: tuple[Answers, ...]
    picture: str | None


@dataclass(frozen=True)
class Disagreements:
    """The clips shown, of how many that any two methods differ on; why there is no picture."""

    rows: tuple[ClipRow, ...]
    total: int
    note: str = ""


def disagreements(entries: Sequence[Entry], faces: bool) -> Disagreements:
    """The clips on which the shares of right seeds differ most between methods.

    faces: whether real clips may be shown, too.
    """
    answers = entries[0].predictions[0].answers
    classes = entries[0].predictions[0].classes
    shares = np.stack([np.mean([p.right for p in e.predictions], axis=0) for e in entries])
    spread = shares.var(axis=0)  # (clips,)
    order = [int(place) for place in np.argsort(-spread, kind="stable") if spread[place] > 0]
    shown = order[:MOST]
    keys = [answers[place].key for place in shown]
    pictures, note = _pictures(entries[0].first, keys, faces) if keys else ({}, "")
    rows = tuple(
        ClipRow(
            key=answers[place].key,
            true=classes[answers[place].true],
            answers=tuple(_answers(entry, place) for entry in entries),
            picture=pictures.get(answers[place].key),
        )
        for place in shown
    )
    return Disagreements(rows, len(order), note)


def _answers(entry: Entry, place: int) -> Answers:
    said = [each.answers[place] for each in entry.predictions]
    wrong = Counter(each.pred for each in said if each.pred != each.true)
    error = entry.predictions[0].classes[wrong.most_common(1)[0][0]] if wrong else ""
    return Answers(len(said) - wrong.total(), len(said), error)


def _pictures(
    record: RunRecord, keys: Collection[ClipKey], faces: bool
) -> tuple[Mapping[ClipKey, str], str]:
    """Clip -> data URI of its thumbnail, and why there is none."""
    from bench.data.sources import planned_set
    from bench.runs.checking.validate import run_source

    if not (record.surrogate or faces):
        return {}, (
            "No thumbnails of real clips, which licences seldom let you pass on; "
            "`bench report --faces` has them."
        )
    try:
        config = record.settings
        found = planned_set(run_source(record, config, None, default_cache()), config.data).clips
        by_key = {ClipKey(clip.dataset, clip.subject, clip.name): clip for clip in found}
        return {key: _thumbnail(by_key[key], config.data) for key in keys}, ""
    except (BenchError, *MALFORMED) as error:
        return (
            {},
            f"No thumbnails, the clips are not at hand: {error} (BENCH_CACHE names the cache).",
        )


def _thumbnail(clip: Clip, config: DataConfig) -> str:
    """The apex beside its difference from the onset, amplified, as a data URI."""
    from PIL import Image

    from bench.data.disk.images import decode, read_frames
    from bench.data.inspect.pictures import GAIN
    from bench.data.pixels import luminance, resize
    from bench.data.steps.crop import crop
    from bench.data.steps.settings import preprocessing
    from bench.data.stills.apex import spot_apex

    if clip.apex is not None and len(clip.frames) > clip.apex:  # the other frames are not needed
        clip = replace(clip, frames=(clip.frames[0], clip.frames[clip.apex]), apex=1)
    video = crop(clip, decode(clip, read_frames(clip)), preprocessing(config))
    apex = min(spot_apex(video) if clip.apex is None else clip.apex, len(video) - 1)
    grey = luminance(resize(video[[0, apex]], SIDE))
    both = np.concatenate([grey[1], 128 + GAIN * (grey[1] - grey[0])], axis=1)
    buffer = BytesIO()
    Image.fromarray(np.rint(both).clip(0, 255).astype(np.uint8)).save(
        buffer, "JPEG", quality=QUALITY
    )
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
