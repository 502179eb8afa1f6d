"""The clips that the generator would write, before it writes them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.clips import Clip, ClipSet, Problem, Rejected
from bench.data.sets.catalogue import DATASETS, find_dataset
from bench.data.sets.challenge import LEFT_OUT
from bench.data.sets.classes import CHALLENGE, ClassMap
from bench.data.sets.releases.coded import CodedSet
from bench.data.sets.spreadsheet import Row
from bench.data.surrogates.plans import plan_clips


def planned_clips(
    dataset: str, seed: int, class_map: str, subjects: Sequence[str] | None = None
) -> ClipSet:
    """The clips that loaders will find, without frames; subjects: these only."""
    found = find_dataset(dataset)
    wanted = None if subjects is None else found.resolve_subjects(subjects)
    maps = {part: ClassMap.named(class_map, part) for part in found.parts}
    clips, problems = [], []
    for plan in plan_clips(dataset, seed, wanted):
        row = plan.row
        mapping, left_out = maps[row.dataset], LEFT_OUT.get(row.dataset, ())
        if mapping.name == CHALLENGE and (row.subject, row.name) in left_out:
            continue
        names = (row.dataset, row.subject, plan.clip_name)
        word = _word(row.dataset, row.emotion)
        try:
            label = mapping.label_of(row.dataset, word)
        except Rejected as reason:
            problems.append(Problem(reason.kind, " ".join(names), reason.what, fatal=True))
            continue
        if label is not None:
            clips.append(Clip(*names, label, frames=(), apex=None, emotion=word, fps=0.0))
    mapping = maps[found.parts[0]]
    return ClipSet(dataset, mapping.classes, tuple(clips), tuple(problems), mapping.name)


def _word(dataset: str, emotion: str) -> str:
    """The release's word for an emotion, as its loader reads it from the spreadsheet."""
    release = DATASETS[dataset]
    cell = Row(0, {"emotion": emotion})
    return release.word(cell) if isinstance(release, CodedSet) else emotion
