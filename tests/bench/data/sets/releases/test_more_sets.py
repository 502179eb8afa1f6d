"""CAS(ME)^3 part A, 4DME and MMEW: their layouts and quirks, and generated trees in them."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.config.loading import load_config
from bench.data.clips import CHALLENGE_CLASSES
from bench.data.inspect.check import check_report
from bench.data.sets.catalogue import BUILT_IN, DATASETS, GENERATED, load_clips
from bench.data.sources import find_clips, resolve_source
from bench.data.surrogates.planned import planned_clips
from bench.data.surrogates.plans import plan_clips
from bench.data.surrogates.releases import RELEASES
from bench.data.surrogates.writing import write_surrogate
from bench.errors import DataError, UsageError

MORE = ("casme3", "4dme", "mmew")
SOME = {"casme3": ["spNO.1", "spNO.30"], "4dme": ["01", "13"], "mmew": ["S02", "S13"]}
NEGATIVE, POSITIVE, SURPRISE = range(3)


def names(clip_set):
    return [(clip.subject, clip.name) for clip in clip_set.clips]


@pytest.fixture(scope="module", params=MORE)
def generated(request, tmp_path_factory):
    """(data set, root, plans): the tree of two subjects."""
    dataset = request.param
    root = tmp_path_factory.mktemp("more") / dataset
    write_surrogate(dataset, root, size=16, subjects=SOME[dataset], workers=1)
    return dataset, root, plan_clips(dataset, 0, SOME[dataset])


def test_a_generated_tree_loads_as_it_was_planned(generated):
    dataset, root, plans = generated
    found = load_clips(dataset, root, class_map="native")
    assert found.problems == ()
    assert found.subjects == tuple(SOME[dataset])
    kept = {
        (
            plan.row.subject,
            f"{plan.row.name}_{plan.onset}" if dataset == "casme3" else plan.row.name,
        ): plan
        for plan in plans
        if " " not in plan.row.emotion  # compounds of 4DME
    }
    assert names(found) == sorted(kept)
    for clip in found.clips:
        plan = kept[clip.subject, clip.name]
        assert found.classes[clip.label] == clip.emotion == plan.row.emotion
        numbers = [int(path.stem) for path in clip.frames]
        assert numbers == list(range(plan.onset, plan.offset + 1))
        assert numbers[clip.apex] == plan.noted_apex


def test_three_classes_follow_the_rule_of_the_challenge(generated):
    dataset, root, plans = generated
    found = load_clips(dataset, root)
    assert found.classes == CHALLENGE_CLASSES
    planned = planned_clips(dataset, 0, "challenge", SOME[dataset]).clips
    assert [(c.subject, c.name, c.label) for c in found.clips] == sorted(
        (clip.subject, clip.name, clip.label) for clip in planned
    )
    rule = {"happy": POSITIVE, "happiness": POSITIVE, "positive": POSITIVE, "surprise": SURPRISE}
    kept = [p.row.emotion for p in plans if p.row.emotion != "others" and " " not in p.row.emotion]
    assert Counter(clip.label for clip in found.clips) == Counter(
        rule.get(word, NEGATIVE) for word in kept
    )


def test_counts_are_found_and_compared_with_nothing(generated):
    dataset, root, _ = generated
    report = check_report(load_clips(dataset, root))
    assert report["expected"] is None
    assert report["complete"] and report["problems"] == []
    assert report["subjects"] == 2
    some = load_clips(dataset, root, SOME[dataset][:1])
    assert some.subjects == tuple(SOME[dataset][:1])
    assert check_report(some, SOME[dataset][:1])["complete"]


def test_every_data_set_of_the_harness_is_listed_and_some_can_be_generated():
    assert tuple(DATASETS) == BUILT_IN
    assert set(GENERATED) == {*RELEASES, "composite"} and set(GENERATED) < set(BUILT_IN)


def test_they_are_no_part_of_the_composite():
    assert DATASETS["composite"].parts == ("smic", "casme2", "samm")
    assert {plan.row.dataset for plan in plan_clips("composite", 0)} == set(
        DATASETS["composite"].parts
    )


@pytest.mark.parametrize(
    ("dataset", "given", "subject"),
    [
        ("casme3", "1", "spNO.1"),
        ("casme3", "SPNO.216", "spNO.216"),
        ("4dme", "1", "01"),
        ("4dme", "sub07", "07"),
        ("mmew", "s3", "S03"),
    ],
)
def test_any_subject_is_taken_by_its_usual_names(dataset, given, subject):
    assert DATASETS[dataset].resolve_subjects([given, subject]) == (subject,)


@pytest.mark.parametrize("dataset", MORE)
def test_what_is_no_subjects_name_is_said_so_and_an_absent_one_too(dataset, tmp_path):
    with pytest.raises(UsageError, match=f"'nobody' is no subject of {dataset}; expected a name"):
        DATASETS[dataset].resolve_subjects(["nobody"])
    write_surrogate(dataset, tmp_path / "c", size=16, subjects=SOME[dataset][:1], workers=1)
    source = resolve_source(dataset, tmp_path / "c", False, tmp_path)
    config = load_config("smoke", ["data.subjects=99"]).data
    with pytest.raises(DataError, match=r"holds no usable clip of .* asked for by --subjects"):
        find_clips(source, config)


# ---------------------------------------------------------------- CAS(ME)^3

CASME3 = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
CASME3_SHEET = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"


@pytest.mark.parametrize("sheet", [".", "annotation"])
@pytest.mark.parametrize("frames", ["part_A", "ME_A", "."])
def test_casme3_recordings_hold_several_clips_and_more_besides(tmp_path, trees, sheet, frames):
    home = tmp_path / "CAS(ME)^3"
    rows = [
        ("spNO.1", "a", 20, 22, 24, "4", 3, "Disgust"),
        ("spNO.1", "a", 40, 41, 44, "12", 1, "happiness"),
        ("spNO.1", "a", 40, 41, 44, "12", 1, "happy"),
        ("spNO.17", "b", 1, 3, 9, "1", 2, "Surprise"),
        ("spNO.17", "c", 1, 3, 9, "14", 7, "Others"),
        ("spNO.17", "d", 1, 3, 9, "14", 7, "fear"),
    ]
    trees.sheet(home / sheet / CASME3_SHEET, [CASME3, *rows])
    for recording in ("spNO.1/a", "spNO.17/b", "spNO.17/e"):
        trees.frames(home / frames / recording / "color", range(60), "{}.jpg")
        trees.frames(home / frames / recording / "depth", range(60), "{}.png")
    (home / frames / "spNO.17" / "d" / "depth").mkdir(parents=True)
    found = load_clips("casme3", tmp_path)
    assert names(found) == [("spNO.1", "a_20"), ("spNO.1", "a_40"), ("spNO.17", "b_1")]
    assert [clip.label for clip in found.clips] == [NEGATIVE, POSITIVE, SURPRISE]
    assert [len(clip.frames) for clip in found.clips] == [5, 5, 9]
    assert {clip.fps for clip in found.clips} == {30.0}
    assert [(p.kind, p.what) for p in found.problems] == [
        ("duplicate", "row 3 lists this clip already: leave one of the two rows"),
        ("missing", "the clip has no folder color/ of frames"),
    ]


# ---------------------------------------------------------------- 4DME


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("Positive", "positive"),
        ("NEGATIVE ", "negative"),
        ("Repressed", "repression"),
        ("Surprise", "surprise"),
        ("Other", "others"),
        ("PositivelySurprise", None),
        ("negative/repression", None),
        ("Positive and surprised", None),
        ("Surprise (negative)", None),
        ("positive|surprise", None),
        ("Positive.", "positive"),
    ],
)
def test_4dme_compounds_are_left_out_however_they_are_written(tmp_path, trees, cell, word):
    header = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")
    path = tmp_path / "4DME" / "4DME_Labelling_Micro_release v1.xlsx"
    trees.sheet(path, [header, (1, "clip one", cell, 3, 4, 6, "AU4")])
    trees.frames(path.parent / "gray_micro" / "01" / "clip one", range(3, 7), "{}.jpg")
    found = load_clips("4dme", tmp_path, class_map="native")
    assert [clip.emotion for clip in found.clips] == [word] * (word is not None)
    assert not found.problems


@pytest.mark.parametrize(
    "cell",
    [
        *("not positive", "Non-negative", "no surprise", "Negative (excluded)", "Pos-Surprise"),
        *("Possitive+Surprise", "Positive?", "and", "Positiveness"),
    ],
)
def test_4dme_cells_that_only_contain_a_word_are_unknown(tmp_path, trees, cell):
    header = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")
    path = tmp_path / "4DME" / "4DME_Labelling_Micro_release v1.xlsx"
    trees.sheet(path, [header, (1, "clip one", cell, 3, 4, 6, "AU4")])
    trees.frames(path.parent / "gray_micro" / "01" / "clip one", range(3, 7), "{}.jpg")
    found = load_clips("4dme", tmp_path)
    (problem,) = found.problems
    assert not found.clips and problem.kind == "label" and cell.lower() in problem.what


def test_4dme_clips_numbered_from_their_onset_are_known_by_their_length(tmp_path, trees):
    header = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")
    rows = [(1, "a", "Positive", 103, 104, 106, "AU12"), (1, "b", "Positive", 103, 104, 109, "12")]
    path = trees.sheet(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", [header, *rows])
    for clip in "ab":
        trees.frames(path.parent / "gray_micro_crop" / "sub1" / clip, range(4), "img{}.jpg")
    found = load_clips("4dme", tmp_path)
    assert [(clip.name, len(clip.frames), clip.apex) for clip in found.clips] == [("a", 4, 1)]
    (problem,) = found.problems
    assert problem.fatal and "none of 103..109" in problem.what


@pytest.mark.parametrize("onset", [3, 60, 101])
def test_4dme_clips_are_known_by_their_length_where_numbers_overlap(tmp_path, trees, onset):
    header = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")
    row = (1, "a", "Positive", onset, onset + 1, onset + 5, "AU12")
    path = trees.sheet(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", [header, row])
    trees.frames(path.parent / "gray_micro_crop" / "sub1" / "a", range(1, 7), "img{}.jpg")
    (clip,) = load_clips("4dme", tmp_path).clips
    assert (len(clip.frames), clip.apex) == (6, 1)


# ---------------------------------------------------------------- MMEW


def test_mmew_clips_lie_below_their_emotion_and_the_sheet_decides(tmp_path, trees):
    header = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame")
    header = (*header, "Action Units", "Estimated Emotion", "remarks")
    rows = [
        (13, "S13-07-001", 1, 3, 6, "4", "disgust", None),
        ("2", "S02-01-001", 2, "/", 6, "12", "happiness", None),
        ("S02", "S02-03-002", 1, 2, 3, "17", "others", None),
        (2, "S02-05-001", 1, 2, 3, "17", "fear", None),
    ]
    home = tmp_path / "MMEW_Final"
    trees.sheet(home / "MMEW_Micro_Exp.xlsx", [header, *rows])
    for folder in ("anger/S13-07-001", "happiness/S02-01-001", "repression/S02-03-002"):
        trees.frames(home / "Micro_Expression" / folder, range(1, 8), "{}.jpg")
    trees.frames(home / "Micro_Expression" / "fear" / "S09-05-001", range(1, 8), "{}.jpg")
    found = load_clips("mmew", tmp_path)
    assert names(found) == [("S02", "S02-01-001"), ("S13", "S13-07-001")]
    assert [clip.apex for clip in found.clips] == [None, 2]
    assert [p.kind for p in found.problems] == ["odd", "apex", "missing", "extra"]
    said = "its folder anger contradicts its emotion disgust, which is used"
    assert found.problems[0].what == said
    assert found.problems[3].where.endswith("fear/S09-05-001")
    native = load_clips("mmew", tmp_path, ["2"], class_map="native")
    assert [clip.emotion for clip in native.clips] == ["happiness", "others"]
    with pytest.raises(DataError, match="Micro_Expression/<emotion>/ and <emotion>/"):
        (home / "Micro_Expression").rename(home / "elsewhere")
        load_clips("mmew", tmp_path)
