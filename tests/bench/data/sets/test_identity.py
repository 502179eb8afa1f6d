"""One person under one name, and names that two people cannot have."""

from __future__ import annotations

import pytest

from bench.data.clips import Clip, problem_lines
from bench.data.sets.catalogue import DATASETS, load_clips
from bench.data.sets.identity import known_name, known_subject, look_alikes, refuse_collisions
from bench.errors import UsageError


def clip(subject: str, name: str = "c", dataset: str = "mine") -> Clip:
    return Clip(dataset, subject, name, 0, (), None, "negative", 200.0)


@pytest.mark.parametrize(
    ("dataset", "spellings", "name"),
    [
        ("casme2", ("7", "007", "s7", "SUB_07", "Subject 7", "7.0", "sub07"), "sub07"),
        ("smic", ("3", "S03", "sub3", "subject-3"), "s03"),
        ("samm", ("6", "6.0", "s006", "Sub6", "0006"), "006"),
        ("casme3", ("12", "spno.12", "s12"), "spNO.12"),
        ("4dme", ("1", "sub_01", "S1"), "01"),
        ("mmew", ("4", "s4", "Sub04"), "S04"),
    ],
)
def test_a_person_of_a_known_set_has_one_name(dataset, spellings, name):
    assert {known_subject(dataset, text, DATASETS) for text in spellings} == {name}
    assert DATASETS[dataset].resolve_subjects(spellings) == (name,)


@pytest.mark.parametrize("text", ["anna", "sub", "1a", "x7", "12345", "-1"])
def test_other_names_stay(text):
    assert known_subject("casme2", text, DATASETS) == text
    assert known_subject("mine", text, DATASETS) == text


def test_data_sets_have_one_name():
    names = ("CASME II", "casme2", "Casme-2", "SMIC-HS", "SAMM", "CAS(ME)^3", "mine", "composite")
    known = ["casme2", "casme2", "casme2", "smic", "samm", "casme3", "mine", "composite"]
    assert [known_name(name, DATASETS) for name in names] == known


@pytest.mark.parametrize(
    ("one", "other"),
    [("P01", "p1"), ("subject 3", "s03"), ("anna-b", "Anna B"), ("2", "2.0"), ("S100", "100")],
)
def test_look_alikes_are_warned_of(one, other):
    (problem,) = look_alikes([clip(one), clip(other), clip("9")])
    assert not problem.fatal and repr(one) in problem.what and repr(other) in problem.what
    assert not list(look_alikes([clip(one), clip(other, dataset="others")]))


@pytest.mark.parametrize(("one", "other"), [("p1", "p10"), ("anna", "anne"), ("1a", "10a")])
def test_others_are_not(one, other):
    assert not list(look_alikes([clip(one), clip(other)]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (clip("Ann"), clip("ann")),
        (clip("J\u00fcrg"), clip("Ju\u0308rg")),
        (clip("a", dataset="Mine"), clip("b", dataset="mine")),
        (clip("a", "EP1"), clip("a", "ep1")),
        (clip("a."), clip("a")),
    ],
)
def test_names_that_collide_on_a_case_blind_disk_are_refused(one, other):
    kept, (problem,) = refuse_collisions([one, other])
    assert kept == (one,) and problem.fatal
    assert len(refuse_collisions([one, one])[0]) == 2


def test_several_spellings_in_a_manifest_are_one_subject_and_told(tmp_path):
    people = ("Sub_05", "5", "005")
    for place in range(3):
        (tmp_path / f"f{place}").mkdir()
        for number in (1, 2):
            (tmp_path / f"f{place}" / f"{number}.png").touch()
    rows = [f"SAMM,{who},c{place},fear,f{place}\n" for place, who in enumerate(people)]
    (tmp_path / "m.csv").write_text("dataset,subject,clip,label,frames\n" + "".join(rows))
    found = load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path, subjects=["s5"])
    assert {(c.dataset, c.subject) for c in found.clips} == {("samm", "005")}
    assert len(found.clips) == 3
    assert [p.kind for p in found.problems] == ["identity"]
    (line,) = problem_lines(found.problems)
    assert all(repr(who) in line for who in people)
    with (tmp_path / "m.csv").open("a") as file:
        file.write("casme2,5,c9,disgust,f0\n")
    with pytest.raises(UsageError, match="'5' may be 005 or sub05"):
        load_clips(f"manifest:{tmp_path / 'm.csv'}", tmp_path, subjects=["5"])
