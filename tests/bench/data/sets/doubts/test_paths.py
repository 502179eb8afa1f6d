"""Rows that name another class or subject than their paths, or each other, are told; no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.data.clips import Clip, ClipSet
from bench.data.sets.doubts.paths import (
    Place,
    contradicted,
    contradicted_clips,
    people_in_paths,
    sorted_labels,
)

CLASSES = ("negative", "positive", "surprise")
PEOPLE = ("p01", "p02", "p03", "p04")


def told(
    form: str, shift: int = 0, sort: bool = False, people=PEOPLE, classes=CLASSES
) -> list[str]:
    """What is told of four people with two clips a class, paths shifted or labels sorted."""
    rows = [(who, label, take) for who in people for label in classes for take in (1, 2)]
    paths = [form.format(who=who, label=label, take=take) for who, label, take in rows]
    paths = [*paths[-shift:], *paths[:-shift]] if shift else paths
    labels = [label for _, label, _ in rows]
    labels = sorted(labels) if sort else labels
    places = [
        Place(f"row {number}", path, who, (label,))
        for number, (path, (who, *_), label) in enumerate(zip(paths, rows, labels, strict=True), 2)
    ]
    return [problem.what for problem in contradicted("m.csv", places, classes)]


@pytest.mark.parametrize(
    "form", ["frames/{who}_{label}{take}", "x/{who}/{take}", "{who}-{take}.avi", "a\\{who}\\c"]
)
def test_paths_of_other_subjects_are_told(form):
    (what,) = told(form, shift=1)
    assert "20 clip(s) name their subject, those of 4 another one" in what
    assert "first row 2" in what and "p04" in what
    assert not told(form)


@pytest.mark.parametrize(
    "form", ["frames/{label}/{take}", "{label}_{take}.npy", "Frames/{label}-{take}/img*.png"]
)
def test_paths_of_other_classes_are_told(form):
    (what,) = told(form, sort=True)
    assert "12 clip(s) name their class, those of 12 another one" in what
    assert not told(form)


@pytest.mark.parametrize(
    ("form", "people", "classes"),
    [
        ("negative_faces/{who}/{take}", PEOPLE, CLASSES),  # all are below it
        ("{take}/{label}", ("1", "2", "3", "4"), ("0", "1", "2")),  # numbers mean anything
        ("EP{take:02d}_{who}/ep_1_2", ("1", "2", "3", "4"), CLASSES),
        ("{who}/{take}", ("a", "b", "c", "d"), CLASSES),
    ],
)
def test_what_names_nothing_is_not(form, people, classes):
    assert not told(form, people=people, classes=classes)


def test_one_odd_name_among_paths_that_name_no_class_is_not():
    places = [Place("row", f"clips/{n}", "a", ("positive",)) for n in range(9)]
    odd = Place("row 11", "clips/surprise-party", "a", ("negative",))
    assert not list(contradicted("m.csv", [*places, odd], CLASSES))


def test_the_class_and_the_word_of_the_table_are_both_the_clips_own():
    places = [
        Place("row", f"{folder}/{number}", "a", (word, label))
        for folder, word, label in [
            ("positive", "happiness", "positive"),
            ("happiness", "happiness", "positive"),
            ("disgust", "disgust", "negative"),
        ]
        for number in range(3)
    ]
    assert not list(contradicted("m.csv", places, (*CLASSES, "happiness", "disgust")))


def of_clips(form: str, labels: int = 0, subjects: int = 0) -> list[str]:
    """What is told of clips whose labels, or subjects, were read so many clips too far down."""
    rows = [(who, label, take) for who in PEOPLE for label in range(3) for take in (1, 2)]
    clips = []
    for number, (who, label, take) in enumerate(rows):
        images = [
            Path("/data", form.format(who=who, label=CLASSES[label], take=take, n=n))
            for n in (1, 2)
        ]
        read, said = (
            rows[(number + labels) % len(rows)][1],
            rows[(number + subjects) % len(rows)][0],
        )
        frames = tuple(dict.fromkeys(images))
        clips.append(Clip("lab", said, f"c{number}", read, frames, None, "", 200.0))
    return [each.what for each in contradicted_clips(ClipSet("lab", CLASSES, tuple(clips)), "lab")]


@pytest.mark.parametrize(
    "form",
    [
        "{who}/{label}/{take}/{n:03d}.png",
        "{label}-{who}/{take}/img{n}.jpg",
        "{who}_{label}_{take}_{n}.png",
        "{who}_{label}_{take}.avi",
    ],
)
def test_so_are_clips_whatever_their_door(form):
    (what,) = of_clips(form, labels=1)
    assert "12 clip(s) name their class, those of 12 another one, first lab p01/c1" in what
    (what,) = of_clips(form, subjects=3)
    assert "12 clip(s) name their subject, those of 12 another one, first lab " in what
    assert not of_clips(form)
    assert len(of_clips(form, 1, 3)) == 2


def of_words(name, people: int, takes: int = 2, wrong=lambda who, label: label) -> list[str]:
    """What is told of clips in folders of such names, with labels as `wrong` has them."""
    clips = [
        Clip("lab", f"s{who:02d}", f"c{label}{take}", wrong(who, label), (place,), None, "", 200.0)
        for who in range(people)
        for label in range(3)
        for take in range(takes)
        for place in [Path("/data", f"s{who:02d}", name(who, label, take), "a.avi")]
    ]
    return [each.what for each in contradicted_clips(ClipSet("lab", CLASSES, tuple(clips)), "lab")]


def shifted(who, label):
    """Of the first person classes count from another one on."""
    return (label + 2) % 3 if who == 0 else label


CODES = ("dis", "hap", "surprise")


@pytest.mark.parametrize(
    "name",
    [
        lambda who, label, take: f"{CODES[label]}/{take}",
        lambda who, label, take: f"clip{take}_{CODES[label]}",
        lambda who, label, take: f"{label}/clip{take}",
    ],
)
@pytest.mark.parametrize("people", [4, 20])
def test_a_word_that_is_another_class_in_one_person_is_told(name, people):
    (what,) = of_words(name, people, wrong=shifted)
    assert "another class in 1, first lab s00/c00: surprise" in what
    assert not of_words(name, people)


@pytest.mark.parametrize(("people", "odd", "few"), [(12, 2, True), (11, 2, False), (18, 4, False)])
def test_what_is_so_in_more_than_a_few_people_is_not(people, odd, few):
    """Of films, whose viewers say what they felt; people are counted for the word that is named."""

    def wrong(who, label):
        return (label + 1) % 3 if who < odd and label == who % 3 else label

    told = of_words(lambda who, label, take: f"film{label}/{take}", people, wrong=wrong)
    assert bool(told) == few
    assert all("'film0' stands for negative" in what and "class in 1," in what for what in told)


def test_one_class_that_is_another_in_one_person_is_told():
    def wrong(who, label):
        return 1 if (who, label) == (2, 2) else label

    (what,) = of_words(lambda who, label, take: f"{CODES[label]}/{take}", 4, wrong=wrong)
    assert "'surprise' stands for surprise in most people" in what and "lab s02/c20: posi" in what


@pytest.mark.parametrize(
    "name",
    [
        lambda who, label, take: f"session{take + 1}",  # with clips of all classes
        lambda who, label, take: ("easy", "hard")[(who + label) % 2],
        lambda who, label, take: f"film{(who + label) % 3}/{take}",  # another class in each person
        lambda who, label, take: f"{label}{take}",  # a clip each
        lambda who, label, take: "lab",
    ],
)
def test_folders_that_name_no_class_are_not(name):
    assert not of_words(name, 9, wrong=shifted)


def test_clips_on_several_drives_are_looked_at(monkeypatch):
    def no_common(paths):
        raise ValueError("Paths don't have the same drive")

    names = [lambda who, label, take: f"{CODES[label]}/{take}", lambda *_: "lab"]
    told = [of_words(name, 4, wrong=shifted) for name in names]
    monkeypatch.setattr(os.path, "commonpath", no_common)  # as Windows has it
    assert [of_words(name, 4, wrong=shifted) for name in names] == told != [[], []]
    clips = [
        Clip("lab", str(who % 3), f"c{who}{n}", 0, (Path(f"/d/p{who}/{n}.avi"),), None, "", 200.0)
        for who in range(9)
        for n in range(3)
    ]
    (problem,) = people_in_paths(clips, ())
    assert "3 of 3 subjects begin with several people's names" in problem.what


def sorted_alone(people, labels):
    """What is told of rows of these people with these labels, in their order."""
    places = [Place("row", "x", who, (label,)) for who, label in zip(people, labels, strict=True)]
    return [problem.what for problem in sorted_labels("m.csv", places)]


@pytest.mark.parametrize("classes", [CLASSES, ("0", "1")])
def test_labels_that_were_sorted_alone_are_told(classes):
    people = [f"p{n}" for n in range(8) for _ in range(6)]
    labels = [classes[n % len(classes)] for n in range(48)]
    (what,) = sorted_alone(people, sorted(labels))
    assert "of the 8 people with several clips have one label alone" in what
    assert not sorted_alone(people, labels)


def test_a_table_by_classes_and_one_of_few_people_are_in_order():
    assert not sorted_alone([f"p{n}" for n in range(8)] * 3, sorted(CLASSES * 8))
    assert not sorted_alone([f"p{n}" for n in range(24)], sorted(CLASSES * 8))  # one clip each
    assert not sorted_alone([f"p{n // 6}" for n in range(24)], sorted(CLASSES * 8))
    assert not sorted_alone([f"p{n // 2}" for n in range(24)], ["positive"] * 24)
