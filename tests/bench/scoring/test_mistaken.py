"""Data sets and subjects that are called as something else is."""

from __future__ import annotations

import pytest

from bench.scoring.logs import parse_log

TITLES = "dataset,subject,clip,true,pred\n"
CLIPS = [(f"p0{person}_c{n}", n % 3) for person in (1, 2, 3) for n in range(3)]


def log_of(owners, clips):
    """A log in which each owner, such as `lab p1`, answers all clips."""
    rows = "".join(f"{name} {true} 0\n" for name, true in clips)
    return "".join(f"{owner}\n{rows}" for owner in owners)


def notes(owners, clips=CLIPS):
    text = log_of(owners, clips)
    found = parse_log(text, "log").notes
    table = TITLES + "".join(
        f"{owner.rpartition(' ')[0]},{owner.rpartition(' ')[2]},{name},{true},0\n"
        for owner in owners
        for name, true in clips
    )
    assert parse_log(table, "log").notes == found
    return found


@pytest.mark.parametrize(
    "owners",
    [
        ["seed 0", "seed 1"],
        ["Run 1", "Run 2"],
        ["model_id A", "model_id B"],
        ["lab seed0", "lab seed1"],
        ["lab fold_1", "lab fold_2"],
        ["lab epoch-10", "lab p1"],
    ],
)
def test_seeds_runs_and_folds_are_no_people(owners):
    (note,) = (each for each in notes(owners) if "subject(s) are called" in each)
    assert f"first '{owners[0]}'" in note


def test_answers_of_several_networks_to_the_same_clips_are_told():
    (note,) = notes(["flow A", "flow B"])
    assert note.startswith("all 2 subjects of 'flow', first 'A', 'B', have the same clips")


@pytest.mark.parametrize(
    "clips",
    [
        [(f"c{n}", n % 3) for n in range(9)],
        [(f"{word}_{n}", label) for label, word in enumerate(["sad", "glad", "oh"]) for n in "12"],
        [(f"s{session}_c{n}", n) for session in (1, 2) for n in range(3)],
    ],
)
def test_the_same_names_for_everybody_are_a_numbering(clips):
    assert not notes(["lab p01", "lab p02"], clips)


def test_some_people_have_names_of_their_own():
    assert not notes(["lab rep", "lab Runa1"], [("c1", 0), ("c2", 1)])


@pytest.mark.parametrize(
    ("trained", "tested"),
    [
        ("train p01", "test p02"),
        ("Validation p01", "Test p02"),
        ("train_set p01", "test_set p02"),
        ("dev p01", "lab p02"),
        ("lab train_p01", "lab test_p01"),
        ("lab p01-val", "lab p01-test"),
        ("lab training", "lab testing"),
    ],
)
def test_what_was_trained_on_is_told(trained, tested):
    (note,) = (each for each in notes([trained, tested], CLIPS[:4]) if "of training" in each)
    assert note.startswith("4 of 8 answers are of training") and f"first '{trained}'" in note
    assert not any("of training" in each for each in notes([tested], CLIPS[:4]))


@pytest.mark.parametrize("owner", ["lab valerie", "lab trainor_2", "TRAINS p1", "lab interval_2"])
def test_names_that_begin_as_parts_do_are_names(owner):
    assert not notes([owner, "lab p2"], [("c1", 0), ("c2", 1)])
