"""Subjects that may be no people: told where nothing says otherwise, and not elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.data.clips import Clip, ClipSet
from bench.data.sets.catalogue import BUILT_IN, judged
from bench.data.sets.doubts.people import doubtful_people, one_class_each
from bench.data.surrogates.note import drawn_name
from bench.studies.transfer import trained_people

FOUR = ("p01", "p02", "p03", "p04")


def told(*people: tuple[str, str], clips: int = 2) -> list[str]:
    names = [(*who, f"c{number}") for who in people for number in range(clips)]
    return [problem.what for problem in doubtful_people(names, BUILT_IN)]


def of(dataset: str, *subjects: str) -> list[tuple[str, str]]:
    return [(dataset, subject) for subject in subjects]


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (of("day1", *FOUR), of("day2", *FOUR), "4 of 4 subjects"),
        (of("train", *FOUR), of("test", "P1", "P2", "p9"), "2 of 3 subjects"),
        (of("lab", "1", "2"), of("Lab2", "s01", "s02"), "2 of 2 subjects"),
    ],
)
def test_sets_that_share_their_peoples_names_are_told(one, other, words):
    (what,) = told(*one, *other)
    assert words in what and "if they are the same people" in what
    (problem,) = trained_people(
        ["/".join(who) for who in one], [Clip(*who, "c", 0, (), None, "", 200.0) for who in other]
    )
    assert words in problem.what


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("lab", *FOUR), of("home", "anna", "bert", "p01")),
        (of("casme2", "sub01", "sub02"), of("casme", "sub01", "sub02")),
        (of("lab", "sub01", "sub02"), of("casme2", "sub01", "sub02")),
    ],
)
def test_other_people_and_known_releases_are_not(one, other):
    assert not told(*one, *other)


def test_people_whom_the_generator_drew_are_nobody_else():
    drawn = of("generated", *(drawn_name(0, person) for person in range(1, 5)))
    assert not told(*drawn, *of("lab", *FOUR))
    lab = [Clip("lab", who, "c", 0, (), None, "", 200.0) for who in FOUR]
    assert not [*trained_people(["/".join(who) for who in drawn], lab)]
    both = [*drawn, *of("lab", *FOUR)]
    (problem,) = trained_people(["/".join(who) for who in both], [*map(_elsewhere, lab)])
    assert problem.where == "'lab' and 'clinic'" and "4 of 4 subjects" in problem.what
    (what,) = told(*of("generated", *FOUR), *of("lab", *FOUR))  # made of the lab's people
    assert "4 of 4 subjects" in what


def _elsewhere(clip: Clip) -> Clip:
    return replace(clip, dataset="clinic")


def test_subjects_of_one_clip_each_are_told_unless_they_are_few_or_known():
    clips = [f"p{person:02d}{clip}" for person in range(4) for clip in "abcdef"]
    (what,) = told(*of("lab", *clips), clips=1)
    assert "each of the 24 subjects has one clip" in what
    assert not told(*of("lab", *FOUR), clips=1)
    assert not told(*of("samm", *(f"{number:03d}" for number in range(6, 30))), clips=1)


def with_clips(**clips: str) -> list[str]:
    names = [("lab", who, clip) for who, own in clips.items() for clip in own.split()]
    return [problem.what for problem in doubtful_people(names, BUILT_IN)]


@pytest.mark.parametrize("again", ["c00_1 c10_1 c20_1", "C00_1.avi c10_1_flip c20_01"])
def test_people_who_alone_share_the_names_of_their_clips_are_told(again):
    others = {"anna": "c00_2 c10_2 c20_2", "bert": "c00_3 c10_3 c20_3"}
    (what,) = with_clips(carl="c00_1 c10_1 c20_1", **others, zoe=again)
    assert what.startswith("subjects 'carl' and 'zoe' have 3 clips of the same names, which no")
    (what,) = with_clips(**others, **{f"{who}x": clips for who, clips in others.items()})
    assert "'anna' and 'annax' (and 1 more pairs)" in what


@pytest.mark.parametrize(
    "clips",
    [
        {"anna": "1 2 3", "bert": "1 2 3", "carl": "1 2", "zoe": "1"},
        {"anna": "EP01_2 EP02_1 EP03_1", "bert": "EP01_2 EP02_1 EP03_1", "carl": "EP01_2 EP04_1"},
        {"anna": "a b c", "bert": "a b c", "carl": "a b c", "zoe": "d e f"},
        {"anna": "a b c", "bert": "a b c"},
        {"anna": "a b", "bert": "a b", "carl": "d e f"},
    ],
)
def test_people_of_one_numbering_are_not(clips):
    assert not with_clips(**clips)


@pytest.mark.parametrize(
    "form",
    [
        *("p{}_s{}", "{:03d}-{}", "sub{}session{}", "P{}.{}", "p{}s{}", "p{:02d}-202{}"),
        *("p{:02d}{:c}", "{:03d}_{:c}", "s{}_seed{}", "{}-run{}", "sub{:02d} epoch {}"),
    ],
)
def test_sessions_of_a_person_are_told(form):
    sessions = (97, 98) if ":c" in form else (1, 2)
    names = [form.format(person, session) for person in range(1, 5) for session in sessions]
    (what,) = told(*of("lab", *names))
    assert "8 subjects are 4" in what and repr(names[0]) in what


@pytest.mark.parametrize("form", ["{}_{}", "{}{}", "{}-s{}", "{} {}", "{}_{:c}", "{}{:c}"])
def test_so_are_those_of_names_without_a_number(form):
    sessions = (97, 98) if ":c" in form else (1, 2)
    names = [form.format(who, number) for who in ("ann", "bea", "Cem") for number in sessions]
    (what,) = told(*of("lab", *names))
    assert "6 subjects are 3" in what and repr(names[0]) in what
    (what,) = told(*of("lab", *names[:4]))
    assert "4 subjects are 2" in what


@pytest.mark.parametrize(
    "names",
    [
        FOUR,
        ["sub_1", "sub_2", "sub_3"],
        ["f1", "f2", "m1", "m2"],
        ["HC01", "HC02", "PD01", "PD02", "AD01", "AD02"],
        ["AA", "AB", "BA", "BB"],
        ["anna", "annd", "bert", "carla"],
        ["anna_1", "anna_2", "bert_1", "carl_1"],
        [f"spNO.{number}" for number in range(1, 9)],
        [f"sub_{number}" for number in range(1, 9)],
        [f"lab{lab}_p{number:02d}" for lab in (1, 2) for number in range(1, 9)],
        [f"{sex}_{number}" for sex in ("male", "female") for number in range(1, 9)],
        ["anna1", "anna2", "bert", "carl"],
        [f"S{number:03d}" for number in range(100, 120)],
        [f"2021_{number}" for number in range(9)],
    ],
)
def test_people_with_numbers_are_not(names):
    assert not told(*of("lab", *names))
    assert not told(*of("samm", *[f"p{n}_s{s}" for n in range(4) for s in (1, 2)]))


def test_whatever_the_door_such_people_are_told():
    clips = tuple(
        Clip(day, who, name, 0, (Path(day, who, f"{name}.avi"),), None, "", 200.0)
        for day in ("day1", "day2")
        for who in FOUR
        for name in ("a", "b")
    )
    problems = judged(ClipSet("", ("x", "y"), clips)).problems
    (problem,) = (each for each in problems if each.kind == "identity")
    assert problem.kind == "identity" and not problem.fatal and "day1" in problem.where


def exchanged(subjects: int, clips: int, label, dataset: str = "lab") -> list[str]:
    made = (
        Clip(dataset, f"c{who}", f"p{clip}", label(who, clip), (), None, "", 200.0)
        for who in range(subjects)
        for clip in range(clips)
    )
    return [problem.what for problem in one_class_each(made, BUILT_IN)]


@pytest.mark.parametrize(("subjects", "clips"), [(6, 4), (3, 4), (30, 2)])
def test_subjects_of_one_class_each_are_told(subjects, clips):
    (what,) = exchanged(subjects, clips, lambda who, clip: who % 3)
    assert "one class only, and all have clips of the same names" in what


def test_others_of_several_or_of_few_clips_are_not():
    assert not exchanged(6, 4, lambda who, clip: clip % 3)
    assert not exchanged(6, 4, lambda who, clip: who % 3 if who else clip % 3)
    assert not exchanged(6, 4, lambda who, clip: 0)
    assert not exchanged(6, 1, lambda who, clip: who % 3)
    assert not exchanged(2, 9, lambda who, clip: who)
    assert not exchanged(6, 4, lambda who, clip: who % 3, "smic")


def folded(form: str, folds=("1", "2", "3"), people: int = 9, clips: int = 3) -> list[str]:
    """What is told of people who are in folds by turns, where clips are called by `form`."""
    names = [
        ("lab", folds[person % len(folds)], form.format(p=person, who=WHO[person], n=clip))
        for person in range(people)
        for clip in range(clips)
    ]
    return [problem.what for problem in doubtful_people(names, BUILT_IN)]


WHO = ("ann", "bea", "cem", "dan", "eve", "fay", "gus", "hal", "ida")


@pytest.mark.parametrize(
    ("form", "folds"),
    [
        *((form, ("1", "2", "3")) for form in ("p{p:02d}_birch{n}", "sub{p}/c{n}", "S{p}ne{n}")),
        *((form, ("0", "1", "2")) for form in ("{p:03d}_1_{n}", "{who}-{n}", "neg/{who}/{n}")),
        *(("P{p}.{n}", folds) for folds in (("f1", "f2"), ("a", "b", "c"), ("p1", "p2", "p3"))),
    ],
)
def test_folds_that_stand_for_people_are_told(form, folds):
    (what,) = folded(form, folds)
    assert f"{len(folds)} of {len(folds)} subjects begin with several people's names" in what
    assert "9 in all" in what and f"those of '{folds[0]}'" in what


@pytest.mark.parametrize(
    ("form", "folds"),
    [
        *((form, ("1", "2", "3")) for form in ("EP{p:02d}_{n:02d}f", "rec{p:02d}_{n}", "c{p}_{n}")),
        *((form, ("1", "2", "3")) for form in ("2021030{p}_{n}", "030{p}_{n}", "0{p}-03_{n}")),
        *((form, ("1", "2", "3")) for form in ("cam{p}/{n}", "happy{p}{n}", "take{p}/c{n}")),
        ("s{p:02d}_c{n}", ("p1", "p2", "p3")),  # sessions
        *((form, ("ann", "bea")) for form in ("{p:03d}_{n}", "{who}_{n}")),
    ],
)
def test_other_numberings_are_not(form, folds):
    assert not folded(form, folds)


def test_nor_are_people_of_their_own_names_numbers_in_a_row_and_what_several_share():
    assert not folded("p{p:02d}_{n}", FOUR, people=4)
    assert not folded("p{p}{n}", clips=1) and not folded("p{p}_{n}", clips=1)
    names = [("lab", str(n // 9), f"{n // 3:03d}_{n}") for n in range(27)]  # recordings
    shared = [("lab", str(who), f"s{n}_c{c}") for who in range(3) for n in range(4) for c in "12"]
    words = ("jan", "feb", "mar", "apr", "jun", "jul")
    months = [("lab", str(n // 4), f"{words[n // 2]}_{n}") for n in range(12)]
    assert not [*doubtful_people(names, BUILT_IN), *doubtful_people(shared, BUILT_IN)]
    assert not [*doubtful_people(months, BUILT_IN)]


@pytest.mark.parametrize(
    "form", ["p{0:02d}/c{1}/img1.png", "x/sub{0}_{1}.avi", "neg/s{0}/{1}/1.png"]
)
def test_folds_are_told_by_paths_too(form):
    clips = [
        Clip(
            "lab", str(who % 3), f"c{n}", n % 2, (Path("/d", form.format(who, n)),), None, "", 200.0
        )
        for who in range(9)
        for n in range(9)
    ]
    alone = [replace(clip, name=f"c{n}") for n, clip in enumerate(clips)]
    told = [p.what for p in judged(ClipSet("", ("x", "y"), tuple(alone))).problems]
    assert len([what for what in told if "several people's names" in what]) == 1
    own = [replace(clip, subject=f"p{n // 9}") for n, clip in enumerate(alone)]
    told = [p.what for p in judged(ClipSet("", ("x", "y"), tuple(own))).problems]
    assert not [what for what in told if "several people's names" in what]
