"""Predictions against the challenge's list: each kind of difference, alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_logs import challenge_clips

from bench.data.clips import CHALLENGE_CLASSES
from bench.runs.predictions import Answer, Predictions
from bench.scoring.challenge_list import list_problems, parts_of

WHOLE = tuple(challenge_clips())


def problems(answers, classes=CHALLENGE_CLASSES):
    predictions = Predictions(classes, tuple(answers))
    found = list_problems(predictions, parts_of(predictions))
    return [(problem.kind, problem.where) for problem in found]


def without(clip):
    return [answer for answer in WHOLE if answer.clip != clip]


def test_the_whole_list_has_no_problem():
    assert problems(WHOLE) == []


@pytest.mark.parametrize("part", ["smic", "casme2", "samm"])
def test_one_set_alone_is_compared_with_its_own_list(part):
    assert problems(answer for answer in WHOLE if answer.dataset == part) == []


def test_of_several_sets_the_third_is_missing():
    found = problems(answer for answer in WHOLE if answer.dataset != "samm")
    assert len(found) == 28
    assert {kind for kind, _ in found} == {"missing"}


def test_a_missing_smic_clip_is_named():
    assert problems(without("s03_ne_07")) == [("missing", "smic s03 s03_ne_07")]


def test_a_missing_clip_of_another_set_is_counted():
    gone = next(a for a in WHOLE if a.subject == "sub17" and a.true == 1)
    assert problems(a for a in WHOLE if a != gone) == [("missing", "casme2 sub17")]


def test_extra_clips_and_people():
    more = [
        Answer("smic", "s03", "s03_ne_23", 0, 0),
        Answer("casme2", "sub04", "EP12_01f", 0, 0),
        Answer("casme2", "sub10", "EP01_01", 0, 0),
        Answer("samm", "006", "006_9_9", 1, 1),
    ]
    assert problems([*WHOLE, *more]) == [
        ("extra", "smic s03 s03_ne_23"),
        ("extra", "casme2 sub04 EP12_01f"),
        ("extra", "casme2 sub10"),
        ("extra", "samm 006"),
    ]


def test_a_label_that_the_name_or_the_counts_contradict():
    wrong = [
        replace(a, true=2) if a.clip in ("s01_ne_01",) or a.subject == "sub08" else a for a in WHOLE
    ]
    assert problems(wrong) == [
        ("mislabelled", "smic s01 s01_ne_01"),
        ("mislabelled", "casme2 sub08"),
    ]


def test_a_clip_of_another_samm_subject():
    wrong = [replace(a, clip="007_9_9") if a.clip == "006_1_1" else a for a in WHOLE]
    assert problems(wrong) == [("mislabelled", "samm 006 007_9_9")]


def test_another_numbering_of_the_classes_is_one_problem():
    turned = [replace(a, true=(a.true + 1) % 3, pred=(a.pred + 1) % 3) for a in WHOLE]
    predictions = Predictions(CHALLENGE_CLASSES, tuple(turned))
    (problem,) = list_problems(predictions, parts_of(predictions))
    assert problem.where == "labels"
    assert "negative, positive, surprise are read as surprise, negative, positive" in problem.what


def test_what_cannot_be_checked_is_said():
    assert problems(WHOLE, ("a", "b", "c")) == [("unchecked", "classes")]
    own = Answer("own", "p1", "c", 0, 0)
    assert problems([own]) == [("unchecked", "own")]
