"""Counts found beside the challenge's, from clip sets made by hand and from whole surrogates."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.clips import CHALLENGE_CLASSES, Clip, ClipSet, Problem
from bench.data.inspect.check import check_report
from bench.data.sets.catalogue import DATASETS, load_clips
from bench.data.sets.challenge import expected_counts
from bench.data.surrogates import writing


def challenge_set(dataset: str) -> ClipSet:
    """A clip set of exactly the challenge's counts, without files."""
    clips = tuple(
        Clip(part, subject, f"{subject}_{label}_{index}", label, (), None, name, 100.0)
        for part in DATASETS[dataset].parts
        for subject, counts in expected_counts()[part].items()
        for label, name in enumerate(CHALLENGE_CLASSES)
        for index in range(counts[name])
    )
    return ClipSet(dataset, CHALLENGE_CLASSES, clips)


def differences(clip_set, subjects=None):
    report = check_report(clip_set, subjects)
    return [(p["kind"], p["where"]) for p in report["problems"]]


@pytest.mark.parametrize("dataset", [*expected_counts(), "composite"])
def test_the_challenge_itself_is_complete(dataset):
    report = check_report(challenge_set(dataset))
    assert report["complete"]
    assert report["problems"] == []
    assert report["expected"] == {key: report[key] for key in ("clips", "subjects", "classes")}
    assert sum(part["clips"] for part in report["slices"].values()) == report["clips"]
    assert json.loads(json.dumps(report)) == report


@given(st.data())
@settings(max_examples=40)
def test_clips_lost_are_the_clips_reported(data):
    full = challenge_set("smic")
    lost = data.draw(st.sets(st.integers(0, len(full.clips) - 1), max_size=40))
    kept = tuple(clip for index, clip in enumerate(full.clips) if index not in lost)
    report = check_report(replace(full, clips=kept))
    assert report["complete"] == (not lost)
    assert report["expected"]["clips"] - report["clips"] == len(lost)
    subjects_hit = {full.clips[index].subject for index in lost}
    assert {p["where"].removeprefix("smic ") for p in report["problems"]} == subjects_hit
    assert {p["kind"] for p in report["problems"]} <= {"missing"}


def test_a_subject_without_a_clip_is_one_problem():
    full = challenge_set("casme2")
    rest = replace(full, clips=tuple(c for c in full.clips if c.subject != "sub12"))
    (problem,) = check_report(rest)["problems"]
    assert (problem["kind"], problem["where"]) == ("missing", "casme2 sub12")
    assert problem["what"] == (
        "no clip of this subject, 5 negative, 2 positive, 4 surprise expected"
    )


def test_extra_clips_and_subjects():
    full = challenge_set("smic")
    twin = replace(full.clips[0], name="more")
    stranger = replace(full.clips[0], subject="s99", name="s99_ne_01")
    more = replace(full, clips=(*full.clips, twin, stranger))
    assert differences(more) == [("extra", "smic s01"), ("extra", "smic s99")]
    assert not check_report(more)["complete"]


def test_a_relabelled_clip_is_missing_and_extra():
    full = challenge_set("smic")
    moved = replace(full.clips[0], label=1 - full.clips[0].label)
    wrong = replace(full, clips=(moved, *full.clips[1:]))
    assert differences(wrong) == [("missing", "smic s01"), ("extra", "smic s01")]


@pytest.mark.parametrize("subjects", [["s3", "s20"], ["s03", "20"]])
def test_only_the_subjects_asked_for_are_compared(subjects):
    full = challenge_set("smic")
    some = replace(full, clips=tuple(c for c in full.clips if c.subject in ("s03", "s20")))
    report = check_report(some, subjects)
    assert report["complete"]
    assert report["expected"]["subjects"] == 2
    assert len(check_report(some)["problems"]) == 14


@pytest.mark.parametrize(
    ("problem", "complete"),
    [
        (Problem("apex", "row 3", "outside"), True),
        (Problem("frames", "row 3", "gap"), True),
        (Problem("extra", "folder", "unlisted"), False),
        (Problem("label", "row 3", "joy", fatal=True), False),
    ],
)
def test_the_loaders_problems_are_kept_and_weighed(problem, complete):
    report = check_report(replace(challenge_set("smic"), problems=(problem,)))
    assert report["complete"] == complete
    assert report["problems"] == [
        {"kind": problem.kind, "where": problem.where, "what": problem.what, "fatal": problem.fatal}
    ]


# ---------------------------------------------------------------- whole surrogates


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory) -> Path:
    """All three sets at full count; their frames are empty files, since they are only listed."""

    def write_clip(job):
        plan, settings, home = job
        folder = home / plan.folder(settings.raw)
        folder.mkdir(parents=True)
        for name in plan.file_names(settings.raw):
            (folder / name).touch()

    folder = tmp_path_factory.mktemp("surrogate") / "composite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_write_clip", write_clip)
        writing.write_surrogate("composite", folder, size=16, workers=1)
    return folder


@pytest.mark.parametrize(
    ("dataset", "clips", "subjects", "classes"),
    [
        ("smic", 164, 16, [70, 51, 43]),
        ("casme2", 145, 24, [88, 32, 25]),
        ("samm", 133, 28, [92, 26, 15]),
        ("composite", 442, 68, [250, 109, 83]),
    ],
)
def test_counts_of_full_surrogates_are_the_challenges(surrogate, dataset, clips, subjects, classes):
    clip_set = load_clips(dataset, surrogate)
    report = check_report(clip_set)
    assert (report["clips"], report["subjects"]) == (clips, subjects)
    assert list(report["classes"].values()) == classes
    assert report["complete"]
    assert {p["kind"] for p in report["problems"]} <= {"apex"}
    assert all(len(clip.frames) > 1 for clip in clip_set.clips)
    assert all(clip.apex is None for clip in clip_set.clips if clip.dataset == "smic")
    assert len({(c.dataset, c.subject, c.name) for c in clip_set.clips}) == clips


def test_a_folder_taken_away_is_named_by_row_and_by_count(surrogate):
    clip = next(c for c in load_clips("casme2", surrogate).clips if c.subject == "sub05")
    folder = clip.frames[0].parent
    away = surrogate / "away"
    shutil.move(folder, away)
    try:
        report = check_report(load_clips("casme2", surrogate))
    finally:
        shutil.move(away, folder)
    row, count = report["problems"]
    assert row["kind"] == "missing" and row["fatal"] and clip.name in row["where"]
    assert (count["kind"], count["where"]) == ("missing", "casme2 sub05")
    assert report["clips"] == 144
