"""The answers of a run against its clips."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.data.clips import Clip
from bench.errors import DataError
from bench.protocol.metrics import scores
from bench.runs.checking.answered import unlike_data
from bench.runs.folds import ClipRecord, FoldRecord

CLASSES = ("negative", "positive", "surprise")
CLIPS = {
    Clip("smic", subject, name, label, frames=(), apex=None, emotion="", fps=100.0): label
    for subject, name, label in (("s1", "a", 0), ("s1", "b", 1), ("s2", "a", 2))
}


def folds(**changed):
    """Every clip answered by its own label; `changed`: fold -> its clips instead."""
    right = {
        subject: FoldRecord(
            subject=subject,
            clips=tuple(
                ClipRecord(dataset="smic", clip=clip.name, true=label, pred=label)
                for clip, label in CLIPS.items()
                if clip.subject == subject
            ),
        )
        for subject in ("s1", "s2")
    }
    return right | {name: replace(right[name], clips=clips) for name, clips in changed.items()}


def answer(clip="a", true=2, pred=2, dataset="smic"):
    return ClipRecord(dataset=dataset, clip=clip, true=true, pred=pred)


def test_answers_to_every_clip_are_alike():
    assert list(unlike_data(folds(), CLIPS, CLASSES)) == []


@pytest.mark.parametrize(
    ("clips", "found"),
    [
        ((answer(), answer()), ("s2", "a is answered more than once")),
        ((answer(), answer("b")), ("s2", "b is no clip of this subject")),
        ((answer(), answer(dataset="samm")), ("s2", "a is no clip of this subject")),
        ((answer(true=1),), ("s2", "a is surprise, not positive")),
        ((answer(true=9),), ("s2", "a is surprise, not class 9")),
        ((answer(pred=3),), ("s2", "a is answered by class 3 of 3")),
        ((answer(pred=-1),), ("s2", "a is answered by class -1 of 3")),
        ((), ("", "clips of the data that nobody tested: s2/a")),
    ],
)
def test_each_odd_answer_is_named(clips, found):
    assert list(unlike_data(folds(s2=clips), CLIPS, CLASSES)) == [found]


@pytest.mark.parametrize(("true", "pred"), [([0, 3], [0, 1]), ([0, 1], [0, -1])])
def test_metrics_refuse_labels_that_they_do_not_know(true, pred):
    with pytest.raises(DataError, match="is none of the 3 classes"):
        scores(true, pred, CLASSES)
